/* SPDX-License-Identifier: MIT */
#include "tool/disk_nodes.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "xen/desk/control.h"

/* What a drive of ringsided answers with (backend/medium.h). */
#define MEDIUM "ringside-medium"

#define PATIENCE_NS 10000000000u /* libxl's, for a state of the backend */
#define ALONE_NS    3000000000u	 /* for a backend that is not there */

int disk_nodes_open(struct disk_nodes *d, const struct disk_options *opt,
		    int signal_fd, struct why *why)
{
	char *spec;
	int err;

	memset(d, 0, sizeof(*d));
	d->opt = opt;
	d->signal_fd = signal_fd;
	snprintf(d->front, DISK_NODES_PATH, "/local/domain/%u/device/vbd/%u",
		 opt->domid, opt->devid);
	snprintf(d->back, DISK_NODES_PATH, "/local/domain/%u/backend/vbd/%u/%u",
		 opt->backend, opt->domid, opt->devid);
	snprintf(d->error, DISK_NODES_PATH,
		 "/local/domain/%u/error/backend/vbd/%u/%u", opt->backend,
		 opt->domid, opt->devid);
	if (asprintf(&spec, "desk:%s", opt->dir) < 0)
		return why_set(why, -ENOMEM, "no memory");
	err = xen_host_open(spec, 0, &d->host, why);
	free(spec);
	return err;
}

void disk_nodes_close(struct disk_nodes *d)
{
	xen_host_close(d->host);
}

/* ---- the store --------------------------------------------------------- */

char *disk_nodes_get(struct disk_nodes *d, const char *dir, const char *key)
{
	char path[DISK_NODES_PATH + 32];

	snprintf(path, sizeof(path), "%s%s%s", dir, *key ? "/" : "", key);
	return d->host->ops->store.read(d->host, 0, path, NULL);
}

/* The value is `text`; a node that is not there is "". */
static bool is(struct disk_nodes *d, const char *dir, const char *key,
	       const char *text)
{
	char *value = disk_nodes_get(d, dir, key);
	bool same = !strcmp(value ? value : "", text);

	free(value);
	return same;
}

static int put(struct disk_nodes *d, xen_xbt t, const char *dir,
	       const char *key, const char *value)
{
	char path[DISK_NODES_PATH + 32];

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
	char path[DISK_NODES_PATH], name[32];
	char *there;
	int err;

	snprintf(path, sizeof(path), "/local/domain/%u", d->opt->domid);
	there = d->host->ops->store.read(d->host, t, path, NULL);
	free(there);
	if (there)
		return 0;
	snprintf(name, sizeof(name), "guest%u", d->opt->domid);
	err = make_dir(d, t, path, 0, d->opt->domid);
	if (!err)
		err = put(d, t, path, "name", name);
	if (!err)
		err = put_number(d, t, path, "domid", d->opt->domid);
	return err;
}

static const char *device_type(const struct disk_nodes *d)
{
	return d->opt->cdrom ? "cdrom" : "disk";
}

static int write_front(struct disk_nodes *d, xen_xbt t)
{
	int err = make_dir(d, t, d->front, d->opt->domid, d->opt->backend);

	if (!err)
		err = put(d, t, d->front, "backend", d->back);
	if (!err)
		err = put_number(d, t, d->front, "backend-id", d->opt->backend);
	if (!err)
		err = put(d, t, d->front, "state", "1");
	if (!err)
		err = put_number(d, t, d->front, "virtual-device",
				 d->opt->devid);
	if (!err)
		err = put(d, t, d->front, "device-type", device_type(d));
	return err;
}

int disk_options_feature(struct disk_options *opt, const char *text)
{
	size_t len = strcspn(text, "=");

	if (!len || !text[len] || !text[len + 1] || len > 32 ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz-") != len ||
	    opt->features == DISK_NODES_FEATURES)
		return -EINVAL;
	snprintf(opt->feature[opt->features].key, sizeof(opt->feature[0].key),
		 "ringside/%.*s", (int)len, text);
	opt->feature[opt->features++].value = text + len + 1;
	return 0;
}

static int write_back(struct disk_nodes *d, xen_xbt t)
{
	const struct {
		const char *key, *value;
	} line[] = {
		{ "online", "1" },
		{ "removable", d->opt->removable ? "1" : "0" },
		{ "bootable", "1" },
		{ "state", "1" },
		{ "dev", d->opt->vdev },
		{ "type", "phy" },
		{ "mode", d->opt->readonly ? "r" : "w" },
		{ "device-type", device_type(d) },
		{ "discard-enable", d->opt->readonly ? "0" : "1" },
		{ "specification", "xen" },
		/* Our own, for ringsided; not there where nothing was said. */
		{ "ringside-sector-size", d->opt->sector_size },
		{ "ringside-sector-units", d->opt->sector_units },
		{ "ringside-inject", d->opt->inject },
		{ "ringside-limit", d->opt->limit },
	};
	int err = make_dir(d, t, d->back, d->opt->backend, d->opt->domid);
	size_t i;

	if (!err)
		err = put(d, t, d->back, "frontend", d->front);
	if (!err)
		err = put(d, t, d->back, "params", d->opt->target);
	if (!err)
		err = put(d, t, d->back, "script",
			  "/etc/xen/scripts/block-ringside");
	if (!err)
		err = put_number(d, t, d->back, "frontend-id", d->opt->domid);
	for (i = 0; !err && i < sizeof(line) / sizeof(line[0]); i++)
		if (line[i].value)
			err = put(d, t, d->back, line[i].key, line[i].value);
	for (i = 0; !err && i < d->opt->features; i++)
		err = put(d, t, d->back, d->opt->feature[i].key,
			  d->opt->feature[i].value);
	return err;
}

static int step_write(struct disk_nodes *d, xen_xbt t)
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

/* Remove a node, and parents that are empty then (libxl__xs_path_cleanup). */
static int clean_up(struct disk_nodes *d, xen_xbt t, const char *node)
{
	const struct xen_store_ops *s = &d->host->ops->store;
	char path[DISK_NODES_PATH], **names;
	unsigned n = 0;
	int err;

	strcpy(path, node);
	do {
		err = s->rm(d->host, t, path);
		if (err && err != -ENOENT)
			return err;
		*strrchr(path, '/') = 0;
		names = path[0] ? s->directory(d->host, t, path, &n) : NULL;
		free(names);
	} while (path[0] && (!names || !n));
	return 0;
}

static int step_remove(struct disk_nodes *d, xen_xbt t)
{
	int err = clean_up(d, t, d->back);

	if (!err)
		err = clean_up(d, t, d->front);
	if (!err)
		err = clean_up(d, t, d->error);
	return err;
}

static int step_offline(struct disk_nodes *d, xen_xbt t)
{
	int err = put(d, t, d->back, "online", "0");

	return err ? err : put(d, t, d->back, "state", "5");
}

static int step_change(struct disk_nodes *d, xen_xbt t)
{
	static const char *const answers[] = { "hotplug-error", MEDIUM };
	const struct xen_store_ops *s = &d->host->ops->store;
	char path[DISK_NODES_PATH + 32], *type;
	bool cdrom;
	size_t i;
	int err;

	snprintf(path, sizeof(path), "%s/device-type", d->back);
	type = s->read(d->host, t, path, NULL);
	if (!type)
		return -ENOENT;
	cdrom = !strcmp(type, "cdrom");
	free(type);
	err = cdrom ? put(d, t, d->back, "params", d->opt->target) : -ENOTTY;
	for (i = 0; !err && i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", d->back, answers[i]);
		err = s->rm(d->host, t, path);
		err = err == -ENOENT ? 0 : err;
	}
	return err;
}

int disk_nodes_change(struct disk_nodes *d)
{
	return transact(d, step_change);
}

int disk_nodes_write(struct disk_nodes *d)
{
	return transact(d, step_write);
}

int disk_nodes_offline(struct disk_nodes *d)
{
	return transact(d, step_offline);
}

int disk_nodes_remove(struct disk_nodes *d)
{
	return transact(d, step_remove);
}

/* ---- waiting ----------------------------------------------------------- */

bool disk_nodes_no_backend(const struct disk_nodes *d)
{
	uint32_t n = 0;

	return desk_control_watchers(d->opt->dir, d->opt->backend, &n, NULL) ==
		       0 &&
	       !n;
}

/* One is for one wait: what is to be done after it may wait, too. */
static void signal_take(struct disk_nodes *d)
{
	struct signalfd_siginfo info;

	if (read(d->signal_fd, &info, sizeof(info)) < 0)
		return; /* then the next one is told as soon */
}

int disk_nodes_wait(struct disk_nodes *d,
		    enum disk_wait (*look)(struct disk_nodes *d))
{
	const struct xen_store_ops *s = &d->host->ops->store;
	uint64_t alone = clock_now_ns() + ALONE_NS, now;
	uint64_t until = alone - ALONE_NS + PATIENCE_NS, next;
	struct pollfd fd[3] = {
		{ .fd = s->fd(d->host), .events = POLLIN },
		{ .fd = xen_host_gone_fd(d->host), .events = POLLIN },
		{ .fd = d->signal_fd, .events = POLLIN },
	};
	enum disk_wait seen;
	char **event;

	if (!d->watching && (s->watch(d->host, d->back, "wait") ||
			     s->watch(d->host, d->error, "wait")))
		return -EPIPE;
	d->watching = true;
	for (;;) {
		while (s->next(d->host, &event) == 0)
			free(event);
		seen = look(d);
		if (seen != DISK_WAIT_MORE)
			return seen;
		now = clock_now_ns();
		if (now >= until || (now >= alone && disk_nodes_no_backend(d)))
			return -ETIMEDOUT;
		next = now < alone ? alone : until;
		if (poll(fd, 3, (int)((next - now) / 1000000) + 1) < 0 &&
		    errno != EINTR)
			return -errno;
		if (fd[1].revents)
			return -EPIPE;
		if (fd[2].revents) {
			signal_take(d);
			return -EINTR;
		}
	}
}

enum disk_wait disk_nodes_connected(struct disk_nodes *d)
{
	char *state = disk_nodes_get(d, d->back, "state");
	enum disk_wait seen = DISK_WAIT_MORE;
	char *error = disk_nodes_get(d, d->error, "error");

	if (!state || state[0] == '5' || state[0] == '6' || error ||
	    is(d, d->back, "hotplug-status", "error"))
		seen = DISK_WAIT_REFUSED;
	else if (state[0] >= '2' &&
		 is(d, d->back, "hotplug-status", "connected"))
		seen = DISK_WAIT_DONE;
	free(state);
	free(error);
	return seen;
}

enum disk_wait disk_nodes_changed(struct disk_nodes *d)
{
	char *effect = disk_nodes_get(d, d->back, MEDIUM);
	char *error = disk_nodes_get(d, d->back, "hotplug-error");
	enum disk_wait seen = DISK_WAIT_MORE;

	if (is(d, d->back, "state", ""))
		seen = DISK_WAIT_REFUSED;
	else if (effect)
		seen = error ? DISK_WAIT_REFUSED : DISK_WAIT_DONE;
	free(effect);
	free(error);
	return seen;
}

enum disk_wait disk_nodes_closed(struct disk_nodes *d)
{
	return is(d, d->back, "state", "6") || is(d, d->back, "state", "")
		       ? DISK_WAIT_DONE
		       : DISK_WAIT_MORE;
}
