/* SPDX-License-Identifier: MIT */
#include "host/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "host/link.h"
#include "host/wire.h"

#define QEMU	 "qemu-system-x86_64"
#define ARGS_MAX 96u

/* ---- its directory ----------------------------------------------------------
 */

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

/* ---- QEMU -------------------------------------------------------------------
 */

struct command {
	char *argv[ARGS_MAX + 1];
	unsigned n;
};

static void add(struct command *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct command *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (c->n < ARGS_MAX && vasprintf(&c->argv[c->n], fmt, ap) >= 0)
		c->n++;
	va_end(ap);
}

/* A comma ends a value of QEMU's options, and two are one. */
static void double_commas(const char *from, char *to, size_t room)
{
	for (; *from && room > 2; from++) {
		*to++ = *from, room--;
		if (*from == ',')
			*to++ = ',', room--;
	}
	*to = '\0';
}

static void command_make(struct command *c, const char *dir,
			 const struct machine_options *o)
{
	char d[PATH_MAX], images[PATH_MAX], programs[PATH_MAX];
	unsigned i;

	double_commas(dir, d, sizeof(d));
	double_commas(o->images, images, sizeof(images));
	double_commas(o->programs, programs, sizeof(programs));
	add(c, QEMU);
	add(c, "-name");
	add(c, "ringside-host");
	add(c, "-accel");
	add(c, "tcg,thread=multi");
	/*
	 * Others than qemu64 have XSAVE or SMAP, with which programs in dom0
	 * were seen to compute wrong results under QEMU's emulation.
	 */
	add(c, "-cpu");
	add(c, "qemu64,+svm,+npt,+nrip-save"); /* the rest is for PVH */
	add(c, "-smp");
	add(c, "%u", o->cpus);
	add(c, "-m");
	add(c, "%u", o->memory_mib);
	add(c, "-display");
	add(c, "none");
	add(c, "-nic");
	add(c, "none");
	add(c, "-no-reboot");
	add(c, "-daemonize");
	add(c, "-pidfile");
	add(c, "%s/qemu.pid", dir);
	add(c, "-chardev");
	add(c, "file,id=console,path=%s/console.log", d);
	add(c, "-serial");
	add(c, "chardev:console");
	add(c, "-drive");
	add(c,
	    "file=%s/root.img,format=raw,if=none,id=root,snapshot=on,"
	    "cache=unsafe",
	    images);
	add(c, "-device");
	add(c, "nvme,drive=root,serial=root");
	add(c, "-drive");
	add(c, "file=%s,format=raw,if=none,id=programs,snapshot=on", programs);
	add(c, "-device");
	add(c, "nvme,drive=programs,serial=programs");
	add(c, "-device");
	add(c, "virtio-serial-pci,max_ports=%u", WIRE_PORTS + 1);
	for (i = 0; i < WIRE_PORTS; i++) {
		add(c, "-chardev");
		add(c, "socket,id=p%u,path=%s/port%u.sock,server=on,wait=off",
		    i, d, i);
		add(c, "-device");
		add(c, "virtserialport,chardev=p%u,name=" WIRE_PORT_NAME, i, i);
	}
	add(c, "-kernel");
	add(c, "%s/xen", o->images);
	add(c, "-append");
	add(c, "dom0_mem=%uM,max:%uM console=com1 loglvl=warning", o->dom0_mib,
	    o->dom0_mib);
	add(c, "-initrd");
	add(c, "%s/vmlinuz console=hvc0 quiet panic=1,%s/initrd", images,
	    images);
}

/* Starts it, and returns when it runs as a daemon. */
static int qemu_start(const char *dir, const struct machine_options *o,
		      struct why *why)
{
	struct command c = { .n = 0 };
	char path[PATH_MAX], said[256] = "";
	int log, status, err;
	ssize_t n;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/qemu.log", dir);
	log = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (log < 0)
		return why_set(why, -errno, "cannot write %s: %s", path,
			       strerror(errno));
	command_make(&c, dir, o);
	pid = fork();
	err = -errno;
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		setsid();
		dup2(null, 0);
		dup2(log, 1);
		dup2(log, 2);
		execvp(QEMU, c.argv);
		_exit(127);
	}
	while (c.n)
		free(c.argv[--c.n]);
	if (pid < 0) {
		close(log);
		return why_set(why, err, "QEMU cannot be started: %s",
			       strerror(-err));
	}
	/*
	 * Whatever signal comes: a host that is half started could not be
	 * found and ended.
	 */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	n = pread(log, said, sizeof(said) - 1, 0);
	close(log);
	if (n > 0)
		said[strcspn(said, "\n")] = '\0';
	if (!status)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return why_set(why, -ENOENT,
			       "there is no " QEMU
			       ": install the package qemu-system-x86");
	return why_set(why, -EIO, "QEMU did not start: %s",
		       *said ? said : path);
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
