/* SPDX-License-Identifier: MIT */
/*
 * ringside attach, ringside detach: what xl block-attach and block-detach do
 * on a Xen host, on a desk.  The nodes, their order and their permissions are
 * those of libxl 4.17 (libxl__device_generic_add, device_disk_add).
 */
#include <argp.h>
#include <errno.h>
#include <poll.h>
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
#include "xen/desk/control.h"
#include "xen/xen.h"

#define PATIENCE_NS 10000000000u /* libxl's, for a state of the backend */
#define MEM_DEFAULT (64u << 20)
#define DOMID_LIMIT 32751
#define PATH_BYTES  128

struct args {
	const char *dir;
	const char *target;
	const char *vdev;
	uint32_t devid;
	uint16_t domid;
	uint16_t backend;
	uint64_t mem_bytes;
	bool readonly;
	bool no_wait;
	bool force;
};

/* A disk between its two directories, and what is needed to wait for it. */
struct disk_nodes {
	const struct args *a;
	const char *program;
	struct xen_host *host;
	int signal_fd;
	char front[PATH_BYTES];
	char back[PATH_BYTES];
	char error[PATH_BYTES]; /* where the backend's error may stand */
};

static int complain(const struct disk_nodes *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int complain(const struct disk_nodes *d, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", d->program);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

/* ---- the store --------------------------------------------------------- */

static char *get(struct disk_nodes *d, const char *dir, const char *key)
{
	char path[PATH_BYTES + 32];

	snprintf(path, sizeof(path), "%s%s%s", dir, *key ? "/" : "", key);
	return d->host->ops->store.read(d->host, 0, path, NULL);
}

/* The value is `text`; a node that is not there is "". */
static bool is(struct disk_nodes *d, const char *dir, const char *key,
	       const char *text)
{
	char *value = get(d, dir, key);
	bool same = !strcmp(value ? value : "", text);

	free(value);
	return same;
}

static int put(struct disk_nodes *d, xen_xbt t, const char *dir,
	       const char *key, const char *value)
{
	char path[PATH_BYTES + 32];

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	return d->host->ops->store.write(d->host, t, path, value);
}

static int put_number(struct disk_nodes *d, xen_xbt t, const char *dir,
		      const char *key, uint32_t n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	return put(d, t, dir, key, text);
}

/* A directory owned by one domain and readable by the other. */
static int make_dir(struct disk_nodes *d, xen_xbt t, const char *path,
		    uint16_t owner, uint16_t reader)
{
	const struct xen_store_ops *s = &d->host->ops->store;
	int err = s->mkdir(d->host, t, path);

	return err ? err : s->permit(d->host, t, path, owner, reader, 'r');
}

/* Run `step` in transactions until one ends without a conflict. */
static int transact(struct disk_nodes *d,
		    int (*step)(struct disk_nodes *d, xen_xbt t))
{
	const struct xen_store_ops *s = &d->host->ops->store;
	xen_xbt t;
	int err;

	do {
		err = s->transaction_start(d->host, &t);
		if (err)
			return err;
		err = step(d, t);
		if (err)
			s->transaction_end(d->host, t, true);
		else
			err = s->transaction_end(d->host, t, false);
	} while (err == -EAGAIN);
	return err;
}

/* What the toolstack writes when it makes a domain. */
static int write_domain(struct disk_nodes *d, xen_xbt t)
{
	char path[PATH_BYTES], name[32];
	char *there;
	int err;

	snprintf(path, sizeof(path), "/local/domain/%u", d->a->domid);
	there = d->host->ops->store.read(d->host, t, path, NULL);
	free(there);
	if (there)
		return 0;
	snprintf(name, sizeof(name), "guest%u", d->a->domid);
	err = make_dir(d, t, path, 0, d->a->domid);
	if (!err)
		err = put(d, t, path, "name", name);
	if (!err)
		err = put_number(d, t, path, "domid", d->a->domid);
	return err;
}

static int write_front(struct disk_nodes *d, xen_xbt t)
{
	int err = make_dir(d, t, d->front, d->a->domid, d->a->backend);

	if (!err)
		err = put(d, t, d->front, "backend", d->back);
	if (!err)
		err = put_number(d, t, d->front, "backend-id", d->a->backend);
	if (!err)
		err = put(d, t, d->front, "state", "1");
	if (!err)
		err = put_number(d, t, d->front, "virtual-device", d->a->devid);
	if (!err)
		err = put(d, t, d->front, "device-type", "disk");
	return err;
}

static int write_back(struct disk_nodes *d, xen_xbt t)
{
	const struct {
		const char *key, *value;
	} line[] = {
		{ "online", "1" },
		{ "removable", "0" },
		{ "bootable", "1" },
		{ "state", "1" },
		{ "dev", d->a->vdev },
		{ "type", "phy" },
		{ "mode", d->a->readonly ? "r" : "w" },
		{ "device-type", "disk" },
		{ "discard-enable", d->a->readonly ? "0" : "1" },
		{ "specification", "xen" },
	};
	int err = make_dir(d, t, d->back, d->a->backend, d->a->domid);
	size_t i;

	if (!err)
		err = put(d, t, d->back, "frontend", d->front);
	if (!err)
		err = put(d, t, d->back, "params", d->a->target);
	if (!err)
		err = put(d, t, d->back, "script", "block-ringside");
	if (!err)
		err = put_number(d, t, d->back, "frontend-id", d->a->domid);
	for (i = 0; !err && i < sizeof(line) / sizeof(line[0]); i++)
		err = put(d, t, d->back, line[i].key, line[i].value);
	return err;
}

static int write_disk(struct disk_nodes *d, xen_xbt t)
{
	const struct xen_store_ops *s = &d->host->ops->store;
	char *there = s->read(d->host, t, d->back, NULL);
	int err;

	free(there);
	if (there)
		return -EEXIST;
	err = write_domain(d, t);
	if (!err)
		err = s->rm(d->host, t, d->front);
	if (!err || err == -ENOENT)
		err = write_front(d, t);
	if (!err)
		err = write_back(d, t);
	return err;
}

/* Both directories, the backend's for this domain if it is the last disk. */
static int remove_disk(struct disk_nodes *d, xen_xbt t)
{
	const struct xen_store_ops *s = &d->host->ops->store;
	char parent[PATH_BYTES], **names;
	unsigned n = 1;
	int err;

	err = s->rm(d->host, t, d->back);
	if (err && err != -ENOENT)
		return err;
	strcpy(parent, d->back);
	*strrchr(parent, '/') = 0;
	names = s->directory(d->host, t, parent, &n);
	if (names && !n)
		s->rm(d->host, t, parent);
	free(names);
	s->rm(d->host, t, d->error);
	err = s->rm(d->host, t, d->front);
	return err == -ENOENT ? 0 : err;
}

static int write_offline(struct disk_nodes *d, xen_xbt t)
{
	int err = put(d, t, d->back, "online", "0");

	return err ? err : put(d, t, d->back, "state", "5");
}

/* ---- waiting ----------------------------------------------------------- */

enum wait { WAIT_MORE, WAIT_DONE, WAIT_REFUSED };

/*
 * Until `look` has seen enough.  Its last word; or -ETIMEDOUT, -EINTR (a
 * signal), -EPIPE (the desk is gone).
 */
static int wait_for(struct disk_nodes *d,
		    enum wait (*look)(struct disk_nodes *d))
{
	const struct xen_store_ops *s = &d->host->ops->store;
	uint64_t until = clock_now_ns() + PATIENCE_NS, now;
	struct pollfd fd[3] = {
		{ .fd = s->fd(d->host), .events = POLLIN },
		{ .fd = xen_host_gone_fd(d->host), .events = POLLIN },
		{ .fd = d->signal_fd, .events = POLLIN },
	};
	enum wait seen;
	char **event;

	if (s->watch(d->host, d->back, "wait") ||
	    s->watch(d->host, d->error, "wait"))
		return -EPIPE;
	for (;;) {
		while (s->next(d->host, &event) == 0)
			free(event);
		seen = look(d);
		if (seen != WAIT_MORE)
			return seen;
		now = clock_now_ns();
		if (now >= until)
			return -ETIMEDOUT;
		if (poll(fd, 3, (int)((until - now) / 1000000) + 1) < 0 &&
		    errno != EINTR)
			return -errno;
		if (fd[1].revents)
			return -EPIPE;
		if (fd[2].revents)
			return -EINTR;
	}
}

static enum wait look_connected(struct disk_nodes *d)
{
	char *state = get(d, d->back, "state");
	enum wait seen = WAIT_MORE;
	char *error = get(d, d->error, "error");

	if (!state || state[0] == '5' || state[0] == '6' || error ||
	    is(d, d->back, "hotplug-status", "error"))
		seen = WAIT_REFUSED;
	else if (state[0] >= '2' &&
		 is(d, d->back, "hotplug-status", "connected"))
		seen = WAIT_DONE;
	free(state);
	free(error);
	return seen;
}

static enum wait look_closed(struct disk_nodes *d)
{
	return is(d, d->back, "state", "6") || is(d, d->back, "state", "")
		       ? WAIT_DONE
		       : WAIT_MORE;
}

static bool nobody_listens(const struct args *a)
{
	uint32_t n = 0;

	return desk_control_watchers(a->dir, a->backend, &n, NULL) == 0 && !n;
}

/* ---- attach ------------------------------------------------------------ */

static int refused(struct disk_nodes *d)
{
	char *reason = get(d, d->back, "hotplug-error");

	if (!reason)
		reason = get(d, d->error, "error");
	complain(d, "the backend refuses the disk: %s",
		 reason ? reason : "it closed it and gave no reason");
	free(reason);
	return 1;
}

static int attach_wait(struct disk_nodes *d)
{
	int seen = wait_for(d, look_connected);

	switch (seen) {
	case WAIT_DONE:
		return 0;
	case WAIT_REFUSED:
		refused(d);
		break;
	case -ETIMEDOUT:
		if (nobody_listens(d->a))
			complain(d,
				 "no backend listens in domain %u of the "
				 "desk in %s: start `ringsided --host desk:%s`",
				 d->a->backend, d->a->dir, d->a->dir);
		else
			complain(d,
				 "the backend in domain %u has not taken "
				 "the disk within 10 seconds",
				 d->a->backend);
		break;
	case -EINTR:
		complain(d, "stopped by a signal: the disk is removed again");
		break;
	default:
		return complain(d, "the desk in %s is gone", d->a->dir);
	}
	transact(d, remove_disk);
	return 1;
}

/* A killed guest of the same number takes a moment to be gone. */
static int make_domain(const struct args *a, struct why *why)
{
	const struct timespec nap = { 0, 20000000 };
	uint64_t until = clock_now_ns() + PATIENCE_NS;
	int err;

	while ((err = desk_control_domain_create(a->dir, a->domid, a->mem_bytes,
						 why)) == -EBUSY &&
	       clock_now_ns() < until)
		nanosleep(&nap, NULL);
	return err;
}

static int attach(struct disk_nodes *d)
{
	int err = transact(d, write_disk);

	if (err == -EEXIST)
		return complain(d,
				"domain %u has a disk %s already: detach "
				"it first",
				d->a->domid, d->a->vdev);
	if (err == -ENOENT)
		return complain(d,
				"domain %u, which is to be the backend, "
				"does not exist on this desk",
				d->a->backend);
	if (err)
		return complain(d,
				"the disk cannot be written to the store: "
				"%s",
				strerror(-err));
	if (!d->a->no_wait) {
		err = attach_wait(d);
		if (err)
			return err;
	}
	printf("%u %s\n", d->a->devid, d->back);
	return 0;
}

/* ---- detach ------------------------------------------------------------ */

static int detach(struct disk_nodes *d)
{
	char *there = get(d, d->back, "");
	int seen = WAIT_DONE, err;

	free(there);
	if (!there)
		return complain(d, "domain %u has no disk %s (%s)", d->a->domid,
				d->a->vdev, d->back);
	err = look_closed(d) == WAIT_DONE ? 0 : transact(d, write_offline);
	if (err)
		return complain(d, "the store refuses: %s", strerror(-err));
	if (!d->a->force || !nobody_listens(d->a))
		seen = wait_for(d, look_closed);
	if (seen == -EINTR)
		return complain(d, "stopped by a signal; the backend was told "
				   "to close the disk");
	if (seen == -EPIPE)
		return complain(d, "the desk in %s is gone", d->a->dir);
	if (seen != WAIT_DONE && !d->a->force)
		return complain(d,
				"the backend in domain %u has not closed "
				"disk %s within 10 seconds%s; --force removes "
				"it all the same",
				d->a->backend, d->a->vdev,
				nobody_listens(d->a) ? " (none is running)"
						     : "");
	err = transact(d, remove_disk);
	return err ? complain(d, "the disk's nodes cannot be removed: %s",
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
};

static const struct argp_option attach_options[] = {
	{ "target", OPT_TARGET, "TARGET", 0,
	  "the storage: a file, a block device, null:SIZE or mem:SIZE", 0 },
	{ "domid", OPT_DOMID, "N", 0, "the guest (default: 1)", 0 },
	{ "vdev", OPT_VDEV, "NAME", 0,
	  "the disk's name in the guest (default: xvda)", 0 },
	{ "mode", OPT_MODE, "r|w", 0, "read-only or writable (default: w)", 0 },
	{ "mem", OPT_MEM, "SIZE", 0,
	  "memory of the guest, if it is new (default: 64M)", 0 },
	{ "backend-domid", OPT_BACKEND, "N", 0,
	  "where the backend runs (default: 0)", 0 },
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
	struct args *a = state->input;
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

static int run(struct disk_nodes *d, int (*what)(struct disk_nodes *d))
{
	const struct args *a = d->a;
	struct why why;
	sigset_t set;
	char *spec;
	int ret;

	snprintf(d->front, PATH_BYTES, "/local/domain/%u/device/vbd/%u",
		 a->domid, a->devid);
	snprintf(d->back, PATH_BYTES, "/local/domain/%u/backend/vbd/%u/%u",
		 a->backend, a->domid, a->devid);
	snprintf(d->error, PATH_BYTES,
		 "/local/domain/%u/error/backend/vbd/%u/%u", a->backend,
		 a->domid, a->devid);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	d->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (asprintf(&spec, "desk:%s", a->dir) < 0)
		return complain(d, "no memory");
	ret = xen_host_open(spec, 0, &d->host, &why);
	free(spec);
	if (ret) {
		ret = complain(d, "%s", why.text);
	} else {
		ret = what(d);
		xen_host_close(d->host);
	}
	close(d->signal_fd);
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

static void defaults(struct args *a)
{
	*a = (struct args){
		.vdev = "xvda",
		.devid = 202u << 8,
		.domid = 1,
		.mem_bytes = MEM_DEFAULT,
	};
}

int cmd_attach(int argc, char **argv)
{
	struct args a;
	struct disk_nodes d = { .a = &a, .program = argv[0] };
	struct why why;
	char *target;
	int ret;

	defaults(&a);
	argp_parse(&attach_argp, argc, argv, 0, NULL, &a);
	if (!a.target) {
		complain(&d, "--target says which storage the disk has: a "
			     "file, a block device, null:SIZE or mem:SIZE");
		return 2;
	}
	target = absolute(a.target);
	if (!target)
		return complain(&d, "the working directory is gone");
	a.target = target;
	if (make_domain(&a, &why))
		ret = complain(&d, "%s", why.text);
	else
		ret = run(&d, attach);
	free(target);
	return ret;
}

int cmd_detach(int argc, char **argv)
{
	struct args a;
	struct disk_nodes d = { .a = &a, .program = argv[0] };

	defaults(&a);
	argp_parse(&detach_argp, argc, argv, 0, NULL, &a);
	return run(&d, detach);
}
