/* SPDX-License-Identifier: MIT */
#include "xenbus/device.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* Room for a path and a key. */
#define PATH_ROOM (XENBUS_PATH_MAX + 64)

/*
 * Tries at a transaction that others keep disturbing.  Nobody writes our own
 * directory at such a rate except somebody who wants to hold us up.
 */
#define TRANSACTION_TRIES 16

static char *node_read_quiet(struct xenbus_device *d, xen_xbt t,
			     const char *dir, const char *key)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	return d->host->ops->store.read(d->host, t, path, NULL);
}

static char *node_read(struct xenbus_device *d, xen_xbt t, const char *dir,
		       const char *key)
{
	char path[PATH_ROOM];
	char *value;
	int saved;

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	value = d->host->ops->store.read(d->host, t, path, NULL);
	saved = errno;
	ev_store_read(&d->ev, path, value ? value : "", value ? 0 : -saved);
	errno = saved;
	return value;
}

char *xenbus_own_read(struct xenbus_device *d, xen_xbt t, const char *key)
{
	return node_read(d, t, d->path, key);
}

char *xenbus_peer_read(struct xenbus_device *d, xen_xbt t, const char *key)
{
	return node_read(d, t, d->frontend, key);
}

int xenbus_device_open(struct xenbus_device *d, struct xen_host *host,
		       const char *path, uint16_t domid, uint32_t devid,
		       struct why *why)
{
	char *frontend = NULL, *id = NULL;
	uint64_t number;
	int err = 0;

	memset(d, 0, sizeof(*d));
	d->host = host;
	d->ev.actor = EV_ACTOR_BACKEND;
	d->ev.domid = domid;
	d->ev.devid = devid;
	d->ev.queue = EV_QUEUE_NONE;
	d->online = true;
	snprintf(d->path, sizeof(d->path), "%s", path);

	frontend = xenbus_own_read(d, 0, "frontend");
	id = xenbus_own_read(d, 0, "frontend-id");
	if (!frontend || !id) {
		err = -ENOENT;
		goto out;
	}
	if (number_parse(id, 0, UINT16_MAX, &number) || number != domid) {
		err = why_set(why, -EINVAL,
			      "%s/frontend-id is \"%.16s\", but "
			      "the path says %u",
			      path, id, domid);
		goto out;
	}
	if (strlen(frontend) >= sizeof(d->frontend)) {
		err = why_set(why, -EINVAL, "%s/frontend is too long a path",
			      path);
		goto out;
	}
	strcpy(d->frontend, frontend);
out:
	free(frontend);
	free(id);
	return err;
}

/* A state in the store; what is no state is as good as none (XB-07). */
static enum xenbus_state state_read(struct xenbus_device *d, xen_xbt t,
				    const char *dir, int *err)
{
	char *text = node_read_quiet(d, t, dir, "state");
	uint64_t value = XENBUS_UNKNOWN;

	if (!text) {
		if (errno != ENOENT && errno != EACCES)
			*err = -errno;
		return XENBUS_UNKNOWN;
	}
	if (number_parse(text, 0, XENBUS_RECONFIGURED, &value))
		value = XENBUS_UNKNOWN;
	free(text);
	return (enum xenbus_state)value;
}

/* 1, 0, or -errno. */
static int online_read(struct xenbus_device *d, xen_xbt t)
{
	char *text = node_read_quiet(d, t, d->path, "online");
	int online = text && strcmp(text, "0") != 0;

	if (!text && errno != ENOENT)
		return -errno;
	free(text);
	return online;
}

/*
 * What ends a device is believed only if `online` and the state are of one
 * moment: else it may be the old directory that is offline, and the state
 * that of the next one in its place.
 */
static int own_look_whole(struct xenbus_device *d)
{
	const struct xen_store_ops *store = &d->host->ops->store;
	xen_xbt t;
	int err = store->transaction_start(d->host, &t), online;

	if (err)
		return err;
	online = online_read(d, t);
	d->own = state_read(d, t, d->path, &err);
	store->transaction_end(d->host, t, true);
	if (online < 0)
		return online;
	d->online = online;
	return err;
}

int xenbus_device_look(struct xenbus_device *d)
{
	enum xenbus_state peer;
	int err = 0, online = online_read(d, 0);

	if (online < 0)
		return online;
	d->online = online;
	if (online)
		d->own = state_read(d, 0, d->path, &err);
	else
		err = own_look_whole(d);
	if (err)
		return err;
	d->gone = d->own == XENBUS_UNKNOWN;

	peer = state_read(d, 0, d->frontend, &err);
	if (err)
		return err;
	if (peer != d->peer) {
		d->peer = peer;
		ev_state_seen(&d->ev, (int)peer);
	}
	return 0;
}

int xenbus_peer_number(struct xenbus_device *d, xen_xbt t, const char *key,
		       uint64_t min, uint64_t max, uint64_t missing,
		       uint64_t *out, struct why *why)
{
	char *text = xenbus_peer_read(d, t, key);
	int err;

	if (!text) {
		if (errno != ENOENT)
			return why_set(why, -errno, "cannot read %s/%s: %s",
				       d->frontend, key, strerror(errno));
		*out = missing;
		return 0;
	}
	err = number_parse(text, min, max, out);
	if (err)
		why_set(why, err,
			"the frontend wrote %s = \"%.32s\", which "
			"is not a number from %llu to %llu",
			key, text, (unsigned long long)min,
			(unsigned long long)max);
	free(text);
	return err;
}

int xenbus_own_write(struct xenbus_device *d, xen_xbt t, const char *key,
		     const char *fmt, ...)
{
	char path[PATH_ROOM], value[512];
	va_list ap;
	int err;

	snprintf(path, sizeof(path), "%s/%s", d->path, key);
	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	err = d->host->ops->store.write(d->host, t, path, value);
	if (!err)
		ev_store_write(&d->ev, path, value);
	return err;
}

int xenbus_own_offer(struct xenbus_device *d, xen_xbt t, const char *key,
		     uint64_t value)
{
	int err =
		xenbus_own_write(d, t, key, "%llu", (unsigned long long)value);

	if (!err)
		ev_feature_offer(&d->ev, key, value);
	return err;
}

/*
 * `again`: it is written for the frontend's watch to fire, or once more since
 * somebody disturbed the transaction, and is no move.  A move is told before
 * it can be seen, so that no peer sees it earlier.
 */
static int state_write(struct xenbus_device *d, xen_xbt t, enum xenbus_state to,
		       bool again)
{
	enum xenbus_state from = d->own;
	int err = xenbus_own_write(d, t, "state", "%d", (int)to);

	if (err)
		return err;
	d->own = to;
	if (!again)
		ev_state_switch(&d->ev, (int)from, (int)to);
	return 0;
}

int xenbus_switch_with(struct xenbus_device *d, xenbus_keys_fn keys,
		       const void *arg, enum xenbus_state to)
{
	const struct xen_store_ops *store = &d->host->ops->store;
	const enum xenbus_state from = d->own;
	int err = -EAGAIN;
	unsigned tries;

	for (tries = 0; err == -EAGAIN && tries < TRANSACTION_TRIES; tries++) {
		xen_xbt t;

		err = store->transaction_start(d->host, &t);
		if (err)
			break;
		if (state_read(d, t, d->path, &err) != from && !err)
			err = -ESTALE;
		if (!err && keys)
			err = keys(d, t, arg);
		if (!err)
			err = state_write(d, t, to,
					  tries || (keys && to == from));
		if (err) {
			store->transaction_end(d->host, t, true);
			break; /* `from` holds: its write was the last */
		}
		err = store->transaction_end(d->host, t, false);
		if (err)
			d->own = from;
	}
	return err;
}

int xenbus_own_clear(struct xenbus_device *d, xen_xbt t, const char *key)
{
	char path[PATH_ROOM];
	int err;

	snprintf(path, sizeof(path), "%s/%s", d->path, key);
	err = d->host->ops->store.rm(d->host, t, path);
	if (!err)
		ev_store_remove(&d->ev, path);
	return err == -ENOENT ? 0 : err;
}

int xenbus_own_remove(struct xenbus_device *d)
{
	int err = d->host->ops->store.rm(d->host, 0, d->path);

	if (!err)
		ev_store_remove(&d->ev, d->path);
	return err == -ENOENT ? 0 : err;
}

/* error/backend/vbd/DOMID/DEVID/error below our own domain's directory. */
static void error_path(struct xenbus_device *d, char *path, size_t room,
		       const char *tail)
{
	const char *node = strstr(d->path, "/backend/");

	snprintf(path, room, "/local/domain/%u/error%s%s", d->host->domid,
		 node ? node : d->path, tail);
}

void xenbus_error_write(struct xenbus_device *d, const char *text)
{
	char path[PATH_ROOM];

	error_path(d, path, sizeof(path), "/error");
	if (!d->host->ops->store.write(d->host, 0, path, text))
		ev_store_write(&d->ev, path, text);
}

void xenbus_error_clear(struct xenbus_device *d)
{
	char path[PATH_ROOM];

	error_path(d, path, sizeof(path), "");
	if (!d->host->ops->store.rm(d->host, 0, path))
		ev_store_remove(&d->ev, path);
}
