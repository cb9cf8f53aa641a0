/* SPDX-License-Identifier: MIT */
#include "frontend/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "xen/desk/guest.h"

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

/* ---- grants ---------------------------------------------------------------
 */

int front_grant(struct front_queue *q, const void *page, bool readonly)
{
	int gref = desk_guest_grant(q->host, q->backend_id, page, readonly);

	if (gref < 0)
		return gref;
	if (ev_grant_access_on()) {
		size_t off = (size_t)((const uint8_t *)page - q->memory);

		ev_grant_access(&q->ev, (uint32_t)gref, !readonly,
				off >> XEN_PAGE_SHIFT);
	}
	return gref;
}

int front_grant_end(struct front_queue *q, uint32_t gref)
{
	int err = desk_guest_grant_end(q->host, gref);

	ev_grant_end(&q->ev, gref, err == -EBUSY);
	return err;
}

/* ---- on the way there -----------------------------------------------------
 */

/*
 * How much of `io` the next request carries.  Data lies in its pages as it
 * would in a page cache: a sector's place in the page follows from its place
 * on the disk, so an unaligned beginning costs a part of the first page.
 */
static uint32_t request_part(const struct front_io *io, uint16_t *first_bytes)
{
	uint32_t rest = io->len_bytes - io->put_bytes;
	uint64_t off = io->off_bytes + io->put_bytes;
	uint32_t room;

	*first_bytes = off & (XEN_PAGE_SIZE - 1);
	room = RING_SEGS_MAX * XEN_PAGE_SIZE - *first_bytes;
	return rest < room ? rest : room;
}

/* Grant the pages that carry data; all or none. */
static int request_grant(struct front_queue *q, struct front_request *r,
			 struct ring_segment *seg)
{
	uint32_t left = r->len_bytes;
	uint32_t in_page = r->first_bytes;
	unsigned i;

	for (i = 0; left; i++) {
		uint32_t n = XEN_PAGE_SIZE - in_page;
		/* A write's page is only read by the backend (GR-49). */
		int gref = front_grant(q, r->pages + i * XEN_PAGE_SIZE,
				       r->op == RING_OP_WRITE);

		if (gref < 0) {
			while (i--) {
				front_grant_end(q, r->gref[i]);
				r->gref[i] = FRONT_NO_GRANT;
			}
			return gref;
		}
		if (n > left)
			n = left;
		r->gref[i] = (uint32_t)gref;
		seg[i].gref = (uint32_t)gref;
		seg[i].first_sect = (uint8_t)(in_page / q->unit_bytes);
		seg[i].last_sect = (uint8_t)((in_page + n) / q->unit_bytes - 1);
		left -= n;
		in_page = 0;
	}
	r->segments = (uint8_t)i;
	return 0;
}

int front_request_put(struct front_queue *q, struct front_request *r,
		      struct front_io *io)
{
	struct ring_request_x86_64 slot = { 0 };
	uint32_t idx;
	int err;

	r->op = (uint8_t)io->op;
	r->off_bytes = io->put_bytes;
	r->len_bytes = request_part(io, &r->first_bytes);
	if (r->op == RING_OP_WRITE)
		memcpy(r->pages + r->first_bytes, io->buf + r->off_bytes,
		       r->len_bytes);
	err = request_grant(q, r, slot.seg);
	if (err)
		return err;

	r->seq = ++q->seq;
	r->id = front_request_id(q->id_key, r->seq, (unsigned)(r - q->table));
	r->io = io;
	io->put_bytes += r->len_bytes;
	io->parts++;
	q->in_flight++;

	slot.operation = r->op;
	slot.nr_segments = r->segments;
	slot.handle = (uint16_t)q->ev.devid; /* RQ-45: tells nothing */
	slot.id = r->id;
	slot.sector_number = (io->off_bytes + r->off_bytes) / q->unit_bytes;
	idx = ring_front_put(&q->ring, &slot);
	ev_request_push(&q->ev, r->seq, r->id, idx,
			(uint16_t)(idx & (q->ring.entries - 1)), r->op,
			r->segments, slot.sector_number, r->len_bytes);
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
			  const struct ring_response *rsp,
			  const struct ring_response_x86_64 *raw)
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
	if (raw->pad0 || raw->pad1)
		return fault(q, "RG-29",
			     "response %u to request %llu leaves %#x and %#x "
			     "in its padding",
			     rsp->idx, (unsigned long long)r->seq, raw->pad0,
			     raw->pad1);
	return 0;
}

int front_request_take(struct front_queue *q, struct front_io **done)
{
	struct ring_response_x86_64 raw;
	struct ring_response rsp;
	struct front_request *r;
	struct front_io *io;
	unsigned i;
	int err;

	*done = NULL;
	/* The padding is no field that ring_front_take() would give us. */
	ring_front_peek(&q->ring, q->ring.rsp_cons, &raw, sizeof(raw));
	ring_front_take(&q->ring, &rsp);
	r = response_find(q, &rsp);
	ev_request_complete(&q->ev, r ? r->seq : 0, rsp.id, rsp.idx,
			    (uint16_t)(rsp.idx & (q->ring.entries - 1)),
			    rsp.status);
	if (!r)
		return -EPROTO;
	err = response_check(q, r, &rsp, &raw);
	if (err)
		return err;
	for (i = 0; i < r->segments; i++) {
		if (front_grant_end(q, r->gref[i]) == -EBUSY)
			return fault(q, "GR-46",
				     "response %u to request %llu came while "
				     "its grant %u was still mapped",
				     rsp.idx, (unsigned long long)r->seq,
				     r->gref[i]);
		r->gref[i] = FRONT_NO_GRANT;
	}

	io = r->io;
	if (rsp.status == RING_STATUS_OKAY && r->op == RING_OP_READ)
		memcpy(io->buf + r->off_bytes, r->pages + r->first_bytes,
		       r->len_bytes);
	else if (rsp.status == RING_STATUS_ERROR && !io->error)
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
