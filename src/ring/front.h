/* SPDX-License-Identifier: MIT */
/* The frontend's end of the shared ring: gives requests, takes responses. */
#ifndef RING_FRONT_H
#define RING_FRONT_H

#include "ring/shared.h"
#include "trace/emit.h"

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
