/* SPDX-License-Identifier: MIT */
#include "host/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/wire.h"

#define QEMU	 "qemu-system-x86_64"
#define ARGS_MAX 96u

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
	add(c, "qemu64,+svm,+npt"); /* the rest is for PVH */
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

int qemu_start(const char *dir, const struct machine_options *o,
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
