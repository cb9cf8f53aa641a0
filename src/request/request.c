/* SPDX-License-Identifier: MIT */
#include "request/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int request_table_open(struct request_table *t, uint32_t entries,
		       const struct request_limits *limits,
		       const struct ev_origin *ev, struct why *why)
{
	uint32_t i;

	memset(t, 0, sizeof(*t));
	t->slots = calloc(entries, sizeof(*t->slots));
	if (!t->slots)
		return why_set(why, -ENOMEM, "no memory for %u requests",
			       entries);
	t->entries = entries;
	t->limits = *limits;
	t->ev = *ev;
	for (i = 0; i < entries; i++) {
		t->slots[i].next_free = t->free;
		t->free = &t->slots[i];
	}
	return 0;
}

void request_table_close(struct request_table *t)
{
	free(t->slots);
	t->slots = NULL;
	t->free = NULL;
}

struct request *request_take(struct request_table *t, struct ring_back *ring,
			     struct request_refusal *refusal)
{
	struct request *r = t->free;
	struct ring_slot slot;
	struct request_raw raw;

	/*
	 * One entry a slot, and ring_back_ready() counts no more requests
	 * than there are slots without an answer (RG-20).
	 */
	assert(r);
	t->free = r->next_free;

	ring_back_take(ring, &slot);
	request_decode(ring->abi, slot.bytes, &raw);
	r->state = REQUEST_TAKEN;
	r->seq = ++t->last_seq;
	r->id = raw.id;
	r->idx = slot.idx;
	r->op = raw.answer_op;
	r->status = RING_STATUS_OKAY;
	r->use.count = 0;
	r->use.error = 0;
	r->use.map.addr = NULL;
	t->taken++;
	ev_request_take(&t->ev, r->seq, r->id, r->idx,
			(uint16_t)(r->idx & (ring->entries - 1)), raw.op,
			raw.nr_segments, raw.sector);

	refusal->rule = NULL;
	if (request_check(&raw, &t->limits, &r->checked, refusal)) {
		r->state = REQUEST_DONE;
		r->status = refusal->status;
		t->refused++;
		ev_request_refuse(&t->ev, r->seq, r->id, raw.op, refusal->rule,
				  refusal->detail);
	} else {
		r->state = REQUEST_READY;
		ev_request_check(&t->ev, r->seq, raw.op, r->checked.off_bytes,
				 r->checked.len_bytes);
	}
	return r;
}

struct grant_use *request_use(struct request *r)
{
	const struct request_checked *c = &r->checked;
	unsigned i;

	assert(r->state == REQUEST_READY && c->pieces);
	for (i = 0; i < c->pieces; i++) {
		r->segs[i].gref = c->piece[i].gref;
		r->segs[i].off_bytes = c->piece[i].off_bytes;
		r->segs[i].len_bytes = c->piece[i].len_bytes;
	}
	r->use.seq = r->seq;
	r->use.to_guest = c->kind == REQUEST_READ;
	r->use.count = c->pieces;
	r->use.segs = r->segs;
	return &r->use;
}

void request_hold(struct request *r)
{
	const struct request_checked *c = &r->checked;
	unsigned i;

	assert(r->state == REQUEST_READY);
	for (i = 0; i < c->pieces; i++) {
		r->iov[i].iov_base = r->segs[i].data;
		r->iov[i].iov_len = r->segs[i].len_bytes;
	}
	/* The first step; request_stored() sets up the second. */
	r->io.kind = c->kind == REQUEST_READ	? DISK_READ
		     : c->kind == REQUEST_WRITE ? DISK_WRITE
						: DISK_FLUSH;
	r->state = REQUEST_HELD;
}

struct disk_op *request_store(struct request_table *t, struct request *r)
{
	const struct request_checked *c = &r->checked;

	assert(r->state == REQUEST_HELD);
	if (r->io.kind == DISK_FLUSH) {
		r->io.iov_count = 0;
		r->io.off_bytes = 0;
		r->io.len_bytes = 0;
	} else {
		r->io.iov_count = c->pieces;
		r->io.off_bytes = c->off_bytes;
		r->io.len_bytes = c->len_bytes;
	}
	r->io.iov = r->iov;
	r->io.error = 0;
	r->io.done_bytes = 0;
	r->state = REQUEST_STORED;
	ev_disk_submit(&t->ev, r->seq, (int)r->io.kind, r->io.off_bytes,
		       r->io.len_bytes);
	return &r->io;
}

bool request_stored(struct request_table *t, struct request *r)
{
	assert(r->state == REQUEST_STORED);
	ev_disk_done(&t->ev, r->seq, r->io.error);
	if (r->io.error) {
		/* RQ-44: what the storage cannot do is no I/O error. */
		r->status = r->io.error == -EOPNOTSUPP ? RING_STATUS_EOPNOTSUPP
						       : RING_STATUS_ERROR;
	} else if (r->io.kind == DISK_FLUSH && r->checked.pieces) {
		r->io.kind = DISK_WRITE;
		r->state = REQUEST_HELD;
		return false;
	}
	r->state = REQUEST_DONE;
	return true;
}

void request_fail(struct request *r, enum ring_status status)
{
	assert(r->state == REQUEST_READY || r->state == REQUEST_HELD);
	r->status = status;
	r->state = REQUEST_DONE;
}

void request_respond(struct request_table *t, struct request *r,
		     struct ring_back *ring)
{
	uint32_t idx;

	assert(r->state == REQUEST_DONE && !request_holds_pages(r));
	idx = ring_back_respond(ring, r->id, r->op, r->status);
	t->responded++;
	ev_request_respond(&t->ev, r->seq, r->id, idx,
			   (uint16_t)(idx & (ring->entries - 1)), r->op,
			   r->status);
	r->state = REQUEST_FREE;
	r->next_free = t->free;
	t->free = r;
}
