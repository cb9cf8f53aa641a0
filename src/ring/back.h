/* SPDX-License-Identifier: MIT */
/*
 * The backend's end of the shared ring: takes requests, gives responses.
 *
 * The one thread that owns it goes round like this (backend/turn.c, queue.c):
 *
 *	ring_back_ready()        how many requests are new: n
 *	ring_back_take()         n times: copy one out
 *	ring_back_respond()      for each that is done, in whatever order
 *	ring_back_push()         publish these responses; notify if it says so
 *
 * and when a round found nothing to do:
 *
 *	ring_back_final_check()  true: one more round; false: sleep until the
 *	                         frontend notifies
 *
 * A request may be answered many rounds after it was taken.  Each call emits
 * the trace events that are named with it, after what they tell of, for
 * `ev`.
 */
#ifndef RING_BACK_H
#define RING_BACK_H

#include "ring/barrier.h"
#include "ring/shared.h"
#include "trace/emit.h"

/* Indices run free modulo 2^32: ring_slot_at() finds the slot of one. */
struct ring_back {
	struct ring_shared *shared;
	enum ring_abi abi;     /* read by others too */
	uint32_t entries;      /* slots, a power of two; read by others too */
	uint32_t req_cons;     /* requests taken */
	uint32_t rsp_prod_pvt; /* responses written */
	uint32_t rsp_pushed;   /* responses published */
	struct ev_origin ev;
};

/*
 * Attach to the ring in `npages` mapped pages, which stay the caller's; `ev`
 * is copied.  All three indices of ours begin where the shared response index
 * stands: 0 for a fresh ring, but a frontend may have written any number.
 * Writes nothing to the ring.
 */
void ring_back_init(struct ring_back *r, void *pages, unsigned npages,
		    enum ring_abi abi, const struct ev_origin *ev);

/*
 * How many requests may be taken now, 0..entries.  Reads req_prod once, and
 * what it covers is seen after it (RG-24).
 * -ESTALE if it went back (RG-22): it lies 1..entries behind req_cons.
 * -EPROTO if it claims more than the ring holds (RG-20): more than `entries`
 * requests would be without a response that is written.
 * After an error the caller never takes from this ring again, but still
 * answers what it took.
 * Event: ring_consume (side request, from req_cons to req_prod), if there is
 * any.
 */
int ring_back_ready(struct ring_back *r);

/*
 * Copy the next request out, as many bytes as a slot of this ABI has; it is
 * the one time that its slot is read (RG-24).  Only after ring_back_ready()
 * counted it.
 * Event: ring_slot.
 */
void ring_back_take(struct ring_back *r, struct ring_slot *out);

/*
 * True if req_prod is not req_cons: worth a round, in which ring_back_ready()
 * looks properly.
 */
bool ring_back_peek(const struct ring_back *r);

/*
 * Write one response into the next response slot, in the layout of this ABI;
 * nothing but its fields and zeroes reaches the guest (RG-29, XSA-216).  Not
 * visible until pushed.  Never called for more requests than were taken
 * (RG-23).  Returns the response's free-running index.
 */
uint32_t ring_back_respond(struct ring_back *r, uint64_t id, uint8_t op,
			   enum ring_status status);

/*
 * Publish all responses written; what they hold is seen before the index.
 * Then read rsp_event: true if the frontend asked to be notified of one of
 * them (RG-30).  False also if there was nothing to publish.
 * Events: ring_produce, then ring_notify (side response), if something was
 * published.
 */
bool ring_back_push(struct ring_back *r);

/*
 * Before sleeping: ask to be notified of the next request, and then look once
 * more (RG-31).  True if there is work, so do not sleep.
 * Events: ring_final_check (side request) and, if anybody records it,
 * ring_indices.
 */
bool ring_back_final_check(struct ring_back *r);

/* Requests taken and not answered. */
static inline uint32_t ring_back_in_flight(const struct ring_back *r)
{
	return r->req_cons - r->rsp_prod_pvt;
}

/*
 * Requests published and not taken, as the frontend claims, for those who
 * watch: at most what the ring holds.  None where nothing is attached, as in
 * a lab whose ring_back_init() is still to be written.
 */
static inline uint32_t ring_back_pending(const struct ring_back *r)
{
	uint32_t pending =
		r->shared ? ring_load(&r->shared->req_prod) - r->req_cons : 0;

	return pending < r->entries ? pending : r->entries;
}

#endif
