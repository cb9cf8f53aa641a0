/* SPDX-License-Identifier: MIT */
#include "ring/front.h"

#include <errno.h>
#include <string.h>

#include "ring/barrier.h"
#include "ring/notify.h"

void ring_front_init(struct ring_front *r, void *pages, unsigned npages,
		     enum ring_abi abi, const struct ev_origin *ev)
{
	r->shared = pages;
	r->abi = abi;
	r->entries = ring_entries(abi, npages);
	r->req_prod_pvt = 0;
	r->req_pushed = 0;
	r->rsp_cons = 0;
	r->ev = *ev;
	memset(r->shared, 0, RING_HEADER_BYTES);
	ring_store(&r->shared->req_event, 1);
	ring_store(&r->shared->rsp_event, 1);
}

uint32_t ring_front_put(struct ring_front *r, const void *bytes)
{
	uint32_t idx = r->req_prod_pvt++;

	memcpy(ring_slot_at(r->shared, r->abi, r->entries, idx), bytes,
	       ring_abi_slot_bytes(r->abi));
	return idx;
}

bool ring_front_push(struct ring_front *r)
{
	uint32_t old = r->req_pushed;
	uint32_t prod = r->req_prod_pvt;
	uint32_t event;
	bool needed;

	if (prod == old)
		return false;
	/* The requests must be seen before the index that covers them. */
	ring_store_release(&r->shared->req_prod, prod);
	r->req_pushed = prod;
	ev_ring_produce(&r->ev, EV_SIDE_REQUEST, old, prod);

	/* The index must be seen before we look whether anyone sleeps. */
	ring_fence();
	event = ring_load(&r->shared->req_event);
	needed = ring_must_notify(old, prod, event);
	ev_ring_notify(&r->ev, EV_SIDE_REQUEST, old, prod, event, needed);
	return needed;
}

int ring_front_ready(struct ring_front *r)
{
	/* The responses below the index are seen after it. */
	uint32_t prod = ring_load_acquire(&r->shared->rsp_prod);
	uint32_t ready = prod - r->rsp_cons;

	if (ready > r->req_pushed - r->rsp_cons)
		return -EPROTO;
	if (ready)
		ev_ring_consume(&r->ev, EV_SIDE_RESPONSE, r->rsp_cons, prod,
				prod);
	return (int)ready;
}

void ring_front_take(struct ring_front *r, struct ring_response *out)
{
	const void *slot =
		ring_slot_at(r->shared, r->abi, r->entries, r->rsp_cons);

	out->idx = r->rsp_cons;
	if (r->abi == RING_ABI_X86_64) {
		struct ring_response_x86_64 rsp;

		memcpy(&rsp, slot, sizeof(rsp));
		out->id = rsp.id;
		out->operation = rsp.operation;
		out->status = rsp.status;
	} else {
		struct ring_response_x86_32 rsp;

		memcpy(&rsp, slot, sizeof(rsp));
		out->id = rsp.id;
		out->operation = rsp.operation;
		out->status = rsp.status;
	}
	r->rsp_cons++;
}

bool ring_front_final_check(struct ring_front *r)
{
	bool more;

	ring_store(&r->shared->rsp_event, r->rsp_cons + 1);
	/* The backend must see that we sleep before we look again. */
	ring_fence();
	more = ring_load(&r->shared->rsp_prod) != r->rsp_cons;
	ev_ring_final_check(&r->ev, EV_SIDE_RESPONSE, r->rsp_cons + 1, more);
	return more;
}

void ring_front_set_req_prod(struct ring_front *r, uint32_t req_prod)
{
	ring_store_release(&r->shared->req_prod, req_prod);
}

void ring_front_peek(struct ring_front *r, uint32_t idx, void *bytes,
		     size_t len)
{
	memcpy(bytes, ring_slot_at(r->shared, r->abi, r->entries, idx), len);
}
