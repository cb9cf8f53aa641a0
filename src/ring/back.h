/* SPDX-License-Identifier: MIT */
/* The backend's end of the shared ring: takes requests, gives responses. */
#ifndef RING_BACK_H
#define RING_BACK_H

#include "ring/shared.h"
#include "trace/emit.h"

struct ring_back {
	struct ring_shared *shared;
	enum ring_abi abi;
	uint32_t entries;
	uint32_t req_cons;     /* requests taken */
	uint32_t rsp_prod_pvt; /* responses written */
	uint32_t rsp_pushed;   /* responses published */
	struct ev_origin ev;
};

/*
 * Attach to the mapped ring; begins where the shared response index stands
 * (0 for a fresh ring).
 */
void ring_back_init(struct ring_back *r, void *pages, unsigned npages,
		    enum ring_abi abi, const struct ev_origin *ev);

/*
 * How many requests may be taken now: reads req_prod once (RG-24).
 * -EPROTO if it claims more than the ring holds (RG-20), -ESTALE if it went
 * back (RG-22): then this ring must never be read again.
 */
int ring_back_ready(struct ring_back *r);

/* Copy the next request out; only after ring_back_ready() counted it. */
void ring_back_take(struct ring_back *r, struct ring_slot *out);

/* True if req_prod has moved since it was last taken: worth a turn. */
bool ring_back_peek(const struct ring_back *r);

/*
 * Write one response into the next response slot; nothing but its fields
 * and zeroes reaches the guest (RG-29, XSA-216).  Not visible until pushed.
 * Returns the free-running index.
 */
uint32_t ring_back_respond(struct ring_back *r, uint64_t id, uint8_t op,
			   enum ring_status status);

/*
 * Publish all responses written.  True if the frontend asked to be notified
 * of one of them (RG-30).  False also if there was nothing to publish.
 */
bool ring_back_push(struct ring_back *r);

/*
 * Before sleeping: ask to be notified of the next request and look once more
 * (RG-31).  True if there is work, so do not sleep.
 */
bool ring_back_final_check(struct ring_back *r);

/* Requests taken and not answered. */
static inline uint32_t ring_back_in_flight(const struct ring_back *r)
{
	return r->req_cons - r->rsp_prod_pvt;
}

#endif
