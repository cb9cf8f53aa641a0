/* SPDX-License-Identifier: MIT */
/*
 * One ring of a frontend: the pages that it shares, its event channel, and
 * the requests in flight.
 *
 * The way of a request is blkfront's: a free entry of the request table, as
 * many granted pages as its data needs (frontend/pool.h), the slot, one push
 * for as many requests as were put, a notification if the ring asks for one;
 * on the response the pages are given back.  Without persistence their grants
 * end then, and one that is still mapped is the backend's fault (GR-46).
 *
 * Every response is checked.  A backend that breaks a rule is never trusted
 * again: the queue remembers the rule and takes nothing more from the ring.
 *
 * A queue belongs to one thread from the first front_queue_submit() to the
 * last.  Nothing is allocated after front_queue_open().
 */
#ifndef FRONTEND_QUEUE_H
#define FRONTEND_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "frontend/pool.h"
#include "frontend/transport.h"
#include "ring/front.h"
#include "xen/xen.h"

/*
 * One read, write, barrier, flush or discard of any length.  The caller's
 * memory from submit to done(); the queue splits it into as many requests as
 * it needs.  A barrier is a write that comes after what was answered before
 * and before what is submitted after it (RQ-42).
 */
struct front_io {
	enum ring_op op;    /* not RING_OP_INDIRECT: that is up to the queue */
	uint64_t off_bytes; /* multiples of the sector size; 0 for a flush */
	uint32_t len_bytes;
	uint8_t *buf; /* len_bytes of the caller's; not of a discard */
	/*
	 * Called once, on the queue's thread.  It may submit again, this io
	 * too, but not run the loop.
	 */
	void (*done)(struct front_io *io);
	void *opaque;
	/*
	 * Out: 0, -EIO (the response was an error), -EOPNOTSUPP, or why the
	 * queue ended: -EPROTO, -ETIMEDOUT, -ESHUTDOWN, -ECONNRESET.
	 */
	int error;
	/* The queue's own: */
	uint32_t put_bytes; /* already in requests */
	uint32_t parts;	    /* requests in flight */
	struct front_io *next;
};

struct front_request;

/* What a backend did against the rules. */
struct front_fault {
	const char *rule; /* identifier, NULL while there is none */
	struct why why;
};

struct front_queue {
	struct xen_host *host; /* borrowed */
	struct ev_origin ev;
	uint16_t backend_id;
	const uint8_t *memory; /* where the guest's page 0 lies */

	struct ring_front ring;
	void *ring_pages;
	unsigned npages;
	uint32_t ring_gref[FRONT_RING_PAGES_MAX];
	unsigned ring_granted; /* pages of it that are granted */
	struct xen_evtchn *evtchn;
	uint32_t port;
	bool bound;

	bool persistent;   /* GR-47 */
	unsigned segs_max; /* of a request; more than 11 make it indirect */
	struct front_pool pool;
	struct front_request *table;
	unsigned requests;	      /* in the table */
	struct front_request *free;   /* last in, first out */
	unsigned in_flight;	      /* on the ring */
	uint64_t seq;		      /* of the last request; the first is 1 */
	uint64_t id_key;	      /* what makes ids look random */
	struct front_io *head, *tail; /* accepted, not all on the ring */
	uint32_t unit_bytes;	      /* in which a request counts sectors */
	bool again; /* there may be responses that no event will tell of */
	bool ended; /* front_queue_fail() was called */

	struct front_fault fault;
	uint64_t progress_ns; /* last response, or first request since idle */
	uint64_t responses;
	uint64_t indirects; /* of the requests */
	uint64_t notifies_sent;
	uint64_t notifies_saved;
	uint64_t wakeups;
	uint64_t spurious;
};

struct front_queue_options {
	struct xen_host *host;
	uint16_t backend_id;
	unsigned pages; /* of the ring: a power of two */
	enum ring_abi abi;
	unsigned segs_max; /* 0 is RING_SEGS_MAX */
	unsigned data_max; /* pages for data at most; 0: as the ring needs */
	bool persistent;
	uint64_t id_seed; /* any number */
	struct ev_origin ev;
};

/*
 * Allocate and grant the ring, allocate the port, the request table and the
 * pages for data.  Where memory is too small for requests of segs_max they
 * have fewer.  On failure -errno with a sentence, and nothing is left.
 */
int front_queue_open(struct front_queue *q,
		     const struct front_queue_options *opt, struct why *why);

/*
 * Take back every grant, the port and the memory.  Nothing may be in flight
 * but what front_queue_fail() gave up.  Returns the number of pages that the
 * backend still has mapped; those stay granted and are never used again.
 */
unsigned front_queue_close(struct front_queue *q);

/*
 * What the backend offered late, before the first io: at most `segs_max`
 * segments for a request, and whether grants may persist.
 */
void front_queue_settle(struct front_queue *q, unsigned segs_max,
			bool persistent, uint32_t unit_bytes);

/* Accept `io`; front_queue_pump() brings it to the ring. */
void front_queue_submit(struct front_queue *q, struct front_io *io);

/*
 * Put as much on the ring as it holds, push once, notify by the rule.
 * 0, or -errno: the host failed, or -EPROTO: see q->fault.
 */
int front_queue_pump(struct front_queue *q);

/*
 * The event channel's fd is readable, or q->again: take the responses, then
 * pump.  0 or -errno as above.
 */
int front_queue_service(struct front_queue *q);

/*
 * Remember that the backend broke `rule` (a constant string): the queue
 * takes nothing more from its ring.  Returns -EPROTO.
 */
int front_queue_fault(struct front_queue *q, const char *rule,
		      const char *detail);

/*
 * Give everything back that was accepted, with `error`; done() may not
 * submit again.  The pages in flight stay granted until the queue closes.
 */
void front_queue_fail(struct front_queue *q, int error);

/* Something is accepted or in flight. */
static inline bool front_queue_busy(const struct front_queue *q)
{
	return q->in_flight || q->head;
}

#endif
