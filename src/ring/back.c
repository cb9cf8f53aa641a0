/* SPDX-License-Identifier: MIT */
#include "ring/back.h"

#include <errno.h>
#include <string.h>

#include "ring/barrier.h"
#include "ring/notify.h"

void ring_back_init(struct ring_back *r, void *pages, unsigned npages,
		    enum ring_abi abi, const struct ev_origin *ev)
{
	uint32_t rsp_prod;

	r->shared = pages;
	r->abi = abi;
	r->entries = ring_entries(abi, npages);
	r->ev = *ev;
	/*
	 * A fresh ring begins at 0.  The frontend may have written any other
	 * number here: indices run free, so every start is as good as 0.
	 */
	rsp_prod = ring_load(&r->shared->rsp_prod);
	r->req_cons = rsp_prod;
	r->rsp_prod_pvt = rsp_prod;
	r->rsp_pushed = rsp_prod;
}

int ring_back_ready(struct ring_back *r)
{
	/* RG-24: one read, and the slots below it are seen after it. */
	uint32_t prod = ring_load_acquire(&r->shared->req_prod);
	uint32_t ready = prod - r->req_cons;

	/* RG-22: what went back is not 2^32 - n new requests. */
	if (ready && r->req_cons - prod <= r->entries)
		return -ESTALE;
	/* RG-20 */
	if (prod - r->rsp_prod_pvt > r->entries)
		return -EPROTO;
	if (ready)
		ev_ring_consume(&r->ev, EV_SIDE_REQUEST, r->req_cons, prod,
				prod);
	return (int)ready;
}

bool ring_back_peek(const struct ring_back *r)
{
	return ring_load(&r->shared->req_prod) != r->req_cons;
}

void ring_back_take(struct ring_back *r, struct ring_slot *out)
{
	uint32_t len = ring_abi_slot_bytes(r->abi);

	out->idx = r->req_cons;
	/*
	 * The one fetch of this slot.  The compiler may not read the guest's
	 * memory again when the copy is parsed.
	 */
	memcpy(out->bytes,
	       ring_slot_at(r->shared, r->abi, r->entries, r->req_cons), len);
	__asm__ volatile("" : : "r"(out->bytes) : "memory");
	r->req_cons++;
	ev_ring_slot(&r->ev, out->idx, out->bytes, len);
}

uint32_t ring_back_respond(struct ring_back *r, uint64_t id, uint8_t op,
			   enum ring_status status)
{
	uint32_t idx = r->rsp_prod_pvt;
	void *slot = ring_slot_at(r->shared, r->abi, r->entries, idx);

	if (r->abi == RING_ABI_X86_64) {
		struct ring_response_x86_64 rsp = { .id = id,
						    .operation = op,
						    .status = (int16_t)status };

		memcpy(slot, &rsp, sizeof(rsp));
	} else {
		struct ring_response_x86_32 rsp = { .id = id,
						    .operation = op,
						    .status = (int16_t)status };

		memcpy(slot, &rsp, sizeof(rsp));
	}
	r->rsp_prod_pvt++;
	return idx;
}

bool ring_back_push(struct ring_back *r)
{
	uint32_t old = r->rsp_pushed;
	uint32_t prod = r->rsp_prod_pvt;
	uint32_t event;
	bool needed;

	if (prod == old)
		return false;
	/* The responses must be seen before the index that covers them. */
	ring_store_release(&r->shared->rsp_prod, prod);
	r->rsp_pushed = prod;
	ev_ring_produce(&r->ev, EV_SIDE_RESPONSE, old, prod);

	/* The index must be seen before we look whether anyone sleeps. */
	ring_fence();
	event = ring_load(&r->shared->rsp_event);
	needed = ring_must_notify(old, prod, event);
	ev_ring_notify(&r->ev, EV_SIDE_RESPONSE, old, prod, event, needed);
	return needed;
}

bool ring_back_final_check(struct ring_back *r)
{
	bool more;

	ring_store(&r->shared->req_event, r->req_cons + 1);
	/* The frontend must see that we sleep before we look again. */
	ring_fence();
	more = ring_back_peek(r);
	ev_ring_final_check(&r->ev, EV_SIDE_REQUEST, r->req_cons + 1, more);
	if (ev_ring_indices_on())
		ev_ring_indices(&r->ev, ring_load(&r->shared->req_prod),
				ring_load(&r->shared->req_event),
				ring_load(&r->shared->rsp_prod),
				ring_load(&r->shared->rsp_event));
	return more;
}
