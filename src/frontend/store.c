/* SPDX-License-Identifier: MIT */
#include "frontend/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* A transaction of ours conflicts with the toolstack's at most; not forever. */
#define COMMIT_TRIES 32

const char *front_state_name(enum xenbus_state state)
{
	static const char *const names[] = {
		"no state at all", "Initialising (1)",	"InitWait (2)",
		"Initialised (3)", "Connected (4)",	"Closing (5)",
		"Closed (6)",	   "Reconfiguring (7)", "Reconfigured (8)",
	};

	return (unsigned)state < sizeof(names) / sizeof(names[0])
		       ? names[state]
		       : "an unknown state";
}

static void store_path(char path[2 * FRONT_PATH_MAX], const char *dir,
		       const char *key)
{
	snprintf(path, 2 * FRONT_PATH_MAX, "%s/%s", dir, key);
}

char *front_store_read(struct front_device *d, const char *dir, const char *key)
{
	struct xen_host *h = d->guest->host;
	char path[2 * FRONT_PATH_MAX];
	char *value;
	size_t len;
	int err = 0;

	store_path(path, dir, key);
	value = h->ops->store.read(h, 0, path, &len);
	if (!value)
		err = front_guest_result(d->guest, -errno);
	ev_store_read(&d->ev, path, value ? value : "", err);
	errno = -err;
	return value;
}

int front_store_number(struct front_device *d, const char *key, uint64_t min,
		       uint64_t max, uint64_t *out, struct why *why)
{
	char *text = front_store_read(d, d->backend, key);
	uint64_t value;
	int err;

	if (!text && errno == ENOENT)
		return -ENOENT;
	if (!text)
		return why_set(why, -errno, "cannot read %s/%s: %s", d->backend,
			       key, strerror(errno));
	err = number_parse(text, min, max, &value);
	if (err) {
		ev_device_fault(&d->ev, "XB-08", key);
		err = why_set(why, -EPROTO,
			      "the backend broke XB-08: %s/%s is '%.40s', not "
			      "a decimal number from %llu to %llu",
			      d->backend, key, text, (unsigned long long)min,
			      (unsigned long long)max);
	} else {
		*out = value;
	}
	free(text);
	return err;
}

/*
 * Is `name` a key about rings that an earlier frontend of this disk left, and
 * not among the `keys` to be written?  queue-N are directories, removed whole.
 */
static bool key_is_stale(const char *name, const struct front_key *keys,
			 unsigned n)
{
	static const char *const ours[] = { "ring-ref", "ring-page-order",
					    "event-channel",
					    "multi-queue-num-queues" };
	unsigned i;

	if (!strncmp(name, "queue-", 6))
		return true;
	for (i = 0; i < n; i++)
		if (!strcmp(keys[i].name, name))
			return false;
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (!strncmp(name, ours[i], strlen(ours[i])))
			return true;
	return false;
}

/* Keeps of `names` those that were removed, and counts them in *count. */
static int store_sweep(struct front_device *d, xen_xbt t, char **names,
		       unsigned *count, const struct front_key *keys,
		       unsigned n)
{
	struct xen_host *h = d->guest->host;
	char path[2 * FRONT_PATH_MAX];
	unsigned i, kept = 0;
	int err = 0;

	for (i = 0; i < *count && !err; i++) {
		if (!key_is_stale(names[i], keys, n))
			continue;
		store_path(path, d->path, names[i]);
		err = h->ops->store.rm(h, t, path);
		names[kept++] = names[i];
	}
	*count = kept;
	return err;
}

/* The children that were there, malloced; those removed first. */
static int store_try(struct front_device *d, const struct front_key *keys,
		     unsigned n, char ***removed, unsigned *count)
{
	struct xen_host *h = d->guest->host;
	const struct xen_store_ops *ops = &h->ops->store;
	char path[2 * FRONT_PATH_MAX];
	xen_xbt t;
	int err = ops->transaction_start(h, &t);

	*removed = NULL;
	*count = 0;
	if (err)
		return err;
	*removed = ops->directory(h, t, d->path, count);
	err = *removed ? store_sweep(d, t, *removed, count, keys, n) : -errno;
	for (unsigned i = 0; i < n && !err; i++) {
		store_path(path, d->path, keys[i].name);
		err = ops->write(h, t, path, keys[i].value);
	}
	if (err) {
		ops->transaction_end(h, t, true);
		return err;
	}
	return ops->transaction_end(h, t, false);
}

int front_store_commit(struct front_device *d, const struct front_key *keys,
		       unsigned n, struct why *why)
{
	char path[2 * FRONT_PATH_MAX];
	char **removed = NULL;
	unsigned i, count;
	int err = -EAGAIN;

	for (i = 0; i < COMMIT_TRIES && err == -EAGAIN; i++) {
		free(removed);
		err = front_guest_result(
			d->guest, store_try(d, keys, n, &removed, &count));
	}
	if (err) {
		free(removed);
		return why_set(why, err,
			       "cannot write the keys of %s to the store: %s",
			       d->path, strerror(-err));
	}
	/* What was done in a transaction stands only now. */
	for (i = 0; i < count; i++) {
		store_path(path, d->path, removed[i]);
		ev_store_remove(&d->ev, path);
	}
	free(removed);
	for (i = 0; i < n; i++) {
		store_path(path, d->path, keys[i].name);
		ev_store_write(&d->ev, path, keys[i].value);
	}
	return 0;
}

int front_store_switch(struct front_device *d, enum xenbus_state to,
		       struct why *why)
{
	struct xen_host *h = d->guest->host;
	char path[2 * FRONT_PATH_MAX], value[FRONT_VALUE_MAX];
	enum xenbus_state from = d->own;
	int err;

	if (from == to)
		return 0;
	store_path(path, d->path, "state");
	snprintf(value, sizeof(value), "%d", to);
	err = front_guest_result(d->guest,
				 h->ops->store.write(h, 0, path, value));
	if (err)
		return why_set(why, err, "cannot write %s: %s", path,
			       strerror(-err));
	d->own = to;
	ev_store_write(&d->ev, path, value);
	ev_state_switch(&d->ev, (int)from, (int)to);
	return 0;
}

static enum xenbus_state store_state(struct front_device *d, const char *dir)
{
	enum xenbus_state state = XENBUS_UNKNOWN;
	char *text = front_store_read(d, dir, "state");
	uint64_t value;

	if (text && !number_parse(text, XENBUS_INITIALISING,
				  XENBUS_RECONFIGURED, &value))
		state = (enum xenbus_state)value;
	free(text);
	return state;
}

enum xenbus_state front_store_own(struct front_device *d)
{
	return store_state(d, d->path);
}

void front_store_look(struct front_device *d)
{
	enum xenbus_state before = d->peer;

	d->peer = store_state(d, d->backend);
	if (d->peer != before)
		ev_state_seen(&d->ev, (int)d->peer);
}
