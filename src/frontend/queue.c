/* SPDX-License-Identifier: MIT */
#include "frontend/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "frontend/request.h"
#include "xen/desk/guest.h"

/*
 * Responses taken by one call of front_queue_service(): a backend that is
 * faster than we are must not keep the loop from its other duties.
 */
#define SERVICE_BUDGET 1024u

/* ---- life -----------------------------------------------------------------
 */

static int queue_share_ring(struct front_queue *q,
			    const struct front_queue_options *opt,
			    struct why *why)
{
	unsigned i;

	q->ring_pages = desk_guest_alloc(q->host, opt->pages);
	if (!q->ring_pages)
		return why_set(why, -ENOMEM,
			       "domain %u has no %u free pages for the ring: "
			       "give it more memory",
			       q->ev.domid, opt->pages);
	q->npages = opt->pages;
	ring_front_init(&q->ring, q->ring_pages, opt->pages, opt->abi, &q->ev);
	for (i = 0; i < opt->pages; i++) {
		int gref = front_grant(
			q, (uint8_t *)q->ring_pages + i * XEN_PAGE_SIZE, false);

		if (gref < 0)
			return why_set(why, gref,
				       "domain %u has no free grant left for "
				       "the ring",
				       q->ev.domid);
		q->ring_gref[q->ring_granted++] = (uint32_t)gref;
	}
	ev_ring_map(&q->ev, (uint32_t)__builtin_ctz(opt->pages),
		    q->ring.entries, q->ring_gref, q->ring_granted);
	return 0;
}

static int queue_open_port(struct front_queue *q, struct why *why)
{
	const struct xen_evtchn_ops *ops = &q->host->ops->evtchn;
	int port;
	int err = ops->open(q->host, &q->evtchn);

	if (err)
		return why_set(why, err, "cannot open the event channels: %s",
			       strerror(-err));
	port = ops->alloc_unbound(q->evtchn, q->backend_id);
	if (port < 0)
		return why_set(why, port,
			       "cannot allocate an event channel for domain "
			       "%u: %s",
			       q->backend_id, strerror(-port));
	q->port = (uint32_t)port;
	q->bound = true;
	ev_evtchn_alloc(&q->ev, q->port);
	return 0;
}

static unsigned queue_lists(unsigned segs)
{
	if (segs <= RING_SEGS_MAX)
		return 0;
	return (segs + RING_LIST_SEGS - 1) / RING_LIST_SEGS;
}

/*
 * Pages for a full ring, if the guest's memory has so many; with fewer the
 * ring is never full, which is no error.
 */
static int queue_open_pool(struct front_queue *q,
			   const struct front_queue_options *opt,
			   struct why *why)
{
	unsigned segs = opt->segs_max ? opt->segs_max : RING_SEGS_MAX;
	unsigned each = segs + queue_lists(segs);
	unsigned wanted = q->ring.entries * each;
	int err;

	if (opt->data_max && wanted > opt->data_max)
		wanted = opt->data_max > each ? opt->data_max : each;
	err = front_pool_open(q, wanted, RING_SEGS_MAX, why);
	if (err)
		return err;
	while (segs > RING_SEGS_MAX && segs + queue_lists(segs) > q->pool.total)
		segs--;
	q->segs_max = segs;
	return 0;
}

static int queue_open_table(struct front_queue *q, struct why *why)
{
	q->table = calloc(q->ring.entries, sizeof(*q->table));
	if (!q->table)
		return why_set(why, -ENOMEM, "out of memory");
	q->requests = q->ring.entries;
	/* So that the first is used first. */
	for (unsigned i = q->requests; i--;) {
		q->table[i].next_free = q->free;
		q->free = &q->table[i];
	}
	return 0;
}

int front_queue_open(struct front_queue *q,
		     const struct front_queue_options *opt, struct why *why)
{
	int err;

	memset(q, 0, sizeof(*q));
	q->host = opt->host;
	q->ev = opt->ev;
	q->backend_id = opt->backend_id;
	q->id_key = opt->id_seed;
	q->persistent = opt->persistent;
	q->unit_bytes = 512;
	q->memory = desk_guest_memory(q->host, &(size_t){ 0 });
	if (!q->memory)
		return why_set(why, -ENODEV,
			       "the host is no desk: a frontend needs the "
			       "memory of a guest of its own");
	err = queue_share_ring(q, opt, why);
	if (!err)
		err = queue_open_port(q, why);
	if (!err)
		err = queue_open_pool(q, opt, why);
	if (!err)
		err = queue_open_table(q, why);
	if (err)
		front_queue_close(q);
	return err;
}

void front_queue_settle(struct front_queue *q, unsigned segs_max,
			bool persistent, uint32_t unit_bytes)
{
	if (segs_max < q->segs_max)
		q->segs_max = segs_max;
	q->persistent = persistent;
	q->unit_bytes = unit_bytes;
}

unsigned front_queue_close(struct front_queue *q)
{
	const struct xen_evtchn_ops *ops = &q->host->ops->evtchn;
	unsigned i, ring_busy = 0;
	unsigned mapped = front_pool_close(q);

	free(q->table);
	q->table = NULL;
	q->free = NULL;
	q->requests = 0;
	for (i = 0; i < q->ring_granted; i++)
		if (front_grant_end(q, q->ring_gref[i]) == -EBUSY)
			ring_busy++;
	if (q->ring_granted)
		ev_ring_unmap(&q->ev, q->ring.entries);
	if (q->ring_pages && !ring_busy)
		desk_guest_free(q->host, q->ring_pages, q->npages);
	if (q->bound) {
		ops->unbind(q->evtchn, q->port);
		ev_evtchn_unbind(&q->ev, q->port);
	}
	if (q->evtchn)
		ops->close(q->evtchn);
	q->ring_granted = 0;
	q->ring_pages = NULL;
	q->bound = false;
	q->evtchn = NULL;
	return mapped + ring_busy;
}

int front_queue_fault(struct front_queue *q, const char *rule,
		      const char *detail)
{
	q->fault.rule = rule;
	ev_device_fault(&q->ev, rule, detail);
	return why_set(&q->fault.why, -EPROTO, "the backend broke %s: %s", rule,
		       detail);
}

/* ---- there ----------------------------------------------------------------
 */

void front_queue_submit(struct front_queue *q, struct front_io *io)
{
	io->error = 0;
	io->put_bytes = 0;
	io->parts = 0;
	io->next = NULL;
	if (q->tail)
		q->tail->next = io;
	else
		q->head = io;
	q->tail = io;
}

int front_queue_pump(struct front_queue *q)
{
	bool idle = !q->in_flight;
	int err;

	if (q->fault.rule)
		return -EPROTO;
	if (q->ended)
		return 0;
	while (q->head && q->free && ring_front_room(&q->ring)) {
		struct front_request *r = q->free;
		struct front_io *io = q->head;

		err = front_request_put(q, r, io);
		if (err && q->in_flight)
			break; /* a response gives pages back */
		if (err)
			return err;
		q->free = r->next_free;
		if (io->put_bytes == io->len_bytes) {
			q->head = io->next;
			if (!q->head)
				q->tail = NULL;
		}
	}
	if (q->ring.req_prod_pvt == q->ring.req_pushed)
		return 0;
	if (idle)
		q->progress_ns = clock_now_ns();
	if (!ring_front_push(&q->ring)) {
		q->notifies_saved++;
		return 0;
	}
	err = q->host->ops->evtchn.notify(q->evtchn, q->port);
	if (err)
		return err;
	q->notifies_sent++;
	ev_evtchn_notify(&q->ev, q->port);
	return 0;
}

/* ---- and back -------------------------------------------------------------
 */

/* Take what is there now; returns how many, or -errno. */
static int queue_take(struct front_queue *q)
{
	int ready = ring_front_ready(&q->ring);
	int i, err;

	if (ready < 0) {
		front_queue_fault(q, "RG-21",
				  "its response index claims more responses "
				  "than there are requests");
		return -EPROTO;
	}
	for (i = 0; i < ready; i++) {
		struct front_io *done;

		err = front_request_take(q, &done);
		if (err)
			return err;
		if (done)
			done->done(done);
	}
	return ready;
}

/* Responses and the requests that they make room for, until none is left. */
static int queue_drain(struct front_queue *q)
{
	unsigned taken = 0;
	int n, err;

	q->again = false;
	do {
		while ((n = queue_take(q)) > 0) {
			taken += (unsigned)n;
			err = front_queue_pump(q);
			if (err)
				return err;
			if (taken >= SERVICE_BUDGET) {
				/* No final check: nobody will wake us. */
				q->again = true;
				return (int)taken;
			}
		}
		if (n < 0)
			return n;
	} while (ring_front_final_check(&q->ring));
	return (int)taken;
}

int front_queue_service(struct front_queue *q)
{
	const struct xen_evtchn_ops *ops = &q->host->ops->evtchn;
	bool looked = q->again;
	int port, taken;

	if (q->fault.rule)
		return -EPROTO;
	if (q->ended)
		return 0;
	port = ops->pending(q->evtchn);
	if (port < 0 && port != -EAGAIN)
		return port;
	if (port == -EAGAIN && !looked)
		return 0;
	if (port >= 0) {
		q->wakeups++;
		ev_evtchn_wakeup(&q->ev, (uint32_t)port);
	}
	taken = queue_drain(q);
	if (taken < 0)
		return taken;
	if (taken) {
		q->progress_ns = clock_now_ns();
	} else if (port >= 0) {
		q->spurious++;
		ev_evtchn_spurious(&q->ev, (uint32_t)port);
	}
	/*
	 * Only now: an event that comes meanwhile stays pending behind the
	 * mask, and one thread of a storm costs one round (XSA-332).
	 */
	return port >= 0 ? ops->unmask(q->evtchn, (uint32_t)port) : 0;
}

void front_queue_fail(struct front_queue *q, int error)
{
	struct front_io *io;
	unsigned i;

	q->ended = true;
	/* An io that is half on the ring comes back once, with the rest. */
	for (i = 0; i < q->requests; i++) {
		struct front_request *r = &q->table[i];

		io = r->io;
		if (!io)
			continue;
		/* Its grants stay until the queue closes. */
		r->io = NULL;
		q->in_flight--;
		if (--io->parts || io == q->head)
			continue;
		io->error = error;
		io->done(io);
	}
	while ((io = q->head)) {
		q->head = io->next;
		if (!q->head)
			q->tail = NULL;
		io->error = error;
		io->done(io);
	}
}
