/* SPDX-License-Identifier: MIT */
/*
 * Lab 5: the backend's end of the shared ring.
 *
 * What each function owes to those who call it is said in ring/back.h; the
 * memory that both sides share is in ring/shared.h and ring/abi.h; the only
 * ways to touch an index in it are in ring/barrier.h.
 *
 * The other side may write anything into that memory at any time.  So: read
 * a thing once, into memory of your own, and decide by what you read.
 */
#include "ring/back.h"

#include <errno.h>
#include <string.h>

#include "ring/barrier.h"

void ring_back_init(struct ring_back *r, void *pages, unsigned npages,
		    enum ring_abi abi, const struct ev_origin *ev)
{
	r->shared = pages;
	r->abi = abi;
	r->entries = ring_entries(abi, npages);
	r->ev = *ev;
	/*
	 * TODO 1/7: Begin where the shared response index stands (RG-22):
	 * req_cons, rsp_prod_pvt and rsp_pushed.  Only its value matters here.
	 */
	/*
	 * Indices run free modulo 2^32, so every start is as good as 0.  What
	 * was answered before us is no request of ours.
	 */
	r->req_cons = ring_load(&r->shared->rsp_prod);
	r->rsp_prod_pvt = r->req_cons;
	r->rsp_pushed = r->req_cons;
	/* SKELETON: r->req_cons = 0; */
	/* SKELETON: r->rsp_prod_pvt = 0; */
	/* SKELETON: r->rsp_pushed = 0; */
	/* END 1 */
}

int ring_back_ready(struct ring_back *r)
{
	/*
	 * TODO 2/7: Read req_prod, once, so that the slots below it are seen
	 * after it (RG-24).  Refuse what went back (RG-22, -ESTALE), then what
	 * claims too much (RG-20, -EPROTO).  If there are requests, tell:
	 * ev_ring_consume(&r->ev, EV_SIDE_REQUEST, FROM, TO, REQ_PROD).
	 * Return how many there are.
	 */
	uint32_t prod = ring_load_acquire(&r->shared->req_prod);
	uint32_t ready = prod - r->req_cons;

	/*
	 * Modulo 2^32 an index 2 behind looks like 2^32 - 2 new requests.  No
	 * honest one lies up to a whole ring behind.
	 */
	if (ready && r->req_cons - prod <= r->entries)
		return -ESTALE;
	/* A slot is free for a request again when its response is written. */
	if (prod - r->rsp_prod_pvt > r->entries)
		return -EPROTO;
	if (ready)
		ev_ring_consume(&r->ev, EV_SIDE_REQUEST, r->req_cons, prod,
				prod);
	return (int)ready;
	/* SKELETON: (void)r; */
	/* SKELETON: return -EPROTO; */
	/* END 2 */
}

void ring_back_take(struct ring_back *r, struct ring_slot *out)
{
	/*
	 * TODO 3/7: Copy the slot of the next request into out->bytes: as many
	 * bytes as a slot of this ABI has, and once (RG-24).  Its index goes
	 * to out->idx.  Step on.  Tell:
	 * ev_ring_slot(&r->ev, INDEX, BYTES, NUMBER OF BYTES).
	 */
	uint32_t len = ring_abi_slot_bytes(r->abi);

	out->idx = r->req_cons;
	memcpy(out->bytes,
	       ring_slot_at(r->shared, r->abi, r->entries, r->req_cons), len);
	/*
	 * Whoever parses the copy reads the copy: the compiler must not find
	 * that it may as well read the guest's memory once more.
	 */
	__asm__ volatile("" : : "r"(out->bytes) : "memory");
	r->req_cons++;
	ev_ring_slot(&r->ev, out->idx, out->bytes, len);
	/* SKELETON: memset(out->bytes, 0, sizeof(out->bytes)); */
	/* SKELETON: out->idx = r->req_cons++; */
	/* END 3 */
}

/* Nothing to do here: what it returns is a reason to look properly, no more. */
bool ring_back_peek(const struct ring_back *r)
{
	return ring_load(&r->shared->req_prod) != r->req_cons;
}

uint32_t ring_back_respond(struct ring_back *r, uint64_t id, uint8_t op,
			   enum ring_status status)
{
	uint32_t idx = r->rsp_prod_pvt;
	/*
	 * TODO 4/7: Write the response into slot `idx` in the layout of this
	 * ABI (ring/abi.h): its fields, and zeroes between them (RG-29).  Step
	 * on.  Whoever calls this tells of it.
	 */
	void *slot = ring_slot_at(r->shared, r->abi, r->entries, idx);

	/* An initializer zeroes the fields that it does not name. */
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
	/* SKELETON: (void)id; */
	/* SKELETON: (void)op; */
	/* SKELETON: (void)status; */
	/* SKELETON: r->rsp_prod_pvt++; */
	/* SKELETON: return idx; */
	/* END 4 */
}

/*
 * The responses old + 1 to prod were published, counted as the index stands
 * after each; the frontend wants to be woken when it stands at `event`.
 */
static bool must_notify(uint32_t old, uint32_t prod, uint32_t event)
{
	/*
	 * TODO 5/7: Does `event` lie among them (RG-30)?  It may be far
	 * behind, or ahead, and there may be a 2^32 between any two of the
	 * three.  One comparison will do.
	 */
	/*
	 * How far back from prod is the event, and how far is old?  Both are
	 * distances on a circle; seen from prod, an event that lies ahead is
	 * nearly a whole turn back.
	 */
	return prod - event < prod - old;
	/* SKELETON: (void)old; */
	/* SKELETON: (void)prod; */
	/* SKELETON: (void)event; */
	/* SKELETON: return true; */
	/* END 5 */
}

bool ring_back_push(struct ring_back *r)
{
	uint32_t old = r->rsp_pushed;
	uint32_t prod = r->rsp_prod_pvt;
	/*
	 * TODO 6/7: If there is anything to publish: publish prod, so that the
	 * responses are seen before it, and tell:
	 * ev_ring_produce(&r->ev, EV_SIDE_RESPONSE, OLD, NEW).  And only then,
	 * in everybody's eyes, read at which response the frontend wants to be
	 * woken; decide, and tell: ev_ring_notify(&r->ev, EV_SIDE_RESPONSE,
	 * OLD, NEW, EVENT, NEEDED).
	 */
	uint32_t event;
	bool needed;

	if (prod == old)
		return false;
	ring_store_release(&r->shared->rsp_prod, prod);
	r->rsp_pushed = prod;
	ev_ring_produce(&r->ev, EV_SIDE_RESPONSE, old, prod);
	/*
	 * A frontend that falls asleep writes rsp_event, then looks at
	 * rsp_prod.  We write rsp_prod, then look at rsp_event.  With a fence
	 * on both sides at least one of the two sees the other.
	 */
	ring_fence();
	event = ring_load(&r->shared->rsp_event);
	needed = must_notify(old, prod, event);
	ev_ring_notify(&r->ev, EV_SIDE_RESPONSE, old, prod, event, needed);
	return needed;
	/* SKELETON: return must_notify(old, prod, prod); */
	/* END 6 */
}

bool ring_back_final_check(struct ring_back *r)
{
	/*
	 * TODO 7/7: Ask to be woken by the next request, and look once more
	 * (RG-31); in everybody's eyes in this order.  Tell:
	 * ev_ring_final_check(&r->ev, EV_SIDE_REQUEST, EVENT INDEX, MORE), and
	 * if ev_ring_indices_on(), all four shared indices by
	 * ev_ring_indices().  Return whether there is more.
	 */
	bool more;

	ring_store(&r->shared->req_event, r->req_cons + 1);
	/* As in ring_back_push(), with the sides changed. */
	ring_fence();
	more = ring_back_peek(r);
	ev_ring_final_check(&r->ev, EV_SIDE_REQUEST, r->req_cons + 1, more);
	if (ev_ring_indices_on())
		ev_ring_indices(&r->ev, ring_load(&r->shared->req_prod),
				ring_load(&r->shared->req_event),
				ring_load(&r->shared->rsp_prod),
				ring_load(&r->shared->rsp_event));
	return more;
	/* SKELETON: (void)r; */
	/* SKELETON: return true; */
	/* END 7 */
}
