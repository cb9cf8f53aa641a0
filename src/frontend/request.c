/* SPDX-License-Identifier: MIT */
#include "frontend/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "frontend/slot.h"

#define ID_INDEX_BITS 16

/* ---- ids ------------------------------------------------------------------
 */

/* Two odd multipliers and their inverses modulo 2^64. */
#define MIX_A	      0xd6e8feb86659fd93u
#define MIX_A_INVERSE 0xcfee444d8b59a89bu

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= MIX_A;
	x ^= x >> 32;
	x *= MIX_A;
	return x ^ x >> 32;
}

static uint64_t unmix(uint64_t x)
{
	x ^= x >> 32;
	x *= MIX_A_INVERSE;
	x ^= x >> 32;
	x *= MIX_A_INVERSE;
	return x ^ x >> 32;
}

uint64_t front_request_id(uint64_t key, uint64_t seq, unsigned index)
{
	return mix((seq << ID_INDEX_BITS | index) ^ key);
}

void front_request_id_split(uint64_t key, uint64_t id, uint64_t *seq,
			    unsigned *index)
{
	uint64_t plain = unmix(id) ^ key;

	*seq = plain >> ID_INDEX_BITS;
	*index = plain & ((1u << ID_INDEX_BITS) - 1);
}

/* ---- on the way there -----------------------------------------------------
 */

/*
 * How much of `io` the next request carries, and in how many pages.  Data
 * lies in its pages as it would in a page cache: a sector's place in the page
 * follows from its place on the disk, so an unaligned beginning costs a part
 * of the first page.
 */
static void request_part(const struct front_queue *q, const struct front_io *io,
			 struct front_request *r)
{
	uint32_t rest = io->len_bytes - io->put_bytes;
	uint64_t off = io->off_bytes + io->put_bytes;
	/* RQ-36: only reads and writes may be indirect. */
	uint32_t segs = io->op == RING_OP_BARRIER ? RING_SEGS_MAX : q->segs_max;
	uint32_t room;

	r->op = (uint8_t)io->op;
	r->off_bytes = io->put_bytes;
	r->len_bytes = rest;
	r->first_bytes = off & (XEN_PAGE_SIZE - 1);
	r->segments = 0;
	if (!rest || io->op == RING_OP_DISCARD)
		return; /* it has no data */
	room = segs * XEN_PAGE_SIZE - r->first_bytes;
	if (rest > room)
		r->len_bytes = room;
	r->segments =
		(uint16_t)((r->first_bytes + r->len_bytes - 1) / XEN_PAGE_SIZE +
			   1);
}

static unsigned request_lists(const struct front_request *r)
{
	if (r->segments <= RING_SEGS_MAX)
		return 0;
	return (r->segments + RING_LIST_SEGS - 1) / RING_LIST_SEGS;
}

static bool request_writes(const struct front_request *r)
{
	return r->op == RING_OP_WRITE || r->op == RING_OP_BARRIER;
}

/* The pages for data and segments; all or none. */
static int request_pages(struct front_queue *q, struct front_request *r)
{
	/* A write's pages are only read by the backend (GR-49). */
	int err = front_pool_take(q, r->segments, request_writes(r), &r->data);

	if (err)
		return err;
	err = front_pool_take(q, request_lists(r), true, &r->list);
	if (err)
		front_pool_give(q, &r->data);
	return err;
}

/* Between the caller's memory and the pages. */
static void request_copy(struct front_request *r, uint8_t *buf, bool to_pages)
{
	uint32_t left = r->len_bytes, in_page = r->first_bytes;

	buf += r->off_bytes;
	for (struct front_page *p = r->data; left; p = p->next) {
		uint32_t n = XEN_PAGE_SIZE - in_page;

		if (n > left)
			n = left;
		if (to_pages)
			memcpy(p->addr + in_page, buf, n);
		else
			memcpy(buf, p->addr + in_page, n);
		buf += n;
		left -= n;
		in_page = 0;
	}
}

/* Where segment `i` is written: in the slot, or in the list's pages. */
static struct ring_segment *segment_at(const struct front_request *r,
				       struct front_slot *slot, unsigned i)
{
	const struct front_page *p = r->list;

	if (!p)
		return &slot->seg[i];
	for (; i >= RING_LIST_SEGS; i -= RING_LIST_SEGS)
		p = p->next;
	return (struct ring_segment *)(void *)p->addr + i;
}

static void request_segments(const struct front_queue *q,
			     const struct front_request *r,
			     struct front_slot *slot)
{
	uint32_t left = r->len_bytes, in_page = r->first_bytes;
	const struct front_page *p;
	unsigned i;

	for (i = 0, p = r->data; p; p = p->next, i++) {
		uint32_t n = XEN_PAGE_SIZE - in_page;

		if (n > left)
			n = left;
		*segment_at(r, slot, i) = (struct ring_segment){
			.gref = p->gref,
			.first_sect = (uint8_t)(in_page / q->unit_bytes),
			.last_sect =
				(uint8_t)((in_page + n) / q->unit_bytes - 1),
		};
		left -= n;
		in_page = 0;
	}
	for (i = 0, p = r->list; p; p = p->next, i++)
		slot->list_gref[i] = p->gref;
}

int front_request_put(struct front_queue *q, struct front_request *r,
		      struct front_io *io)
{
	uint8_t bytes[RING_SLOT_MAX];
	struct front_slot slot = { 0 };
	uint32_t idx;
	int err;

	request_part(q, io, r);
	err = request_pages(q, r);
	if (err)
		return err;
	if (request_writes(r))
		request_copy(r, io->buf, true);

	r->seq = ++q->seq;
	r->id = front_request_id(q->id_key, r->seq, (unsigned)(r - q->table));
	r->io = io;
	io->put_bytes += r->len_bytes;
	io->parts++;
	q->in_flight++;
	q->indirects += r->list != NULL;

	slot.op = r->list ? RING_OP_INDIRECT : r->op;
	slot.inner_op = r->op;
	slot.segments = r->segments;
	slot.handle = (uint16_t)q->ev.devid; /* RQ-45: tells nothing */
	slot.id = r->id;
	slot.sector = (io->off_bytes + r->off_bytes) / q->unit_bytes;
	if (r->op == RING_OP_DISCARD)
		slot.discard_sectors = r->len_bytes / q->unit_bytes;
	request_segments(q, r, &slot);
	front_slot_encode(q->ring.abi, &slot, bytes);
	idx = ring_front_put(&q->ring, bytes);
	ev_request_push(&q->ev, r->seq, r->id, idx,
			(uint16_t)(idx & (q->ring.entries - 1)), slot.op,
			r->segments, slot.sector, r->len_bytes);
	return 0;
}

/* ---- and back -------------------------------------------------------------
 */

static int fault(struct front_queue *q, const char *rule, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fault(struct front_queue *q, const char *rule, const char *fmt, ...)
{
	char detail[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	return front_queue_fault(q, rule, detail);
}

/* The request that a response is for, or NULL with the fault told. */
static struct front_request *response_find(struct front_queue *q,
					   const struct ring_response *rsp)
{
	struct front_request *r;
	unsigned index;
	uint64_t seq;

	front_request_id_split(q->id_key, rsp->id, &seq, &index);
	if (seq == 0 || seq > q->seq || index >= q->requests) {
		fault(q, "RG-26",
		      "response %u carries id %#llx, which no request ever had",
		      rsp->idx, (unsigned long long)rsp->id);
		return NULL;
	}
	r = &q->table[index];
	if (!r->io || r->id != rsp->id) {
		fault(q, "RG-25",
		      "response %u answers request %llu (id %#llx) a second "
		      "time",
		      rsp->idx, (unsigned long long)seq,
		      (unsigned long long)rsp->id);
		return NULL;
	}
	return r;
}

static int response_check(struct front_queue *q, const struct front_request *r,
			  const struct ring_response *rsp, uint64_t padding)
{
	if (rsp->operation != r->op)
		return fault(q, "RG-27",
			     "response %u to request %llu names operation %u, "
			     "the request was %u",
			     rsp->idx, (unsigned long long)r->seq,
			     rsp->operation, r->op);
	if (rsp->status < RING_STATUS_EOPNOTSUPP ||
	    rsp->status > RING_STATUS_OKAY)
		return fault(q, "RG-28",
			     "response %u to request %llu has status %d, "
			     "which is none of 0, -1 and -2",
			     rsp->idx, (unsigned long long)r->seq, rsp->status);
	if (padding)
		return fault(q, "RG-29",
			     "response %u to request %llu leaves %#llx in its "
			     "padding",
			     rsp->idx, (unsigned long long)r->seq,
			     (unsigned long long)padding);
	return 0;
}

/* All its pages back; a grant that is still mapped is a fault. */
static int response_release(struct front_queue *q, struct front_request *r,
			    const struct ring_response *rsp)
{
	struct front_page *busy = NULL;

	if (front_pool_give(q, &r->data))
		busy = r->data;
	else if (front_pool_give(q, &r->list))
		busy = r->list;
	if (!busy)
		return 0;
	return fault(q, "GR-46",
		     "response %u to request %llu came while its grant %u was "
		     "still mapped",
		     rsp->idx, (unsigned long long)r->seq, busy->gref);
}

int front_request_take(struct front_queue *q, struct front_io **done)
{
	uint8_t raw[RING_SLOT_MAX];
	struct ring_response rsp;
	struct front_request *r;
	struct front_io *io;
	int err;

	*done = NULL;
	/* The padding is no field that ring_front_take() would give us. */
	ring_front_peek(&q->ring, q->ring.rsp_cons, raw,
			front_slot_response_bytes(q->ring.abi));
	ring_front_take(&q->ring, &rsp);
	r = response_find(q, &rsp);
	ev_request_complete(&q->ev, r ? r->seq : 0, rsp.id, rsp.idx,
			    (uint16_t)(rsp.idx & (q->ring.entries - 1)),
			    rsp.status);
	if (!r)
		return -EPROTO;
	err = response_check(q, r, &rsp, front_slot_padding(q->ring.abi, raw));
	if (err)
		return err;

	/*
	 * The pages are copied before they are given back: their content is
	 * the request's until then.
	 */
	io = r->io;
	if (rsp.status == RING_STATUS_OKAY && r->op == RING_OP_READ)
		request_copy(r, io->buf, false);
	err = response_release(q, r, &rsp);
	if (err)
		return err;
	if (rsp.status == RING_STATUS_ERROR && !io->error)
		io->error = -EIO;
	else if (rsp.status == RING_STATUS_EOPNOTSUPP && !io->error)
		io->error = -EOPNOTSUPP;
	r->io = NULL;
	r->next_free = q->free;
	q->free = r;
	q->in_flight--;
	q->responses++;
	if (!--io->parts && io->put_bytes == io->len_bytes)
		*done = io;
	return 0;
}
