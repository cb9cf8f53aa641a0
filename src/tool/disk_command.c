/* SPDX-License-Identifier: MIT */
#include "tool/disk_command.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "frontend/vdev.h"
#include "xen/desk/control.h"

#define BUSY_NS	    10000000000u /* how long a dying domain may take */
#define DOMID_LIMIT 32751

static const char *program; /* "ringside attach" and so on */

int disk_complain(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

/* ---- arguments --------------------------------------------------------- */

enum {
	OPT_TARGET = 0x100,
	OPT_DOMID,
	OPT_VDEV,
	OPT_MODE,
	OPT_CDROM,
	OPT_REMOVABLE,
	OPT_SECTOR_SIZE,
	OPT_SECTOR_UNITS,
	OPT_INJECT,
	OPT_LIMIT,
	OPT_BACKEND,
	OPT_MEM,
	OPT_NO_WAIT,
	OPT_FORCE,
	OPT_FEATURE,
};

#define TARGET                                                                 \
	{                                                                      \
		"target", OPT_TARGET, "TARGET", 0,                             \
			"the storage: a file, a block device, nbd:URI, "       \
			"null:SIZE or "                                        \
			"mem:SIZE",                                            \
			0                                                      \
	}
#define WHICH                                                                  \
	{ "domid", OPT_DOMID, "N", 0, "the guest (default: 1)", 0 },           \
		{ "vdev",                                                      \
		  OPT_VDEV,                                                    \
		  "NAME",                                                      \
		  0,                                                           \
		  "the disk's name in the guest (default: xvda)",              \
		  0 },                                                         \
	{                                                                      \
		"backend-domid", OPT_BACKEND, "N", 0,                          \
			"where the backend runs (default: 0)", 0               \
	}
#define NO_WAIT                                                                \
	{                                                                      \
		"no-wait", OPT_NO_WAIT, NULL, 0,                               \
			"do not wait for the backend to take it", 0            \
	}

const struct argp_option disk_attach_options[] = {
	TARGET,
	WHICH,
	{ "mode", OPT_MODE, "r|w", 0, "read-only or writable (default: w)", 0 },
	{ "cdrom", OPT_CDROM, NULL, 0,
	  "a drive for CDs: read-only and removable, and empty without a "
	  "target",
	  0 },
	{ "removable", OPT_REMOVABLE, NULL, 0,
	  "tell the guest that the disk is removable", 0 },
	{ "sector-size", OPT_SECTOR_SIZE, "BYTES", 0,
	  "512 or 4096 (default: the backend's)", 0 },
	{ "sector-units", OPT_SECTOR_UNITS, "UNIT", 0,
	  "how sectors are counted: in units of 512 bytes, or of sector-size "
	  "(default: the backend's)",
	  0 },
	{ "inject", OPT_INJECT, "RULES", 0,
	  "make the storage slow, wrong or failing, as in 'op=read errno=EIO "
	  "rate=0.1; delay=5ms' (default: the backend's)",
	  0 },
	{ "limit", OPT_LIMIT, "RATES", 0,
	  "hold the disk to rates, as in 'iops=1000 bps=10M' (default: the "
	  "backend's)",
	  0 },
	{ "feature", OPT_FEATURE, "NAME=VALUE", 0,
	  "a feature switch of this disk, as in ringsided(8); repeatable", 0 },
	{ "mem", OPT_MEM, "SIZE", 0,
	  "memory of the guest, if it is new (default: the desk's)", 0 },
	NO_WAIT,
	{ 0 }
};

const struct argp_option disk_detach_options[] = {
	WHICH,
	{ "force", OPT_FORCE, NULL, 0,
	  "remove it even if the backend does not close it", 0 },
	{ 0 }
};

const struct argp_option disk_insert_options[] = {
	TARGET, WHICH, NO_WAIT, { 0 }
};
const struct argp_option disk_eject_options[] = { WHICH, NO_WAIT, { 0 } };

static uint64_t number(struct argp_state *state, const char *what,
		       const char *text, uint64_t min, uint64_t max)
{
	uint64_t n = 0;

	if (number_parse(text, min, max, &n))
		argp_error(state,
			   "%s %s: a number from %llu to %llu is "
			   "needed",
			   what, text, (unsigned long long)min,
			   (unsigned long long)max);
	return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct disk_options *a = state->input;
	static bool writable; /* said so */
	struct why why;

	switch (key) {
	case OPT_TARGET:
		if (!*arg || strlen(arg) > 3000)
			argp_error(state, "--target: a name is needed, of at "
					  "most 3000 bytes");
		a->target = arg;
		return 0;
	case OPT_DOMID:
		a->domid =
			(uint16_t)number(state, "--domid", arg, 1, DOMID_LIMIT);
		return 0;
	case OPT_BACKEND:
		a->backend = (uint16_t)number(state, "--backend-domid", arg, 0,
					      DOMID_LIMIT);
		return 0;
	case OPT_VDEV:
		if (front_vdev_parse(arg, &a->devid, &why))
			argp_error(state, "--vdev: %s", why.text);
		a->vdev = arg;
		return 0;
	case OPT_MODE:
		if (strcmp(arg, "r") && strcmp(arg, "w"))
			argp_error(state, "--mode is r or w, not %s", arg);
		a->readonly = arg[0] == 'r';
		writable = !a->readonly;
		return 0;
	case OPT_MEM:
		if (number_parse_size(arg, 1u << 20, 64ull << 30,
				      &a->mem_bytes))
			argp_error(state,
				   "--mem %s: a size from 1M to 64G is "
				   "needed",
				   arg);
		return 0;
	case OPT_CDROM:
		a->cdrom = a->removable = a->readonly = true;
		return 0;
	case OPT_REMOVABLE:
		a->removable = true;
		return 0;
	case OPT_SECTOR_SIZE:
		if (strcmp(arg, "512") && strcmp(arg, "4096"))
			argp_error(state,
				   "--sector-size is 512 or 4096, not %s", arg);
		a->sector_size = arg;
		return 0;
	case OPT_SECTOR_UNITS:
		if (strcmp(arg, "512") && strcmp(arg, "sector-size"))
			argp_error(state,
				   "--sector-units is 512 or sector-size, not "
				   "%s",
				   arg);
		a->sector_units = arg;
		return 0;
	case OPT_INJECT:
		a->inject = arg;
		return 0;
	case OPT_LIMIT:
		a->limit = arg;
		return 0;
	case OPT_FEATURE:
		if (disk_options_feature(a, arg))
			argp_error(state,
				   "--feature takes NAME=VALUE, at most "
				   "eight of them, not \"%s\"",
				   arg);
		return 0;
	case OPT_NO_WAIT:
		a->no_wait = true;
		return 0;
	case OPT_FORCE:
		a->force = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->dir || !*arg)
			argp_error(state, "one desk, please: \"%s\"", arg);
		a->dir = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->dir)
			argp_error(state, "the desk's directory is needed");
		if (a->domid == a->backend)
			argp_error(state, "a domain cannot be its own backend");
		if (a->cdrom && writable)
			argp_error(state, "--cdrom is always read-only: leave "
					  "--mode w out");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- the desk ---------------------------------------------------------- */

/* A killed guest of the same number takes a moment to be gone. */
static int make_domain(const struct disk_options *a, struct why *why)
{
	const struct timespec nap = { 0, 20000000 };
	uint64_t until = clock_now_ns() + BUSY_NS;
	int err;

	while ((err = desk_control_domain_create(a->dir, a->domid, a->mem_bytes,
						 why)) == -EBUSY &&
	       clock_now_ns() < until)
		nanosleep(&nap, NULL);
	return err;
}

static int run(const struct disk_options *a, int (*what)(struct disk_nodes *d))
{
	struct disk_nodes d;
	int ret, signal_fd;
	struct why why;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (disk_nodes_open(&d, a, signal_fd, &why)) {
		ret = disk_complain("%s", why.text);
	} else {
		ret = what(&d);
		disk_nodes_close(&d);
	}
	close(signal_fd);
	return ret;
}

/* The backend has a working directory of its own. */
static char *absolute(const char *target)
{
	char *cwd, *path = NULL;

	if (!*target || target[0] == '/' || strchr(target, ':'))
		return strdup(target);
	cwd = getcwd(NULL, 0);
	if (cwd && asprintf(&path, "%s/%s", cwd, target) < 0)
		path = NULL;
	free(cwd);
	return path;
}

int disk_command_run(const struct disk_command *c, int argc, char **argv)
{
	const struct argp argp = {
		.options = c->options,
		.parser = parse,
		.args_doc = c->args,
		.doc = c->doc,
	};
	struct disk_options a = {
		.target = "",
		.vdev = "xvda",
		.devid = 202u << 8,
		.domid = 1,
	};
	struct why why;
	char *target;
	int ret;

	program = argv[0];
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (c->target && !*a.target && !a.cdrom) {
		disk_complain("--target says which storage the disk has: a "
			      "file, a block device, nbd:URI, null:SIZE or "
			      "mem:SIZE");
		return 2;
	}
	target = absolute(a.target);
	if (!target)
		return disk_complain("the working directory is gone");
	a.target = target;
	if (c->domain && make_domain(&a, &why))
		ret = disk_complain("%s", why.text);
	else
		ret = run(&a, c->what);
	free(target);
	return ret;
}
