/* SPDX-License-Identifier: MIT */
#include "frontend/handshake.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "frontend/store.h"

/* The operator is told of a wait that is longer than this. */
#define TELL_MS 2000u

/* Larger sectors than a page cannot be split at page boundaries. */
#define SECTOR_BYTES_MAX XEN_PAGE_SIZE

#define BIT(state) (1u << (state))

static int fault(struct front_device *d, const char *rule, struct why *why,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static int fault(struct front_device *d, const char *rule, struct why *why,
		 const char *fmt, ...)
{
	char detail[384];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	ev_device_fault(&d->ev, rule, detail);
	return why_set(why, -EPROTO, "the backend broke %s: %s", rule, detail);
}

/* ---- waiting --------------------------------------------------------------
 */

/*
 * Run the loop until the backend's state is one of `states`.  -EINTR when
 * the owner is asked to stop meanwhile.
 */
static int handshake_wait(struct front_device *d, unsigned states,
			  unsigned timeout_ms, const char *what,
			  struct why *why)
{
	struct front_guest *g = d->guest;
	unsigned interrupts = g->interrupts;
	uint64_t start_ns = clock_now_ns();
	bool told = false;

	while (!(states & BIT(d->peer))) {
		uint64_t ms = (clock_now_ns() - start_ns) / 1000000;

		if (g->interrupts != interrupts)
			return why_set(why, -EINTR,
				       "stopped while the backend of %s was "
				       "to reach %s",
				       d->name, what);
		if (ms >= timeout_ms)
			return why_set(why, -ETIMEDOUT,
				       "the backend of %s did not reach %s "
				       "within %g s: %s has %s; is ringsided "
				       "running?",
				       d->name, what, timeout_ms / 1000.0,
				       d->backend, front_state_name(d->peer));
		if (ms >= TELL_MS && !told) {
			log_info("%s: waiting for the backend to reach %s; it "
				 "has %s",
				 d->name, what, front_state_name(d->peer));
			told = true;
		}
		if (front_guest_step(g, (int)(timeout_ms - ms)) == -ECONNRESET)
			return front_guest_gone(g, why);
	}
	return 0;
}

/* ---- finding the disk -----------------------------------------------------
 */

static int find_backend(struct front_device *d, struct why *why)
{
	char *text = front_store_read(d, d->path, "backend");
	int len;

	if (!text && errno == ENOENT)
		return why_set(why, -ENOENT,
			       "domain %u has no disk %s: nothing stands at "
			       "%s; attach one with `ringside attach`",
			       d->guest->domid, d->name, d->path);
	if (!text)
		return why_set(why, -errno, "cannot read %s/backend: %s",
			       d->path, strerror(errno));
	len = snprintf(d->backend, sizeof(d->backend), "%s", text);
	free(text);
	if (len <= 0 || (size_t)len >= sizeof(d->backend))
		return why_set(why, -EINVAL,
			       "%s/backend names no directory of a backend",
			       d->path);
	return 0;
}

static int find_backend_id(struct front_device *d, struct why *why)
{
	char *text = front_store_read(d, d->path, "backend-id");
	uint64_t id = 0;
	int err = text ? number_parse(text, 0, 32751, &id) : -ENOENT;

	free(text);
	if (err)
		return why_set(why, -EINVAL,
			       "%s/backend-id is absent or no domain's number",
			       d->path);
	d->backend_id = (uint16_t)id;
	return 0;
}

int front_handshake_find(struct front_device *d, struct why *why)
{
	struct xen_host *h = d->guest->host;
	char path[FRONT_PATH_MAX + 8];
	int err = find_backend(d, why);

	if (!err)
		err = find_backend_id(d, why);
	if (err)
		return err;
	/* Nothing depends on it; blkfront reads it, so a trace shows it. */
	free(front_store_read(d, d->path, "virtual-device"));
	d->own = front_store_own(d);

	snprintf(path, sizeof(path), "%s/state", d->backend);
	snprintf(d->token, sizeof(d->token), "front-%u", d->devid);
	err = front_guest_result(d->guest,
				 h->ops->store.watch(h, path, d->token));
	if (err)
		return why_set(why, err, "cannot watch %s: %s", path,
			       strerror(-err));
	d->watched = true;
	front_store_look(d);
	return 0;
}

void front_handshake_forget(struct front_device *d)
{
	struct xen_host *h = d->guest->host;
	char path[FRONT_PATH_MAX + 8];

	if (!d->watched)
		return;
	snprintf(path, sizeof(path), "%s/state", d->backend);
	h->ops->store.unwatch(h, path, d->token);
	d->watched = false;
}

/* ---- there ----------------------------------------------------------------
 */

int front_handshake_reset(struct front_device *d, struct why *why)
{
	int err;

	if (d->own == XENBUS_INITIALISING)
		return 0;
	/* Closed is how every orderly end leaves it. */
	if (d->own != XENBUS_CLOSED)
		log_info("%s: an earlier frontend left %s behind; starting "
			 "over",
			 d->name, front_state_name(d->own));
	/* A backend that was connected must let go first. */
	if (d->peer != XENBUS_INITIALISING && d->peer != XENBUS_UNKNOWN) {
		err = front_handshake_leave(d, d->timeout_ms, why);
		if (err)
			return err;
	}
	return front_store_switch(d, XENBUS_INITIALISING, why);
}

/* A number that may be absent; `missing` then. */
static int offered(struct front_device *d, const char *key, uint64_t max,
		   uint32_t missing, uint32_t *out, struct why *why)
{
	uint64_t value = missing;
	int err = front_store_number(d, key, 0, max, &value, why);

	if (err == -ENOENT)
		err = 0;
	*out = (uint32_t)value;
	return err;
}

static int offered_flag(struct front_device *d, const char *key, bool *out,
			struct why *why)
{
	uint32_t value;
	int err = offered(d, key, 1, 0, &value, why);

	*out = value == 1;
	return err;
}

/* What has to stand before state 2 (XB-01). */
static int read_limits(struct front_device *d, struct why *why)
{
	struct front_settled *s = &d->settled;
	int err = offered(d, "max-ring-page-order", 15, 0, &s->max_ring_order,
			  why);

	if (!err)
		err = offered(d, "multi-queue-max-queues", UINT32_MAX, 1,
			      &s->max_queues, why);
	if (err)
		return err;
	s->ring_order = 0;
	s->queues = 1;
	ev_feature_accept(&d->ev, "ring-page-order", s->ring_order);
	ev_feature_accept(&d->ev, "multi-queue-num-queues", s->queues);
	return 0;
}

static int share(struct front_device *d, uint64_t id_seed, struct why *why)
{
	struct front_queue_options opt = {
		.host = d->guest->host,
		.backend_id = d->backend_id,
		.pages = 1u << d->settled.ring_order,
		.id_seed = id_seed,
		.ev = d->ev,
	};
	struct front_queue *q = &d->queues[0];
	struct front_key keys[] = {
		{ .name = "ring-ref" },
		{ .name = "event-channel" },
		{ .name = "protocol", .value = "x86_64-abi" },
		{ .name = "feature-persistent", .value = "0" },
		{ .name = "feature-large-sector-size", .value = "1" },
	};
	unsigned nkeys = sizeof(keys) / sizeof(keys[0]) - !d->sector_units;
	int err;

	opt.ev.queue = 0;
	err = front_guest_result(d->guest, front_queue_open(q, &opt, why));
	if (err)
		return err;
	d->nqueues = 1;
	snprintf(keys[0].value, FRONT_VALUE_MAX, "%u", q->ring_gref[0]);
	snprintf(keys[1].value, FRONT_VALUE_MAX, "%u", q->port);
	return front_store_commit(d, keys, nkeys, why);
}

static int number_needed(struct front_device *d, const char *key, uint64_t max,
			 uint64_t *out, struct why *why)
{
	int err = front_store_number(d, key, 0, max, out, why);

	if (err == -ENOENT)
		return fault(d, "XB-02", why,
			     "it is at Connected (4), and %s/%s is absent",
			     d->backend, key);
	return err;
}

/* What has to stand before state 4 (XB-02). */
static int read_geometry(struct front_device *d, struct why *why)
{
	struct front_settled *s = &d->settled;
	uint64_t sectors, sector, info, physical;
	int err = number_needed(d, "sectors", UINT64_MAX >> 9, &sectors, why);

	if (!err)
		s->sectors = sectors;
	if (!err)
		err = number_needed(d, "sector-size", UINT32_MAX, &sector, why);
	if (!err)
		err = number_needed(d, "info", UINT32_MAX, &info, why);
	if (err)
		return err;
	physical = sector;
	err = front_store_number(d, "physical-sector-size", 0, UINT32_MAX,
				 &physical, why);
	if (err && err != -ENOENT)
		return err;
	if (sector < 512 || (sector & (sector - 1)))
		return fault(d, "XB-14", why,
			     "sector-size is %llu, not a power of two from "
			     "512 on",
			     (unsigned long long)sector);
	if (!physical || physical % sector)
		return fault(d, "XB-14", why,
			     "physical-sector-size is %llu, no multiple of "
			     "sector-size, %llu",
			     (unsigned long long)physical,
			     (unsigned long long)sector);
	s->unit_bytes = d->sector_units ? (uint32_t)sector : 512;
	if (s->sectors * s->unit_bytes % physical)
		return fault(d, "XB-15", why,
			     "the disk's %llu sectors of %u bytes are no "
			     "multiple of physical-sector-size, %llu",
			     (unsigned long long)s->sectors, s->unit_bytes,
			     (unsigned long long)physical);
	if (sector > SECTOR_BYTES_MAX)
		return why_set(why, -ENOTSUP,
			       "sector-size of %s is %llu: this frontend "
			       "knows sectors of at most %u bytes",
			       d->name, (unsigned long long)sector,
			       SECTOR_BYTES_MAX);
	s->sector_bytes = (uint32_t)sector;
	d->queues[0].unit_bytes = s->unit_bytes;
	s->physical_bytes = (uint32_t)physical;
	s->info = (uint32_t)info;
	return 0;
}

static int read_features(struct front_device *d, struct why *why)
{
	struct front_settled *s = &d->settled;
	int err = offered_flag(d, "feature-flush-cache", &s->flush, why);

	if (!err)
		err = offered_flag(d, "feature-barrier", &s->barrier, why);
	if (!err)
		err = offered_flag(d, "feature-discard", &s->discard, why);
	if (!err)
		err = offered_flag(d, "feature-persistent", &s->persistent,
				   why);
	if (!err)
		err = offered(d, "feature-max-indirect-segments", UINT32_MAX, 0,
			      &s->max_indirect, why);
	if (err)
		return err;
	ev_feature_accept(&d->ev, "feature-flush-cache", s->flush);
	/* Offered or not: this frontend does without them. */
	ev_feature_accept(&d->ev, "feature-barrier", 0);
	ev_feature_accept(&d->ev, "feature-discard", 0);
	ev_feature_accept(&d->ev, "feature-persistent", 0);
	ev_feature_accept(&d->ev, "feature-max-indirect-segments", 0);
	return 0;
}

int front_handshake_connect(struct front_device *d, uint64_t id_seed,
			    struct why *why)
{
	int err = handshake_wait(d, BIT(XENBUS_INIT_WAIT), d->timeout_ms,
				 "InitWait (2)", why);

	if (!err)
		err = read_limits(d, why);
	if (!err)
		err = share(d, id_seed, why);
	if (!err)
		err = front_store_switch(d, XENBUS_INITIALISED, why);
	if (!err)
		err = handshake_wait(
			d,
			BIT(XENBUS_CONNECTED) | BIT(XENBUS_CLOSING) |
				BIT(XENBUS_CLOSED) | BIT(XENBUS_UNKNOWN),
			d->timeout_ms, "Connected (4)", why);
	if (err)
		return err;
	if (d->peer != XENBUS_CONNECTED)
		return why_set(why, -ECONNREFUSED,
			       "the backend of %s did not take the connection: "
			       "%s has %s; the log of ringsided and the store "
			       "under error/ say why",
			       d->name, d->backend, front_state_name(d->peer));
	err = read_geometry(d, why);
	if (!err)
		err = read_features(d, why);
	if (!err)
		err = front_store_switch(d, XENBUS_CONNECTED, why);
	return err;
}

/* ---- and back -------------------------------------------------------------
 */

int front_handshake_leave(struct front_device *d, unsigned timeout_ms,
			  struct why *why)
{
	/* A directory that is gone has no state to wait for. */
	const unsigned gone = BIT(XENBUS_CLOSED) | BIT(XENBUS_UNKNOWN);
	int err = 0;

	if (d->own != XENBUS_CLOSED || !(gone & BIT(d->peer))) {
		err = front_store_switch(d, XENBUS_CLOSING, why);
		if (!err)
			err = handshake_wait(d, BIT(XENBUS_CLOSING) | gone,
					     timeout_ms, "Closing (5)", why);
	}
	if (err && err != -ETIMEDOUT && err != -EINTR)
		return err;
	/* Also where the backend is silent: state 6 is the truth about us. */
	if (err) {
		front_store_switch(d, XENBUS_CLOSED, NULL);
		return err;
	}
	err = front_store_switch(d, XENBUS_CLOSED, why);
	if (!err)
		err = handshake_wait(d, gone, timeout_ms, "Closed (6)", why);
	return err;
}
