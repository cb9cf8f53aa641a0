/* SPDX-License-Identifier: MIT */
/*
 * A slot of any bytes, in each layout: what is accepted is what the rules
 * allow and lies inside disk and pages, what is not names its rule, and
 * either way there is one response with the request's id.
 *
 * Input: three bytes of limits (see limits_take()), one of layout, a slot.
 */
#include <errno.h>

#include "base/log.h"
#include "fuzz.h"
#include "model.h"
#include "request/request.h"
#include "ring/front.h"

#include <xen/io/blkif.h>

#define SEGS_MOST 4096u /* RING_LIST_PAGES_MAX full ones */

static uint8_t ring_page[XEN_PAGE_SIZE] __attribute__((aligned(4096)));
static struct grant_seg segs[SEGS_MOST];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_open("fuzz_request", LOG_LEVEL_ERROR);
	return 0;
}

static struct request_limits limits_take(struct fuzz_input *in)
{
	static const uint16_t indirect[] = { 0,	  1,   11,   32,
					     256, 513, 1024, SEGS_MOST };
	uint8_t flags = fuzz_byte(in), size = fuzz_byte(in);
	uint8_t more = fuzz_byte(in);
	struct request_limits l = {
		.size_bytes = (uint64_t)((size & 15) + 1) * 4096
			      << (size >> 4) * 3,
		.sector_bytes = flags & 1 ? 4096 : 512,
		.readonly = flags & 2,
		.flush = flags & 4,
		.barrier = flags & 8,
		.discard = flags & 16,
		.secure = flags & 32,
		.indirect_segs = indirect[more & 7],
	};

	if (flags & 64)
		l.discard_granularity = l.sector_bytes << (more >> 3 & 7);
	if (flags & 128)
		l.discard_alignment = l.discard_granularity / 2;
	return l;
}

/* ---- decoding ----------------------------------------------------------- */

static uint64_t number_at(const uint8_t *bytes, unsigned off, unsigned len)
{
	uint64_t number = 0;

	while (len--)
		number = number << 8 | bytes[off + len];
	return number;
}

/* Each field stands where the layout says: 4 bytes further with x86_64. */
static void decoding_check(const uint8_t *slot, bool wide,
			   const struct request_raw *raw)
{
	unsigned w = wide ? 4 : 0, i;

	fuzz_check(raw->op == slot[0], "operation");
	fuzz_check(raw->id == number_at(slot, 4 + w, 8), "id");
	fuzz_check(raw->sector == number_at(slot, 12 + w, 8), "sector");
	switch (raw->op) {
	case BLKIF_OP_INDIRECT:
		fuzz_check(raw->answer_op == slot[1], "RG-27: inner operation");
		fuzz_check(raw->inner_op == slot[1], "inner operation");
		fuzz_check(raw->nr_segments == number_at(slot, 2, 2),
			   "number of segments");
		for (i = 0; i < 8; i++)
			fuzz_check(raw->list_gref[i] ==
					   number_at(slot, 24 + w + 4 * i, 4),
				   "pages of segments");
		break;
	case BLKIF_OP_DISCARD:
		fuzz_check(raw->discard_sectors == number_at(slot, 20 + w, 8),
			   "sectors of a discard");
		fuzz_check(raw->secure == (slot[1] & 1), "secure");
		break;
	default:
		fuzz_check(raw->nr_segments == slot[1], "number of segments");
		for (i = 0; i < 11; i++) {
			unsigned at = 20 + w + 8 * i;

			fuzz_check(raw->seg[i].gref == number_at(slot, at, 4),
				   "gref");
			fuzz_check(raw->seg[i].first_sect == slot[at + 4],
				   "first sector");
			fuzz_check(raw->seg[i].last_sect == slot[at + 5],
				   "last sector");
		}
	}
	if (raw->op != BLKIF_OP_INDIRECT)
		fuzz_check(raw->answer_op == slot[0], "operation to echo");
}

/* The third layout, the processor's own, is what Xen's header compiles to. */
static void native_check(const uint8_t *slot, const struct request_raw *raw)
{
	blkif_request_t r;

	_Static_assert(sizeof(r) == RING_SLOT_MAX, "native is x86_64 here");
	memcpy(&r, slot, sizeof(r));
	fuzz_check(raw->id == r.id, "native id");
	fuzz_check(raw->sector == r.sector_number ||
			   r.operation == BLKIF_OP_INDIRECT,
		   "native sector");
	if (r.operation <= BLKIF_OP_FLUSH_DISKCACHE)
		fuzz_check(raw->seg[10].gref == r.seg[10].gref &&
				   raw->handle == r.handle,
			   "native segment and handle");
}

/* ---- checking ----------------------------------------------------------- */

static void direct_check(const struct request_raw *raw,
			 const struct request_limits *l,
			 const struct request_checked *c)
{
	uint64_t sum = 0;
	unsigned i;

	fuzz_check(c->pieces == raw->nr_segments, "as many pieces as claimed");
	for (i = 0; i < c->pieces; i++) {
		fuzz_check(segs[i].gref == raw->seg[i].gref, "gref");
		fuzz_check(segs[i].len_bytes >= 512 &&
				   segs[i].off_bytes + segs[i].len_bytes <=
					   4096u,
			   "RQ-37: a piece is inside its page");
		fuzz_check(segs[i].off_bytes == raw->seg[i].first_sect * 512,
			   "a piece begins where it was said to");
		sum += segs[i].len_bytes;
	}
	fuzz_check(c->len_bytes == sum, "the length is that of the pieces");
	if (!sum)
		return;
	fuzz_check(c->off_bytes <= l->size_bytes &&
			   sum <= l->size_bytes - c->off_bytes,
		   "RQ-38: inside the disk");
	fuzz_check(c->off_bytes / 512 == raw->sector, "at its place");
	fuzz_check(!((c->off_bytes | sum) % l->sector_bytes),
		   "RQ-39: in whole sectors");
}

static void indirect_check(const struct request_raw *raw,
			   const struct request_limits *l,
			   const struct request_checked *c)
{
	unsigned i, sum = 0;

	fuzz_check(c->pieces && c->pieces <= l->indirect_segs, "RQ-36: pieces");
	fuzz_check(c->list_pages == (c->pieces + 511) / 512 &&
			   c->list_pages <= 8,
		   "RQ-36: pages of segments");
	for (i = 0; i < c->list_pages; i++) {
		fuzz_check(segs[i].gref == raw->list_gref[i], "its gref");
		fuzz_check(!segs[i].off_bytes && segs[i].len_bytes <= 4096,
			   "a page of segments");
		sum += segs[i].len_bytes;
	}
	fuzz_check(sum == c->pieces * 8, "all segments and no more");
}

static void accepted_check(const struct request_raw *raw,
			   const struct request_limits *l,
			   const struct request_checked *c)
{
	static const enum request_kind kind[] = {
		REQUEST_READ,
		REQUEST_WRITE,
		REQUEST_BARRIER,
		REQUEST_FLUSH,
		0,
		REQUEST_DISCARD,
	};
	struct request_refusal odd;

	if (raw->op == BLKIF_OP_INDIRECT) {
		fuzz_check(c->kind == kind[raw->inner_op], "kind");
		indirect_check(raw, l, c);
		return;
	}
	fuzz_check(c->kind == kind[raw->op] && !c->list_pages, "kind");
	if (c->kind != REQUEST_DISCARD) {
		direct_check(raw, l, c);
		return;
	}
	fuzz_check(!c->pieces, "a discard has no data");
	fuzz_check(c->off_bytes <= l->size_bytes &&
			   c->len_bytes <= l->size_bytes - c->off_bytes,
		   "RQ-38: a discard inside the disk");
	fuzz_check(c->secure <= l->secure, "RQ-34: secure where offered");
	if (!request_discard_fits(c, l, &odd))
		fuzz_check(!strcmp(odd.rule, "RQ-40"), "RQ-40 is told");
}

static void refusal_check(const struct request_refusal *why)
{
	fuzz_check(why->rule && !strncmp(why->rule, "RQ-", 3) &&
			   strlen(why->rule) == 5,
		   "a refusal names its rule");
	fuzz_check(why->status == RING_STATUS_ERROR ||
			   why->status == RING_STATUS_EOPNOTSUPP,
		   "a refusal has a status");
	fuzz_check(why->detail[0] &&
			   memchr(why->detail, 0, sizeof(why->detail)),
		   "a refusal says what was seen");
}

/* ---- the life of it ----------------------------------------------------- */

/* Take it from a ring, fail it if it was accepted, and read the response. */
static void life_check(const uint8_t *slot, enum ring_abi abi,
		       const struct request_limits *l,
		       const struct request_raw *raw)
{
	const struct ev_origin ev = { .domid = 1 };
	struct request_refusal refusal;
	struct ring_response rsp;
	struct request_table table;
	struct ring_front front;
	struct ring_back back;
	uint8_t bytes[16];
	struct request *r;

	memset(ring_page, 0, sizeof(ring_page));
	ring_front_init(&front, ring_page, 1, abi, &ev);
	ring_back_init(&back, ring_page, 1, abi, &ev);
	fuzz_check(!request_table_open(&table, 1, l, &ev, NULL), "memory");
	ring_front_put(&front, slot);
	ring_front_push(&front);
	fuzz_check(ring_back_ready(&back) == 1, "one request is there");
	r = request_take(&table, &back, &refusal);
	if (r->state == REQUEST_LISTED) {
		request_list_use(r)->error = -EFAULT;
		request_list_read(&table, r, &refusal);
		fuzz_check(!refusal.rule, "pages that are none break no rule");
	} else if (r->state == REQUEST_READY) {
		request_fail(r, RING_STATUS_ERROR);
	} else {
		refusal_check(&refusal);
	}
	fuzz_check(r->state == REQUEST_DONE, "its end is known");
	request_respond(&table, r, &back, 0);
	ring_back_push(&back);
	fuzz_check(ring_front_ready(&front) == 1, "RG-25: one response");
	ring_front_take(&front, &rsp);
	fuzz_check(rsp.id == raw->id, "RG-26: the id is echoed");
	fuzz_check(rsp.operation == raw->answer_op,
		   "RG-27: the operation is echoed");
	fuzz_check(rsp.status == RING_STATUS_ERROR ||
			   rsp.status == RING_STATUS_EOPNOTSUPP,
		   "RG-28: a status");
	ring_front_peek(&front, 0, bytes, sizeof(bytes));
	fuzz_check(!bytes[9] &&
			   (abi == RING_ABI_X86_32 || !number_at(bytes, 12, 4)),
		   "RG-29: zeroes between the fields");
	request_table_close(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	const struct request_limits limits = limits_take(&in);
	uint8_t layout = fuzz_byte(&in) % 3;
	enum ring_abi abi = layout == 1 ? RING_ABI_X86_32 : RING_ABI_X86_64;
	struct request_checked checked;
	struct request_refusal why = { 0 };
	uint8_t slot[RING_SLOT_MAX];
	struct request_raw raw;
	int err;

	fuzz_bytes(&in, slot, sizeof(slot));
	request_decode(abi, slot, &raw);
	decoding_check(slot, abi == RING_ABI_X86_64, &raw);
	if (layout == 2)
		native_check(slot, &raw);
	err = request_check(&raw, &limits, &checked, segs, &why);
	fuzz_check(!err == model_slot(&raw, &limits),
		   "accepted exactly if it keeps every rule");
	if (err)
		refusal_check(&why);
	else
		accepted_check(&raw, &limits, &checked);
	life_check(slot, abi, &limits, &raw);
	return 0;
}
