/* SPDX-License-Identifier: MIT */
#include "frontend/device.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "frontend/handshake.h"
#include "frontend/store.h"

/* A backend that already failed to answer is not waited for again as long. */
#define LEAVE_SILENT_MS 1000u

#define DRAIN_ASKED_NS 2000000000u

/* A backend that wants to close gets this long for what is in flight. */
#define LEAVE_STALL_MS 5000u

/* The operator is told when an answer takes longer than this. */
#define STALL_TELL_NS 3000000000u

/* ---- life -----------------------------------------------------------------
 */

static void device_release(struct front_device *d, unsigned *mapped)
{
	struct front_guest *g = d->guest;
	unsigned i;

	*mapped = 0;
	for (i = 0; i < d->nqueues; i++)
		*mapped += front_queue_close(&d->queues[i]);
	d->nqueues = 0;
	front_handshake_forget(d);
	for (i = 0; i < g->ndevices; i++)
		if (g->devices[i] == d)
			g->devices[i] = g->devices[--g->ndevices];
	d->phase = FRONT_CLOSED;
}

int front_device_open(struct front_device *d, struct front_guest *g,
		      const struct front_device_options *opt, struct why *why)
{
	unsigned mapped;
	int err;

	memset(d, 0, sizeof(*d));
	if (g->ndevices == FRONT_DEVICES_MAX)
		return why_set(why, -ENOSPC,
			       "one frontend drives at most %d disks",
			       FRONT_DEVICES_MAX);
	d->guest = g;
	d->devid = opt->devid;
	d->timeout_ms = opt->timeout_ms;
	d->sector_units = opt->sector_units;
	d->ev.actor = EV_ACTOR_FRONTEND;
	d->ev.domid = g->domid;
	d->ev.devid = opt->devid;
	d->ev.queue = EV_QUEUE_NONE;
	front_vdev_name(opt->devid, d->name);
	snprintf(d->path, sizeof(d->path), "/local/domain/%u/device/vbd/%u",
		 g->domid, opt->devid);
	g->devices[g->ndevices++] = d;

	err = front_handshake_find(d, why);
	if (!err)
		err = front_handshake_reset(d, why);
	if (!err)
		err = front_handshake_connect(d, opt->id_seed, why);
	if (!err) {
		d->phase = FRONT_CONNECTED;
		return 0;
	}
	if (g->gone)
		err = front_guest_gone(g, why);
	else if (d->own >= XENBUS_INITIALISED && d->own < XENBUS_CLOSED)
		front_handshake_leave(d, LEAVE_SILENT_MS, NULL);
	device_release(d, &mapped);
	return err;
}

/*
 * Wait until everything in flight was answered, or its time is over; but
 * whoever asked to stop is not kept waiting long.
 */
static int device_drain(struct front_device *d, struct why *why)
{
	struct front_guest *g = d->guest;
	uint64_t start_ns = clock_now_ns();
	unsigned interrupts = g->interrupts;

	while (!d->error && front_device_busy(d)) {
		if (g->interrupts != interrupts ||
		    (interrupts && clock_now_ns() - start_ns > DRAIN_ASKED_NS))
			return why_set(why, -EINTR,
				       "stopped before the backend of %s had "
				       "answered everything",
				       d->name);
		front_guest_step(g, 100);
	}
	return d->error ? why_set(why, d->error, "%s", d->why.text) : 0;
}

int front_device_close(struct front_device *d, struct why *why)
{
	struct front_guest *g = d->guest;
	struct why left = { "" };
	unsigned timeout_ms = d->timeout_ms;
	unsigned i, mapped;
	int err, leave = 0;

	if (d->phase == FRONT_CLOSED)
		return 0;
	d->phase = FRONT_LEAVING;
	err = device_drain(d, why);
	if (err && timeout_ms > LEAVE_SILENT_MS)
		timeout_ms = LEAVE_SILENT_MS;
	if (!g->gone)
		leave = front_handshake_leave(d, timeout_ms, &left);
	for (i = 0; i < d->nqueues; i++)
		front_queue_fail(&d->queues[i],
				 d->error ? d->error : -ESHUTDOWN);
	device_release(d, &mapped);
	if (err)
		return err;
	if (leave)
		return why_set(why, leave, "%s", left.text);
	if (!mapped || g->gone)
		return 0;
	ev_device_fault(&d->ev, "XB-19", "pages still mapped");
	return why_set(why, -EPROTO,
		       "the backend broke XB-19: it is at Closed (6), and %u "
		       "page%s of %s still mapped",
		       mapped, mapped == 1 ? "" : "s", d->name);
}

/* ---- I/O ------------------------------------------------------------------
 */

static int device_check(const struct front_device *d, const struct front_io *io)
{
	const struct front_settled *s = &d->settled;
	uint64_t size = front_device_bytes(d);

	if (d->phase != FRONT_CONNECTED || d->error)
		return -ESHUTDOWN;
	if (io->op == RING_OP_FLUSH)
		return s->flush ? 0 : -EOPNOTSUPP;
	if (io->op == RING_OP_WRITE && s->info & FRONT_INFO_READONLY)
		return -EROFS;
	if (!io->len_bytes || (io->off_bytes | io->len_bytes) % s->sector_bytes)
		return -EINVAL;
	if (io->off_bytes > size || io->len_bytes > size - io->off_bytes)
		return -ENOSPC;
	return 0;
}

int front_device_submit(struct front_device *d, struct front_io *io)
{
	int err = device_check(d, io);

	if (!err)
		front_queue_submit(&d->queues[0], io);
	return err;
}

/* What a queue's failure means for its device. */
static void device_queue_result(struct front_device *d, struct front_queue *q,
				int err)
{
	if (!err || d->error)
		return;
	front_guest_result(d->guest, err);
	if (q->fault.rule)
		front_device_fail(d, err, "%s", q->fault.why.text);
	else if (err == -ENOSPC)
		front_device_fail(d, err,
				  "domain %u has no free grant left for I/O",
				  d->guest->domid);
	else if (!d->guest->gone)
		front_device_fail(d, err, "the event channel of %s failed: %s",
				  d->name, strerror(-err));
}

void front_device_kick(struct front_device *d)
{
	for (unsigned i = 0; i < d->nqueues && !d->error; i++)
		device_queue_result(d, &d->queues[i],
				    front_queue_pump(&d->queues[i]));
}

bool front_device_busy(const struct front_device *d)
{
	for (unsigned i = 0; i < d->nqueues; i++)
		if (front_queue_busy(&d->queues[i]))
			return true;
	return false;
}

/* ---- what happens to it ---------------------------------------------------
 */

void front_device_fail(struct front_device *d, int error, const char *fmt, ...)
{
	va_list ap;

	if (d->error)
		return;
	va_start(ap, fmt);
	vsnprintf(d->why.text, sizeof(d->why.text), fmt, ap);
	va_end(ap);
	d->error = error;
	for (unsigned i = 0; i < d->nqueues; i++)
		front_queue_fail(&d->queues[i], error);
}

int front_device_ended(const struct front_device *d, struct why *why)
{
	if (d->error)
		return why_set(why, d->error, "%s", d->why.text);
	if (d->phase == FRONT_LEAVING)
		return why_set(why, -ESHUTDOWN,
			       "the backend closed %s: %s has %s", d->name,
			       d->backend, front_state_name(d->peer));
	return 0;
}

int front_device_fd(const struct front_device *d, unsigned n)
{
	struct xen_host *h = d->guest->host;

	/* A queue that failed is never looked at again. */
	if (d->error || !d->queues[n].evtchn)
		return -1;
	return h->ops->evtchn.fd(d->queues[n].evtchn);
}

bool front_device_again(const struct front_device *d)
{
	for (unsigned i = 0; i < d->nqueues && !d->error; i++)
		if (d->queues[i].again)
			return true;
	return false;
}

void front_device_service(struct front_device *d)
{
	for (unsigned i = 0; i < d->nqueues && !d->error; i++)
		device_queue_result(d, &d->queues[i],
				    front_queue_service(&d->queues[i]));
}

/* XB-18: the backend wrote its state again, perhaps after `sectors`. */
static void device_look_size(struct front_device *d)
{
	uint64_t sectors = d->settled.sectors;
	struct why why;

	if (front_store_number(d, "sectors", 0, UINT64_MAX >> 9, &sectors,
			       &why) ||
	    sectors == d->settled.sectors)
		return;
	d->settled.sectors = sectors;
	log_info("%s has %llu bytes now", d->name,
		 (unsigned long long)front_device_bytes(d));
}

void front_device_look(struct front_device *d)
{
	front_store_look(d);
	if (d->phase != FRONT_CONNECTED && d->phase != FRONT_LEAVING)
		return;
	switch (d->peer) {
	case XENBUS_CONNECTED:
		device_look_size(d);
		break;
	case XENBUS_CLOSING:
		/* It asks us to go; what is in flight is still answered. */
		d->phase = FRONT_LEAVING;
		break;
	case XENBUS_CLOSED:
	case XENBUS_UNKNOWN:
		d->phase = FRONT_LEAVING;
		if (front_device_busy(d))
			front_device_fail(d, -ESHUTDOWN,
					  "the backend closed %s with I/O in "
					  "flight: %s has %s",
					  d->name, d->backend,
					  front_state_name(d->peer));
		break;
	default:
		break;
	}
}

void front_device_tick(struct front_device *d, uint64_t now_ns)
{
	unsigned timeout_ms = d->timeout_ms;

	if (d->peer == XENBUS_CLOSING && timeout_ms > LEAVE_STALL_MS)
		timeout_ms = LEAVE_STALL_MS;
	for (unsigned i = 0; i < d->nqueues && !d->error; i++) {
		const struct front_queue *q = &d->queues[i];
		uint64_t waited_ns = 0;

		if (q->in_flight && now_ns > q->progress_ns)
			waited_ns = now_ns - q->progress_ns;
		if (waited_ns >= timeout_ms * 1000000ull) {
			front_device_fail(d, -ETIMEDOUT,
					  "the backend of %s gave no answer "
					  "for %g s with %u requests in "
					  "flight; is ringsided still "
					  "running?",
					  d->name, timeout_ms / 1000.0,
					  q->in_flight);
			return;
		}
		if (waited_ns >= STALL_TELL_NS && !d->stalled) {
			d->stalled = true;
			log_info("%s: no answer from the backend for %u s, %u "
				 "requests in flight; waiting for up to %g s",
				 d->name, (unsigned)(waited_ns / 1000000000u),
				 q->in_flight, timeout_ms / 1000.0);
		} else if (d->stalled && waited_ns < STALL_TELL_NS) {
			d->stalled = false;
			log_info("%s: the backend answers again", d->name);
		}
	}
}
