/* SPDX-License-Identifier: MIT */
/*
 * ringside attach, ringside detach: what xl block-attach and block-detach do
 * on a Xen host, on a desk.
 */
#include <argp.h>
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
#include "tool/commands.h"
#include "tool/disk_nodes.h"
#include "xen/desk/control.h"

#define BUSY_NS	    10000000000u /* how long a dying domain may take */
#define DOMID_LIMIT 32751

static const char *program; /* "ringside attach" or "ringside detach" */

static int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int complain(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

/* ---- attach ------------------------------------------------------------ */

/*
 * An attach that failed is undone in order: a backend that is still at work
 * on the disk would write into a directory that is gone, and so make it anew.
 */
static void withdraw(struct disk_nodes *d)
{
	if (!disk_nodes_no_backend(d) &&
	    disk_nodes_closed(d) != DISK_WAIT_DONE &&
	    disk_nodes_offline(d) == 0)
		disk_nodes_wait(d, disk_nodes_closed);
	disk_nodes_remove(d);
}

static int refused(struct disk_nodes *d)
{
	char *reason = disk_nodes_get(d, d->back, "hotplug-error");

	if (!reason)
		reason = disk_nodes_get(d, d->error, "error");
	complain("the backend refuses the disk: %s",
		 reason ? reason : "it closed it and gave no reason");
	free(reason);
	return 1;
}

static int attach_wait(struct disk_nodes *d)
{
	int seen = disk_nodes_wait(d, disk_nodes_connected);

	switch (seen) {
	case DISK_WAIT_DONE:
		return 0;
	case DISK_WAIT_REFUSED:
		refused(d);
		break;
	case -ETIMEDOUT:
		if (disk_nodes_no_backend(d))
			complain("no backend listens in domain %u of the "
				 "desk in %s: start `ringsided --host desk:%s`",
				 d->opt->backend, d->opt->dir, d->opt->dir);
		else
			complain("the backend in domain %u has not taken "
				 "the disk within 10 seconds",
				 d->opt->backend);
		break;
	case -EINTR:
		complain("stopped by a signal: the disk is removed again");
		break;
	default:
		return complain("the desk in %s is gone", d->opt->dir);
	}
	withdraw(d);
	return 1;
}

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

static int attach(struct disk_nodes *d)
{
	int err = disk_nodes_write(d);

	if (err == -EEXIST)
		return complain("domain %u has a disk %s already: detach "
				"it first",
				d->opt->domid, d->opt->vdev);
	if (err == -ENOENT)
		return complain("domain %u, which is to be the backend, "
				"does not exist on this desk",
				d->opt->backend);
	if (err)
		return complain("the disk cannot be written to the store: "
				"%s",
				strerror(-err));
	if (!d->opt->no_wait) {
		err = attach_wait(d);
		if (err)
			return err;
	}
	printf("%u %s\n", d->opt->devid, d->back);
	return 0;
}

/* ---- detach ------------------------------------------------------------ */

static int detach(struct disk_nodes *d)
{
	char *there = disk_nodes_get(d, d->back, "");
	int seen = DISK_WAIT_DONE, err;

	free(there);
	if (!there)
		return complain("domain %u has no disk %s (%s)", d->opt->domid,
				d->opt->vdev, d->back);
	err = disk_nodes_closed(d) == DISK_WAIT_DONE ? 0
						     : disk_nodes_offline(d);
	if (err)
		return complain("the store refuses: %s", strerror(-err));
	if (!d->opt->force || !disk_nodes_no_backend(d))
		seen = disk_nodes_wait(d, disk_nodes_closed);
	if (seen == -EINTR)
		return complain("stopped by a signal; the backend was told "
				"to close the disk");
	if (seen == -EPIPE)
		return complain("the desk in %s is gone", d->opt->dir);
	if (seen != DISK_WAIT_DONE && !d->opt->force)
		return complain(
			"%s in domain %u %s; --force removes disk %s all "
			"the same",
			disk_nodes_no_backend(d) ? "no backend listens"
						 : "the backend",
			d->opt->backend,
			disk_nodes_no_backend(d)
				? "that could close it"
				: "has not closed it within 10 seconds",
			d->opt->vdev);
	err = disk_nodes_remove(d);
	return err ? complain("the disk's nodes cannot be removed: %s",
			      strerror(-err))
		   : 0;
}

/* ---- arguments --------------------------------------------------------- */

enum {
	OPT_TARGET = 0x100,
	OPT_DOMID,
	OPT_VDEV,
	OPT_MODE,
	OPT_BACKEND,
	OPT_MEM,
	OPT_NO_WAIT,
	OPT_FORCE,
	OPT_FEATURE,
};

static const struct argp_option attach_options[] = {
	{ "target", OPT_TARGET, "TARGET", 0,
	  "the storage: a file, a block device, nbd:URI, null:SIZE or mem:SIZE",
	  0 },
	{ "domid", OPT_DOMID, "N", 0, "the guest (default: 1)", 0 },
	{ "vdev", OPT_VDEV, "NAME", 0,
	  "the disk's name in the guest (default: xvda)", 0 },
	{ "mode", OPT_MODE, "r|w", 0, "read-only or writable (default: w)", 0 },
	{ "mem", OPT_MEM, "SIZE", 0,
	  "memory of the guest, if it is new (default: the desk's)", 0 },
	{ "backend-domid", OPT_BACKEND, "N", 0,
	  "where the backend runs (default: 0)", 0 },
	{ "feature", OPT_FEATURE, "NAME=VALUE", 0,
	  "a feature switch of this disk, as in ringsided(8); repeatable", 0 },
	{ "no-wait", OPT_NO_WAIT, NULL, 0,
	  "do not wait for the backend to take it", 0 },
	{ 0 }
};

static const struct argp_option detach_options[] = {
	{ "domid", OPT_DOMID, "N", 0, "the guest (default: 1)", 0 },
	{ "vdev", OPT_VDEV, "NAME", 0,
	  "the disk's name in the guest (default: xvda)", 0 },
	{ "backend-domid", OPT_BACKEND, "N", 0,
	  "where the backend runs (default: 0)", 0 },
	{ "force", OPT_FORCE, NULL, 0,
	  "remove it even if the backend does not close it", 0 },
	{ 0 }
};

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
		return 0;
	case OPT_MEM:
		if (number_parse_size(arg, 1u << 20, 64ull << 30,
				      &a->mem_bytes))
			argp_error(state,
				   "--mem %s: a size from 1M to 64G is "
				   "needed",
				   arg);
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
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp attach_argp = {
	.options = attach_options,
	.parser = parse,
	.args_doc = "DIR --target TARGET",
	.doc = "Give a guest on the desk in DIR a disk, as the toolstack of a "
	       "Xen host would.  The domain is made if it is not there.",
};

static const struct argp detach_argp = {
	.options = detach_options,
	.parser = parse,
	.args_doc = "DIR",
	.doc = "Take a disk from a guest on the desk in DIR.",
};

/* ---- commands ---------------------------------------------------------- */

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
		ret = complain("%s", why.text);
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

	if (target[0] == '/' || strchr(target, ':'))
		return strdup(target);
	cwd = getcwd(NULL, 0);
	if (cwd && asprintf(&path, "%s/%s", cwd, target) < 0)
		path = NULL;
	free(cwd);
	return path;
}

static void defaults(struct disk_options *a)
{
	*a = (struct disk_options){
		.vdev = "xvda",
		.devid = 202u << 8,
		.domid = 1,
	};
}

int cmd_attach(int argc, char **argv)
{
	struct disk_options a;
	struct why why;
	char *target;
	int ret;

	program = argv[0];
	defaults(&a);
	argp_parse(&attach_argp, argc, argv, 0, NULL, &a);
	if (!a.target) {
		complain("--target says which storage the disk has: a "
			 "file, a block device, nbd:URI, null:SIZE or "
			 "mem:SIZE");
		return 2;
	}
	target = absolute(a.target);
	if (!target)
		return complain("the working directory is gone");
	a.target = target;
	if (make_domain(&a, &why))
		ret = complain("%s", why.text);
	else
		ret = run(&a, attach);
	free(target);
	return ret;
}

int cmd_detach(int argc, char **argv)
{
	struct disk_options a;

	program = argv[0];
	defaults(&a);
	argp_parse(&detach_argp, argc, argv, 0, NULL, &a);
	return run(&a, detach);
}
