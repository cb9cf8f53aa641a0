/* SPDX-License-Identifier: MIT */
#include "host/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <poll.h>
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

/* The process of the host in `dir`, or 0. */
static pid_t machine_pid(const char *dir)
{
	char path[PATH_MAX], text[32] = "", *end;
	uint64_t pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/qemu.pid", dir);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(text, sizeof(text), f)) {
		end = strchr(text, '\n');
		if (end)
			*end = '\0';
	}
	fclose(f);
	if (number_parse(text, 2, INT_MAX, &pid))
		return 0;
	/* The number may be somebody else's by now. */
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	memset(text, 0, sizeof(text));
	if (!fread(text, 1, sizeof(text) - 1, f))
		text[0] = '\0';
	fclose(f);
	return strstr(text, QEMU) ? (pid_t)pid : 0;
}

bool machine_runs(const char *dir)
{
	return machine_pid(dir) != 0;
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
	char path[PATH_MAX];
	unsigned i;
	int fd;

	if (strlen(dir) + sizeof("/port0.sock") > sizeof(addr.sun_path))
		return why_set(why, -ENAMETOOLONG,
			       "%s is too long for the address of a socket "
			       "(%zu bytes at most); name a shorter directory "
			       "with --dir",
			       dir, sizeof(addr.sun_path) - 12);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return why_set(why, -errno, "directory %s cannot be made: %s",
			       dir, strerror(errno));
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
	int log, status;
	ssize_t n;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/qemu.log", dir);
	log = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (log < 0)
		return why_set(why, -errno, "cannot write %s: %s", path,
			       strerror(errno));
	command_make(&c, dir, o);
	pid = fork();
	if (pid == 0) {
		setsid();
		dup2(log, 1);
		dup2(log, 2);
		execvp(QEMU, c.argv);
		_exit(127);
	}
	while (c.n)
		free(c.argv[--c.n]);
	status = -1;
	if (pid > 0)
		waitpid(pid, &status, 0);
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

/* ---- up and down
 * ------------------------------------------------------------- */

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
		err = stopped ? why_set(why, -EINTR, "interrupted")
			      : link_open(dir, 1000, &l, why);
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
	}
	link_close(l);
	if (tty)
		fputs("\r\033[K", stderr);
	return err;
}

int machine_up(const char *dir, const struct machine_options *o,
	       struct why *why)
{
	struct sigaction act = { .sa_handler = on_stop }, old_int, old_term;
	struct why ignored;
	int err;

	err = dir_make(dir, why);
	if (err)
		return err;
	stopped = 0;
	sigaction(SIGINT, &act, &old_int);
	sigaction(SIGTERM, &act, &old_term);
	err = qemu_start(dir, o, why);
	if (!err)
		err = agent_wait(dir, o, why);
	if (err && machine_down(dir, &ignored))
		dir_clean(dir);
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGTERM, &old_term, NULL);
	return err;
}

int machine_down(const char *dir, struct why *why)
{
	pid_t pid = machine_pid(dir);
	struct pollfd gone;

	if (!pid)
		return why_set(why, -ENOENT, "no Xen host runs in %s", dir);
	gone.fd = pidfd_open(pid, 0);
	gone.events = POLLIN;
	kill(pid, SIGTERM);
	if (gone.fd >= 0 && poll(&gone, 1, 10000) == 0) {
		kill(pid, SIGKILL);
		poll(&gone, 1, 5000);
	}
	if (gone.fd >= 0)
		close(gone.fd);
	dir_clean(dir);
	return 0;
}
