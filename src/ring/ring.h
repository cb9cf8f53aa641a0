/* SPDX-License-Identifier: MIT */
/*
 * The shared ring of blkif (xen/io/ring.h), from both ends.
 *
 * One page or several consecutive ones hold four indices and then slots; a
 * slot is a request on the way there and a response on the way back.
 * Indices run free modulo 2^32.  The memory is shared with a peer that may
 * write anything at any time: it has a type of its own here, is touched by
 * this layer only, and a slot leaves it by one copy (RG-24, XSA-155).
 *
 * Neither end allocates or locks: one thread owns an end.
 */
#ifndef RING_RING_H
#define RING_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring/abi.h"
#include "trace/emit.h"

struct ring_shared; /* the peer's memory */

/* What one slot held when it was copied. */
struct ring_slot {
	uint32_t idx; /* free-running index */
	uint8_t bytes[RING_SLOT_MAX] __attribute__((aligned(8)));
};

/* Number of slots in `pages` pages: a power of two (32 in one page). */
uint32_t ring_entries(enum ring_abi abi, unsigned pages);

/* ---- the backend's end -------------------------------------------------- */

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
 * -EPROTO if it claims more than the ring holds (RG-20): then this ring must
 * never be read again.
 */
int ring_back_ready(struct ring_back *r);

/* Copy the next request out; only after ring_back_ready() counted it. */
void ring_back_take(struct ring_back *r, struct ring_slot *out);

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

/* ---- the frontend's end ------------------------------------------------- */

struct ring_front {
	struct ring_shared *shared;
	enum ring_abi abi;
	uint32_t entries;
	uint32_t req_prod_pvt; /* requests written */
	uint32_t req_pushed;   /* requests published */
	uint32_t rsp_cons;     /* responses taken */
	struct ev_origin ev;
};

/* Lay out a fresh ring in zeroed pages (SHARED_RING_INIT). */
void ring_front_init(struct ring_front *r, void *pages, unsigned npages,
		     enum ring_abi abi, const struct ev_origin *ev);

/* Free slots for requests. */
static inline uint32_t ring_front_room(const struct ring_front *r)
{
	return r->entries - (r->req_prod_pvt - r->rsp_cons);
}

/*
 * Write one raw request (`bytes`, as long as the ABI's slot) into the next
 * slot; not visible until pushed.  Returns the free-running index.
 */
uint32_t ring_front_put(struct ring_front *r, const void *bytes);

/* Publish; true if the backend asked to be notified. */
bool ring_front_push(struct ring_front *r);

/* How many responses may be taken; -EPROTO if more than are in flight. */
int ring_front_ready(struct ring_front *r);

struct ring_response {
	uint32_t idx;
	uint64_t id;
	uint8_t operation;
	int16_t status;
};

void ring_front_take(struct ring_front *r, struct ring_response *out);
bool ring_front_final_check(struct ring_front *r);

/*
 * For hostile frontends: publish any req_prod, and read what stands in a
 * slot byte by byte.
 */
void ring_front_set_req_prod(struct ring_front *r, uint32_t req_prod);
void ring_front_peek(struct ring_front *r, uint32_t idx, void *bytes,
		     size_t len);

#endif
