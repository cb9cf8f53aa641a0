/* SPDX-License-Identifier: MIT */
#include "host/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "host/link.h"
#include "host/qemu.h"
#include "host/wire.h"

/* ---- its directory ------------------------------------------------------- */

/*
 * The process of the host in `dir`, or 0.  QEMU holds a lock on its pidfile
 * as long as it lives, so that a number of somebody else is not taken for it.
 * *pid_fd, if asked for, is that process for certain; the caller closes it.
 */
static pid_t machine_pid(const char *dir, int *pid_fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX], text[32] = "";
	int fd, process = -1;
	uint64_t pid = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/qemu.pid", dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n > 0)
		text[strcspn(text, "\n")] = '\0';
	if (number_parse(text, 2, INT_MAX, &pid))
		pid = 0;
	if (pid)
		process = pidfd_open((pid_t)pid, 0);
	/* Asked after that: if it lives still, it was meant. */
	if (process < 0 || fcntl(fd, F_OFD_GETLK, &lock) ||
	    lock.l_type == F_UNLCK)
		pid = 0;
	close(fd);
	if (pid && pid_fd)
		*pid_fd = process;
	else if (process >= 0)
		close(process);
	return (pid_t)pid;
}

bool machine_runs(const char *dir)
{
	return machine_pid(dir, NULL) != 0;
}

static void dir_clean(const char *dir)
{
	char path[PATH_MAX];
	unsigned i;

	for (i = 0; i < WIRE_PORTS; i++) {
		snprintf(path, sizeof(path), "%s/port%u.sock", dir, i);
		unlink(path);
		snprintf(path, sizeof(path), "%s/port%u.lock", dir, i);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/qemu.pid", dir);
	unlink(path);
}

static int dir_make(const char *dir, struct why *why)
{
	struct sockaddr_un addr;
	struct stat st;

	if (strlen(dir) + sizeof("/port0.sock") > sizeof(addr.sun_path))
		return why_set(why, -ENAMETOOLONG,
			       "%s is too long for the address of a socket "
			       "(%zu bytes at most); name a shorter directory "
			       "with --dir",
			       dir, sizeof(addr.sun_path) - 12);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return why_set(why, -errno, "directory %s cannot be made: %s",
			       dir, strerror(errno));
	/* In /tmp anybody may have made it first, to see what we do. */
	if (stat(dir, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return why_set(why, -EPERM,
			       "%s is no directory of yours; name another with "
			       "--dir",
			       dir);
	return 0;
}

/* With the directory's lock: nobody else starts one meanwhile. */
static int ports_make(const char *dir, struct why *why)
{
	char path[PATH_MAX];
	unsigned i;
	int fd;

	if (machine_runs(dir))
		return why_set(why, -EBUSY,
			       "a Xen host runs in %s already; \"ringside host "
			       "down\" ends it",
			       dir);
	dir_clean(dir);
	for (i = 0; i < WIRE_PORTS; i++) {
		snprintf(path, sizeof(path), "%s/port%u.lock", dir, i);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return why_set(why, -errno, "cannot write %s: %s", path,
				       strerror(errno));
		close(fd);
	}
	return 0;
}

/* The lock of whoever starts a host in `dir`, or -errno with a sentence. */
static int dir_lock(const char *dir, struct why *why)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/up.lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return why_set(why, -errno, "cannot write %s: %s", path,
			       strerror(errno));
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	close(fd);
	return why_set(why, -EBUSY,
		       "another process starts a Xen host in %s at the moment",
		       dir);
}

/* ---- up and down -------------------------------------------------------- */

/* The last line on the console, for who waits. */
static void console_line(const char *dir, char *out, size_t room)
{
	char path[PATH_MAX], tail[512], *p, *end;
	FILE *f;
	size_t n;

	*out = '\0';
	snprintf(path, sizeof(path), "%s/console.log", dir);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fseek(f, -(long)(sizeof(tail) - 1), SEEK_END))
		rewind(f);
	n = fread(tail, 1, sizeof(tail) - 1, f);
	fclose(f);
	tail[n] = '\0';
	while (n && (tail[n - 1] == '\n' || tail[n - 1] == '\r'))
		tail[--n] = '\0';
	p = strrchr(tail, '\n');
	p = p ? p + 1 : tail;
	for (end = out; *p && room > 1; p++)
		if (*p >= ' ' && *p <= '~')
			*end++ = *p, room--;
	*end = '\0';
}

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
	(void)number;
	stopped = 1;
}

/* Until the agent answers, QEMU ends, or patience does. */
static int agent_wait(const char *dir, const struct machine_options *o,
		      struct why *why)
{
	uint64_t start = clock_now_ns(), waited_s;
	bool tty = isatty(STDERR_FILENO);
	struct link *l = NULL;
	char line[60];
	int err;

	if (!tty)
		fprintf(stderr, "ringside host: booting Xen\n");
	for (;;) {
		waited_s = (clock_now_ns() - start) / 1000000000u;
		if (tty) {
			console_line(dir, line, sizeof(line));
			fprintf(stderr,
				"\r\033[Kringside host: booting, "
				"%u s: %s",
				(unsigned)waited_s, line);
		}
		err = stopped ? -EINTR : link_open(dir, 1000, &l, why);
		if (stopped)
			err = why_set(why, -EINTR, "interrupted");
		if (!err || stopped)
			break;
		if (!machine_runs(dir)) {
			console_line(dir, line, sizeof(line));
			err = why_set(why, -EIO,
				      "the host ended while it booted; its "
				      "last words in %s/console.log: %s",
				      dir, line);
			break;
		}
		if (waited_s >= o->patience_s) {
			err = why_set(why, -ETIMEDOUT,
				      "dom0 did not answer within %u s; "
				      "%s/console.log may tell why",
				      o->patience_s, dir);
			break;
		}
		/* It may have failed at once, as when all ports are busy. */
		poll(NULL, 0, 100);
	}
	link_close(l);
	if (tty)
		fputs("\r\033[K", stderr);
	return err;
}

int machine_up(const char *dir, const struct machine_options *o,
	       struct why *why)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction act = { .sa_handler = on_stop }, old[3];
	int i, lock, err;

	err = dir_make(dir, why);
	if (err)
		return err;
	lock = dir_lock(dir, why);
	if (lock < 0)
		return lock;
	stopped = 0;
	for (i = 0; i < 3; i++)
		sigaction(stops[i], &act, &old[i]);
	err = ports_make(dir, why);
	if (!err) {
		err = qemu_start(dir, o, why);
		if (!err)
			err = agent_wait(dir, o, why);
		if (err && machine_down(dir, NULL) == -ENOENT)
			dir_clean(dir);
	}
	for (i = 0; i < 3; i++)
		sigaction(stops[i], &old[i], NULL);
	close(lock);
	return err;
}

/* Whether it ended within that time, whatever signals come meanwhile. */
static bool process_ends(int pid_fd, unsigned seconds)
{
	uint64_t until = clock_now_ns() + seconds * UINT64_C(1000000000);
	struct pollfd gone = { .fd = pid_fd, .events = POLLIN };

	while (poll(&gone, 1, 100) <= 0)
		if (clock_now_ns() >= until)
			return false;
	return true;
}

int machine_down(const char *dir, struct why *why)
{
	int fd, err = 0;
	pid_t pid = machine_pid(dir, &fd);

	if (!pid)
		return why_set(why, -ENOENT, "no Xen host runs in %s", dir);
	pidfd_send_signal(fd, SIGTERM, NULL, 0);
	if (!process_ends(fd, 10)) {
		pidfd_send_signal(fd, SIGKILL, NULL, 0);
		if (!process_ends(fd, 5))
			err = why_set(
				why, -EBUSY,
				"the host in %s, process %d, does not end", dir,
				(int)pid);
	}
	close(fd);
	if (!err)
		dir_clean(dir);
	return err;
}
