/* SPDX-License-Identifier: MIT */
#include "request/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECTOR_SHIFT 9u

/* ---- decoding ----------------------------------------------------------- */

/*
 * The two ABIs name the same fields at different places, so each layout is
 * decoded by one text for both.
 */
#define DECODE(bytes, out, abi)                                                \
	do {                                                                   \
		struct ring_request_##abi r;                                   \
                                                                               \
		memcpy(&r, bytes, sizeof(r));                                  \
		(out)->id = r.id;                                              \
		(out)->sector = r.sector_number;                               \
		(out)->handle = r.handle;                                      \
		(out)->nr_segments = r.nr_segments;                            \
		memcpy((out)->seg, r.seg, sizeof((out)->seg));                 \
	} while (0)

#define DECODE_INDIRECT(bytes, out, abi)                                       \
	do {                                                                   \
		struct ring_indirect_##abi r;                                  \
                                                                               \
		memcpy(&r, bytes, sizeof(r));                                  \
		(out)->id = r.id;                                              \
		(out)->sector = r.sector_number;                               \
		(out)->handle = r.handle;                                      \
		(out)->inner_op = r.inner_op;                                  \
		(out)->nr_segments = r.nr_segments;                            \
		memcpy((out)->list_gref, r.list_gref,                          \
		       sizeof((out)->list_gref));                              \
	} while (0)

#define DECODE_DISCARD(bytes, out, abi)                                        \
	do {                                                                   \
		struct ring_discard_##abi r;                                   \
                                                                               \
		memcpy(&r, bytes, sizeof(r));                                  \
		(out)->id = r.id;                                              \
		(out)->sector = r.sector_number;                               \
		(out)->handle = r.handle;                                      \
		(out)->discard_sectors = r.nr_sectors;                         \
		(out)->secure = r.flag & RING_DISCARD_SECURE;                  \
	} while (0)

void request_decode(enum ring_abi abi, const void *bytes,
		    struct request_raw *out)
{
	bool wide = abi == RING_ABI_X86_64;

	memset(out, 0, sizeof(*out));
	memcpy(&out->op, bytes, sizeof(out->op)); /* first in every layout */
	out->answer_op = out->op;
	switch (out->op) {
	case RING_OP_INDIRECT:
		if (wide)
			DECODE_INDIRECT(bytes, out, x86_64);
		else
			DECODE_INDIRECT(bytes, out, x86_32);
		/* RG-27: what is inside, or blkfront gives the disk up. */
		out->answer_op = out->inner_op;
		break;
	case RING_OP_DISCARD:
		if (wide)
			DECODE_DISCARD(bytes, out, x86_64);
		else
			DECODE_DISCARD(bytes, out, x86_32);
		break;
	default:
		if (wide)
			DECODE(bytes, out, x86_64);
		else
			DECODE(bytes, out, x86_32);
	}
}

/* ---- checking ----------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static int
refuse(struct request_refusal *why, const char *rule, enum ring_status status,
       const char *fmt, ...)
{
	va_list ap;

	why->rule = rule;
	why->status = status;
	va_start(ap, fmt);
	vsnprintf(why->detail, sizeof(why->detail), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* RQ-33, RQ-34: known, and offered. */
static int check_op(const struct request_raw *raw,
		    const struct request_limits *limits,
		    enum request_kind *kind, struct request_refusal *why)
{
	bool offered = true;

	switch (raw->op) {
	case RING_OP_READ:
		*kind = REQUEST_READ;
		break;
	case RING_OP_WRITE:
		*kind = REQUEST_WRITE;
		break;
	case RING_OP_FLUSH:
		*kind = REQUEST_FLUSH;
		offered = limits->flush;
		break;
	case RING_OP_BARRIER:
		*kind = REQUEST_BARRIER;
		offered = limits->barrier;
		break;
	case RING_OP_DISCARD:
		*kind = REQUEST_DISCARD;
		offered = limits->discard;
		break;
	case RING_OP_INDIRECT:
		*kind = raw->inner_op == RING_OP_WRITE ? REQUEST_WRITE
						       : REQUEST_READ;
		offered = limits->indirect_segs > 0;
		break;
	default:
		return refuse(why, "RQ-33", RING_STATUS_EOPNOTSUPP,
			      "operation %u is not known", raw->op);
	}
	if (offered)
		return 0;
	return refuse(why, "RQ-34", RING_STATUS_EOPNOTSUPP,
		      "operation %u was not offered", raw->op);
}

/* RQ-41, CVE-2013-2140, XSA-142: nothing that changes a read-only disk. */
static int check_writable(const struct request_raw *raw,
			  const struct request_limits *limits,
			  const struct request_checked *out,
			  struct request_refusal *why)
{
	bool writes = out->kind == REQUEST_WRITE ||
		      out->kind == REQUEST_DISCARD ||
		      (out->kind != REQUEST_READ && out->pieces);

	if (!limits->readonly || !writes)
		return 0;
	return refuse(why, "RQ-41", RING_STATUS_ERROR,
		      "operation %u writes, and the disk is read-only",
		      raw->op == RING_OP_INDIRECT ? raw->inner_op : raw->op);
}

/* RQ-35: how many pieces of data. */
static int check_count(const struct request_raw *raw,
		       struct request_checked *out, struct request_refusal *why)
{
	bool may_be_empty =
		out->kind == REQUEST_FLUSH || out->kind == REQUEST_BARRIER;
	unsigned n = raw->nr_segments;

	if (n > RING_SEGS_MAX || (!n && !may_be_empty))
		return refuse(why, "RQ-35", RING_STATUS_ERROR,
			      "%u segments, where %s to %u may be", n,
			      may_be_empty ? "0" : "1", RING_SEGS_MAX);
	out->pieces = n;
	return 0;
}

/* The unit in which this disk's sectors are counted, as a shift of bytes. */
static unsigned unit_shift(const struct request_limits *limits)
{
	return SECTOR_SHIFT + limits->unit_shift;
}

/* RQ-37: each piece inside its page. */
static int check_pieces(const struct ring_segment *seg,
			const struct request_limits *limits,
			struct request_checked *out, struct grant_seg *segs,
			struct request_refusal *why)
{
	unsigned shift = unit_shift(limits), i;

	out->len_bytes = 0;
	for (i = 0; i < out->pieces; i++) {
		const struct ring_segment *s = &seg[i];
		uint32_t sectors;

		if (s->first_sect > s->last_sect ||
		    s->last_sect > RING_SECTOR_LAST >> limits->unit_shift)
			return refuse(why, "RQ-37", RING_STATUS_ERROR,
				      "segment %u is sectors %u to %u of its "
				      "page",
				      i, s->first_sect, s->last_sect);
		sectors = s->last_sect - s->first_sect + 1u;
		segs[i].gref = s->gref;
		segs[i].off_bytes = (uint16_t)(s->first_sect << shift);
		segs[i].len_bytes = (uint16_t)(sectors << shift);
		out->len_bytes += sectors << shift;
	}
	return 0;
}

/* RQ-38: `len` units from out->sector on are inside the disk. */
static int check_inside(const struct request_limits *limits,
			struct request_checked *out, uint64_t len,
			struct request_refusal *why)
{
	unsigned shift = unit_shift(limits);
	uint64_t sectors = limits->size_bytes >> shift;

	/* Compared so that nothing can wrap. */
	if (out->sector > sectors || len > sectors - out->sector)
		return refuse(why, "RQ-38", RING_STATUS_ERROR,
			      "sector %llu with length %llu is beyond the "
			      "end at %llu",
			      (unsigned long long)out->sector,
			      (unsigned long long)len,
			      (unsigned long long)sectors);
	out->off_bytes = out->sector << shift;
	out->len_bytes = len << shift;
	if (out->off_bytes % limits->sector_bytes)
		return refuse(why, "RQ-39", RING_STATUS_ERROR,
			      "sector %llu is no multiple of the sector size "
			      "%u",
			      (unsigned long long)out->sector,
			      limits->sector_bytes);
	return 0;
}

/* RQ-38, RQ-39: inside the disk, in whole sectors. */
static int check_place(const struct request_limits *limits,
		       struct request_checked *out,
		       const struct grant_seg *segs,
		       struct request_refusal *why)
{
	int err = check_inside(limits, out,
			       out->len_bytes >> unit_shift(limits), why);
	unsigned i;

	if (err)
		return err;
	for (i = 0; i < out->pieces; i++)
		if (segs[i].len_bytes % limits->sector_bytes)
			return refuse(why, "RQ-39", RING_STATUS_ERROR,
				      "segment %u is %u bytes, no multiple of "
				      "the sector size %u",
				      i, segs[i].len_bytes,
				      limits->sector_bytes);
	return 0;
}

static int check_discard(const struct request_raw *raw,
			 const struct request_limits *limits,
			 struct request_checked *out,
			 struct request_refusal *why)
{
	int err = check_inside(limits, out, raw->discard_sectors, why);

	if (err)
		return err;
	out->pieces = 0;
	out->secure = raw->secure && limits->secure; /* RQ-34 */
	if (out->len_bytes % limits->sector_bytes)
		return refuse(why, "RQ-39", RING_STATUS_ERROR,
			      "%llu sectors are no multiple of the sector "
			      "size %u",
			      (unsigned long long)raw->discard_sectors,
			      limits->sector_bytes);
	return 0;
}

bool request_discard_fits(const struct request_checked *checked,
			  const struct request_limits *limits,
			  struct request_refusal *why)
{
	uint64_t unit = limits->discard_granularity;
	uint64_t off = checked->off_bytes, end = off + checked->len_bytes;

	/* The last unit of a disk may be cut short. */
	if (!unit || ((off + unit - limits->discard_alignment) % unit == 0 &&
		      (end == limits->size_bytes ||
		       (end + unit - limits->discard_alignment) % unit == 0)))
		return true;
	refuse(why, "RQ-40", RING_STATUS_OKAY,
	       "bytes %llu to %llu are not in whole units of %llu",
	       (unsigned long long)off, (unsigned long long)end,
	       (unsigned long long)unit);
	return false;
}

/* RQ-36: what the slot says of its segments, which are elsewhere. */
static int check_indirect(const struct request_raw *raw,
			  const struct request_limits *limits,
			  struct request_checked *out, struct grant_seg *segs,
			  struct request_refusal *why)
{
	unsigned n = raw->nr_segments, i;

	if (raw->inner_op != RING_OP_READ && raw->inner_op != RING_OP_WRITE)
		return refuse(why, "RQ-36", RING_STATUS_ERROR,
			      "operation %u inside an indirect request",
			      raw->inner_op);
	if (!n || n > limits->indirect_segs)
		return refuse(why, "RQ-36", RING_STATUS_ERROR,
			      "%u indirect segments, where 1 to %u may be", n,
			      limits->indirect_segs);
	out->pieces = n;
	out->list_pages = (n + RING_LIST_SEGS - 1) / RING_LIST_SEGS;
	for (i = 0; i < out->list_pages; i++, n -= RING_LIST_SEGS) {
		unsigned here = n < RING_LIST_SEGS ? n : RING_LIST_SEGS;

		segs[i].gref = raw->list_gref[i];
		segs[i].off_bytes = 0;
		segs[i].len_bytes =
			(uint16_t)(here * sizeof(struct ring_segment));
	}
	return 0;
}

int request_check(const struct request_raw *raw,
		  const struct request_limits *limits,
		  struct request_checked *out, struct grant_seg *segs,
		  struct request_refusal *why)
{
	int err;

	*out = (struct request_checked){ .sector = raw->sector };
	err = check_op(raw, limits, &out->kind, why);
	if (!err)
		err = raw->op == RING_OP_INDIRECT
			      ? check_indirect(raw, limits, out, segs, why)
		      : raw->op == RING_OP_DISCARD
			      ? check_discard(raw, limits, out, why)
			      : check_count(raw, out, why);
	if (!err)
		err = check_writable(raw, limits, out, why);
	if (err || out->list_pages || !out->pieces)
		return err; /* a flush has no place */
	err = check_pieces(raw->seg, limits, out, segs, why);
	return err ? err : check_place(limits, out, segs, why);
}

int request_check_list(const struct ring_segment *list,
		       const struct request_limits *limits,
		       struct request_checked *out, struct grant_seg *segs,
		       struct request_refusal *why)
{
	int err = check_pieces(list, limits, out, segs, why);

	out->list_pages = 0;
	return err ? err : check_place(limits, out, segs, why);
}
