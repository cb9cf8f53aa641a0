/* SPDX-License-Identifier: MIT */
#include "frontend/device.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "frontend/handshake.h"
#include "frontend/settle.h"
#include "frontend/store.h"

/* A backend that already failed to answer is not waited for again as long. */
#define LEAVE_SILENT_MS 1000u

#define DRAIN_ASKED_NS 2000000000u

/* A backend that wants to close gets this long for what is in flight. */
#define LEAVE_STALL_MS 5000u

/* The operator is told when an answer takes longer than this. */
#define STALL_TELL_NS 3000000000u

/* A wait that is worth a look at what the backend does. */
#define LOOK_FROM_NS 50000000u

/* Between two looks at the queues' clocks, each of which wakes a thread. */
#define TICK_NS 100000000u

/* ---- life -----------------------------------------------------------------
 */

static void device_release(struct front_device *d, unsigned *mapped)
{
	struct front_guest *g = d->guest;
	unsigned i;

	*mapped = 0;
	for (i = 0; i < d->nworkers; i++)
		front_worker_close(&d->workers[i]);
	d->nworkers = 0;
	for (i = 0; i < d->nqueues; i++)
		*mapped += front_queue_close(&d->queues[i]);
	d->nqueues = 0;
	front_handshake_forget(d);
	for (i = 0; i < g->ndevices; i++)
		if (g->devices[i] == d)
			g->devices[i] = g->devices[--g->ndevices];
	d->phase = FRONT_CLOSED;
}

/* Nothing new is taken; what a thread accepted before that is in its queue. */
static void device_shut(struct front_device *d)
{
	__atomic_store_n(&d->shut, true, __ATOMIC_RELAXED);
}

static int device_start(struct front_device *d, struct why *why)
{
	int err = 0;

	while (!err && d->nworkers < d->nqueues) {
		unsigned n = d->nworkers;

		err = front_worker_open(&d->workers[n], &d->queues[n], n > 0,
					d->guest->poke_fd, why);
		if (!err)
			d->nworkers++;
	}
	return err;
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
	d->asleep = g->backend;
	d->ticked_ns = clock_now_ns();
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
		err = front_handshake_connect(d, opt, why);
	if (!err)
		err = device_start(d, why);
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

static void device_end_io(struct front_device *d, int error)
{
	for (unsigned i = 0; i < d->nworkers; i++)
		front_worker_end(&d->workers[i], error);
}

int front_device_close(struct front_device *d, struct why *why)
{
	struct front_guest *g = d->guest;
	struct why left = { "" };
	unsigned timeout_ms = d->timeout_ms;
	unsigned mapped;
	int err, leave = 0;

	if (d->phase == FRONT_CLOSED)
		return 0;
	d->phase = FRONT_LEAVING;
	device_shut(d);
	err = device_drain(d, why);
	if (err && timeout_ms > LEAVE_SILENT_MS)
		timeout_ms = LEAVE_SILENT_MS;
	if (!g->gone)
		leave = front_handshake_leave(d, timeout_ms, &left);
	device_end_io(d, d->error ? d->error : -ESHUTDOWN);
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

	if (__atomic_load_n(&d->shut, __ATOMIC_RELAXED))
		return -ESHUTDOWN;
	if (io->op == RING_OP_FLUSH)
		return s->flush ? 0 : -EOPNOTSUPP;
	if (io->op == RING_OP_BARRIER && !s->barrier)
		return -EOPNOTSUPP;
	if (io->op == RING_OP_DISCARD && !s->discard)
		return -EOPNOTSUPP;
	if (io->op != RING_OP_READ && s->info & FRONT_INFO_READONLY)
		return -EROFS;
	if (!io->len_bytes || (io->off_bytes | io->len_bytes) % s->sector_bytes)
		return -EINVAL;
	if (io->off_bytes > size || io->len_bytes > size - io->off_bytes)
		return -ENOSPC;
	return 0;
}

int front_device_submit(struct front_device *d, unsigned n, struct front_io *io)
{
	int err = device_check(d, io);

	if (!err)
		front_queue_submit(&d->queues[n], io);
	return err;
}

void front_device_kick(struct front_device *d, unsigned n)
{
	front_worker_result(&d->workers[n], front_queue_pump(&d->queues[n]));
}

void front_device_call(struct front_device *d, unsigned n,
		       void (*call)(void *arg), void *arg)
{
	front_worker_call(&d->workers[n], call, arg);
}

void front_device_poke(const struct front_device *d)
{
	front_worker_poke(&d->workers[0]);
}

bool front_device_busy(struct front_device *d)
{
	for (unsigned i = 0; i < d->nworkers; i++) {
		struct front_worker_load load;

		front_worker_look(&d->workers[i], &load);
		if (load.busy)
			return true;
	}
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
	device_shut(d);
	device_end_io(d, error);
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

int front_device_fd(const struct front_device *d)
{
	struct xen_host *h = d->guest->host;

	/* A queue that failed is never looked at again. */
	if (d->error || !d->nworkers || front_worker_error(&d->workers[0]))
		return -1;
	return h->ops->evtchn.fd(d->queues[0].evtchn);
}

bool front_device_again(const struct front_device *d)
{
	return front_device_fd(d) >= 0 && d->queues[0].again;
}

void front_device_service(struct front_device *d)
{
	if (front_device_fd(d) >= 0)
		front_worker_service(&d->workers[0]);
}

/* What a queue's failure means for its device. */
void front_device_collect(struct front_device *d)
{
	for (unsigned i = 0; i < d->nworkers && !d->error; i++) {
		const struct front_queue *q = &d->queues[i];
		int err = front_worker_error(&d->workers[i]);

		if (!err)
			continue;
		front_guest_result(d->guest, err);
		if (q->fault.rule)
			front_device_fail(d, err, "%s", q->fault.why.text);
		else if (err == -ENOSPC)
			front_device_fail(d, err,
					  "domain %u has no free grant left "
					  "for I/O",
					  d->guest->domid);
		else if (!d->guest->gone)
			front_device_fail(d, err,
					  "the event channel of %s failed: %s",
					  d->name, strerror(-err));
	}
}

void front_device_look(struct front_device *d)
{
	struct why why;
	int err;

	front_store_look(d);
	if (d->phase != FRONT_CONNECTED && d->phase != FRONT_LEAVING)
		return;
	switch (d->peer) {
	case XENBUS_CONNECTED:
		/* Its state was written again, as with a new size (XB-18). */
		err = front_settle_resize(d, &why);
		if (err)
			front_device_fail(d, err, "%s", why.text);
		break;
	case XENBUS_CLOSING:
		/* It asks us to go; what is in flight is still answered. */
		d->phase = FRONT_LEAVING;
		device_shut(d);
		break;
	case XENBUS_CLOSED:
	case XENBUS_UNKNOWN:
		d->phase = FRONT_LEAVING;
		device_shut(d);
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

/* The longest that any queue now waits for an answer. */
static void device_waited(struct front_device *d, unsigned in_flight,
			  uint64_t waited_ns)
{
	unsigned timeout_ms = d->timeout_ms;

	if (d->peer == XENBUS_CLOSING && timeout_ms > LEAVE_STALL_MS)
		timeout_ms = LEAVE_STALL_MS;
	/* Less than before: it answered meanwhile. */
	if (d->waited_ns < LOOK_FROM_NS || waited_ns < d->waited_ns)
		asleep_begin(&d->asleep);
	d->waited_ns = waited_ns;
	if (waited_ns >= timeout_ms * 1000000ull) {
		front_device_fail(d, -ETIMEDOUT,
				  "the backend of %s gave no answer for %g s "
				  "with %u requests in flight; is ringsided "
				  "still running?",
				  d->name, timeout_ms / 1000.0, in_flight);
	} else if (waited_ns >= STALL_TELL_NS && !d->stalled) {
		d->stalled = true;
		log_info("%s: no answer from the backend for %u s, %u "
			 "requests in flight; waiting for up to %g s",
			 d->name, (unsigned)(waited_ns / 1000000000u),
			 in_flight, timeout_ms / 1000.0);
	} else if (d->stalled && waited_ns < STALL_TELL_NS) {
		d->stalled = false;
		log_info("%s: the backend answers again", d->name);
	}
}

/* What waits for an answer, waits no longer if none can come any more. */
static void device_look(struct front_device *d)
{
	enum asleep how;

	if (d->waited_ns < LOOK_FROM_NS)
		return;
	how = asleep_look(&d->asleep);
	if (how != ASLEEP_NO)
		front_device_fail(d, -ETIMEDOUT,
				  "the backend of %s gives no answer, and %s",
				  d->name, asleep_words(how));
}

void front_device_tick(struct front_device *d, uint64_t now_ns)
{
	uint64_t longest_ns = 0;
	unsigned i, in_flight = 0;

	if (d->error)
		return;
	if (now_ns - d->ticked_ns < TICK_NS) {
		device_look(d);
		return;
	}
	d->ticked_ns = now_ns;
	for (i = 0; i < d->nworkers; i++) {
		struct front_worker_load load;

		front_worker_look(&d->workers[i], &load);
		if (!load.in_flight || now_ns <= load.progress_ns ||
		    now_ns - load.progress_ns < longest_ns)
			continue;
		longest_ns = now_ns - load.progress_ns;
		in_flight = load.in_flight;
	}
	if (d->nworkers)
		device_waited(d, in_flight, longest_ns);
}
