/* SPDX-License-Identifier: MIT */
#include "request/request.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/inject.h"

int request_table_open(struct request_table *t, uint32_t entries,
		       const struct request_limits *limits,
		       const struct ev_origin *ev, struct why *why)
{
	size_t segs = request_segs_max(limits);
	uint32_t i;

	memset(t, 0, sizeof(*t));
	t->slots = calloc(entries, sizeof(*t->slots));
	t->segs = calloc(entries * segs, sizeof(*t->segs));
	t->iov = calloc(entries * segs, sizeof(*t->iov));
	t->list = calloc(segs, sizeof(*t->list));
	if (!t->slots || !t->segs || !t->iov || !t->list) {
		request_table_close(t);
		return why_set(why, -ENOMEM,
			       "no memory for %u requests of %zu segments",
			       entries, segs);
	}
	t->entries = entries;
	t->limits = *limits;
	t->ev = *ev;
	for (i = 0; i < entries; i++) {
		t->slots[i].segs = t->segs + i * segs;
		t->slots[i].iov = t->iov + i * segs;
		t->slots[i].next = t->free;
		t->free = &t->slots[i];
	}
	return 0;
}

void request_table_close(struct request_table *t)
{
	free(t->slots);
	free(t->segs);
	free(t->iov);
	free(t->list);
	memset(t, 0, sizeof(*t));
}

/* ---- taking ------------------------------------------------------------- */

static void request_refused(struct request_table *t, struct request *r,
			    uint8_t op, const struct request_refusal *refusal)
{
	r->state = REQUEST_DONE;
	r->status = refusal->status;
	r->refused = true;
	t->refused++;
	ev_request_refuse(&t->ev, r->seq, r->id, op, refusal->rule,
			  refusal->detail);
}

static void request_accepted(struct request_table *t, struct request *r,
			     uint8_t op)
{
	const struct request_checked *c = &r->checked;
	struct request_refusal odd;

	r->state = REQUEST_READY;
	ev_request_check(&t->ev, r->seq, op, c->off_bytes, c->len_bytes);
	if (c->kind != REQUEST_DISCARD ||
	    request_discard_fits(c, &t->limits, &odd))
		return;
	t->tolerated++;
	ev_request_tolerate(&t->ev, r->seq, r->id, op, odd.rule, odd.detail);
}

void request_shares(struct request_table *t, const struct request *r)
{
	char detail[64];

	t->tolerated++;
	snprintf(detail, sizeof(detail),
		 "grant %u is in use by another request", r->use.shared_gref);
	ev_request_tolerate(&t->ev, r->seq, r->id, r->op, "GR-48", detail);
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
	t->free = r->next;

	ring_back_take(ring, &slot);
	request_decode(ring->abi, slot.bytes, &raw);
	r->state = REQUEST_TAKEN;
	r->seq = ++t->last_seq;
	r->id = raw.id;
	r->idx = slot.idx;
	r->op = raw.answer_op;
	r->status = RING_STATUS_OKAY;
	r->step = 0;
	r->refused = false;
	r->use.count = 0;
	r->use.error = 0;
	r->use.map.addr = NULL;
	t->taken++;
	ev_request_take(&t->ev, r->seq, r->id, r->idx,
			(uint16_t)(r->idx & (ring->entries - 1)), raw.op,
			raw.nr_segments, raw.sector);

	refusal->rule = NULL;
	if (request_check(&raw, &t->limits, &r->checked, r->segs, refusal))
		request_refused(t, r, raw.op, refusal);
	else if (r->checked.list_pages)
		r->state = REQUEST_LISTED;
	else
		request_accepted(t, r, raw.op);
	return r;
}

struct grant_use *request_list_use(struct request *r)
{
	unsigned n = r->checked.list_pages;

	assert(r->state == REQUEST_LISTED);
	/* A place of their own: the pieces of data take the other one. */
	memcpy(r->list, r->segs, n * sizeof(*r->list));
	r->use.seq = r->seq;
	r->use.to_guest = false;
	r->use.count = n;
	r->use.segs = r->list;
	return &r->use;
}

void request_list_read(struct request_table *t, struct request *r,
		       struct request_refusal *refusal)
{
	uint8_t *to = (uint8_t *)t->list;
	unsigned i, n = r->checked.list_pages;

	assert(r->state == REQUEST_LISTED);
	refusal->rule = NULL;
	if (r->use.error) {
		r->state = REQUEST_DONE;
		r->status = RING_STATUS_ERROR;
		return;
	}
	for (i = 0; i < n; i++, to += XEN_PAGE_SIZE)
		memcpy(to, r->list[i].data, r->list[i].len_bytes);
	/* The one fetch, as with a slot (RG-24). */
	__asm__ volatile("" : : "r"(t->list) : "memory");
	ev_request_list(&t->ev, r->seq, n, r->checked.pieces);
	if (request_check_list(t->list, &t->limits, &r->checked, r->segs,
			       refusal))
		request_refused(t, r, RING_OP_INDIRECT, refusal);
	else
		request_accepted(t, r,
				 r->checked.kind == REQUEST_READ
					 ? RING_OP_READ
					 : RING_OP_WRITE);
}

/* ---- its way through grants and storage --------------------------------- */

struct grant_use *request_use(struct request *r)
{
	const struct request_checked *c = &r->checked;

	assert(r->state == REQUEST_READY && c->pieces);
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
	r->state = REQUEST_HELD;
}

/*
 * What each kind takes of the storage: the first, and if it carries data the
 * others.  A barrier's data is on the disk before anything after it (RQ-42).
 */
static const struct {
	unsigned steps;
	enum disk_op_kind step[3];
} plan[] = {
	[REQUEST_READ] = { 1, { DISK_READ } },
	[REQUEST_WRITE] = { 1, { DISK_WRITE } },
	[REQUEST_FLUSH] = { 2, { DISK_FLUSH, DISK_WRITE } },
	[REQUEST_BARRIER] = { 3, { DISK_FLUSH, DISK_WRITE, DISK_FLUSH } },
	[REQUEST_DISCARD] = { 1, { DISK_DISCARD } },
};

struct disk_op *request_store(struct request_table *t, struct request *r)
{
	const struct request_checked *c = &r->checked;

	assert(r->state == REQUEST_HELD);
	r->io.kind = plan[c->kind].step[r->step];
	if (r->io.kind == DISK_FLUSH) {
		r->io.iov_count = 0;
		r->io.off_bytes = 0;
		r->io.len_bytes = 0;
	} else {
		r->io.iov_count = c->pieces;
		r->io.off_bytes = c->off_bytes;
		r->io.len_bytes = c->len_bytes;
	}
	r->io.secure = c->secure;
	r->io.iov = r->iov;
	r->io.error = 0;
	r->io.injected = 0;
	r->io.done_bytes = 0;
	r->state = REQUEST_STORED;
	ev_disk_submit(&t->ev, r->seq, (int)r->io.kind, r->io.off_bytes,
		       r->io.len_bytes);
	return &r->io;
}

static void request_injected(struct request_table *t, const struct request *r)
{
	char words[DISK_INJECTED_WORDS];

	if (!r->io.injected || !ev_disk_inject_on())
		return;
	disk_injected_words(r->io.injected, words);
	ev_disk_inject(&t->ev, r->seq, words, r->io.inject_rules,
		       r->io.held_ns);
}

bool request_stored(struct request_table *t, struct request *r)
{
	assert(r->state == REQUEST_STORED);
	request_injected(t, r);
	ev_disk_done(&t->ev, r->seq, r->io.error);
	if (r->io.error) {
		/* RQ-44: what the storage cannot do is no I/O error. */
		r->status = r->io.error == -EOPNOTSUPP ? RING_STATUS_EOPNOTSUPP
						       : RING_STATUS_ERROR;
	} else if (r->checked.pieces &&
		   ++r->step < plan[r->checked.kind].steps) {
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
		     struct ring_back *ring, uint64_t took_ns)
{
	uint32_t idx;

	assert(r->state == REQUEST_DONE && !request_holds_pages(r));
	idx = ring_back_respond(ring, r->id, r->op, r->status);
	t->responded++;
	ev_request_respond(&t->ev, r->seq, r->id, idx,
			   (uint16_t)(idx & (ring->entries - 1)), r->op,
			   r->status, took_ns);
	r->state = REQUEST_FREE;
	r->next = t->free;
	t->free = r;
}
