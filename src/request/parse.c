/* SPDX-License-Identifier: MIT */
#include "request/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECTOR_UNIT 512u

void request_decode(enum ring_abi abi, const void *bytes,
		    struct request_raw *out)
{
	if (abi == RING_ABI_X86_64) {
		struct ring_request_x86_64 r;

		memcpy(&r, bytes, sizeof(r));
		out->id = r.id;
		out->sector = r.sector_number;
		out->handle = r.handle;
		out->op = r.operation;
		out->nr_segments = r.nr_segments;
		memcpy(out->seg, r.seg, sizeof(out->seg));
	} else {
		struct ring_request_x86_32 r;

		memcpy(&r, bytes, sizeof(r));
		out->id = r.id;
		out->sector = r.sector_number;
		out->handle = r.handle;
		out->op = r.operation;
		out->nr_segments = r.nr_segments;
		memcpy(out->seg, r.seg, sizeof(out->seg));
	}
	/*
	 * RG-27: of an indirect request blkfront wants the operation inside,
	 * which stands where others have nr_segments; or it gives the disk up.
	 */
	out->answer_op =
		out->op == RING_OP_INDIRECT ? out->nr_segments : out->op;
}

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
	switch (raw->op) {
	case RING_OP_READ:
		*kind = REQUEST_READ;
		return 0;
	case RING_OP_WRITE:
		*kind = REQUEST_WRITE;
		return 0;
	case RING_OP_FLUSH:
		*kind = REQUEST_FLUSH;
		if (limits->flush)
			return 0;
		break;
	case RING_OP_BARRIER:
	case RING_OP_DISCARD:
	case RING_OP_INDIRECT:
		break;
	default:
		return refuse(why, "RQ-33", RING_STATUS_EOPNOTSUPP,
			      "operation %u is not known", raw->op);
	}
	return refuse(why, "RQ-34", RING_STATUS_EOPNOTSUPP,
		      "operation %u was not offered", raw->op);
}

/* RQ-35, RQ-37: how many pieces, and each inside its page. */
static int check_pieces(const struct request_raw *raw,
			struct request_checked *out,
			struct request_refusal *why)
{
	unsigned i, n = raw->nr_segments;

	if (n > RING_SEGS_MAX || (!n && out->kind != REQUEST_FLUSH))
		return refuse(why, "RQ-35", RING_STATUS_ERROR,
			      "%u segments, where %s to %u may be", n,
			      out->kind == REQUEST_FLUSH ? "0" : "1",
			      RING_SEGS_MAX);
	out->pieces = n;
	out->len_bytes = 0;
	for (i = 0; i < n; i++) {
		const struct ring_segment *s = &raw->seg[i];
		uint32_t sectors;

		if (s->first_sect > s->last_sect ||
		    s->last_sect > RING_SECTOR_LAST)
			return refuse(why, "RQ-37", RING_STATUS_ERROR,
				      "segment %u is sectors %u to %u of its "
				      "page",
				      i, s->first_sect, s->last_sect);
		sectors = s->last_sect - s->first_sect + 1u;
		out->piece[i].gref = s->gref;
		out->piece[i].off_bytes =
			(uint16_t)(s->first_sect * SECTOR_UNIT);
		out->piece[i].len_bytes = (uint16_t)(sectors * SECTOR_UNIT);
		out->len_bytes += sectors * SECTOR_UNIT;
	}
	return 0;
}

/* RQ-38, RQ-39: inside the disk, in whole sectors. */
static int check_place(const struct request_raw *raw,
		       const struct request_limits *limits,
		       struct request_checked *out, struct request_refusal *why)
{
	uint64_t sectors = limits->size_bytes / SECTOR_UNIT;
	uint64_t len = out->len_bytes / SECTOR_UNIT;
	unsigned i;

	/* Compared so that nothing can wrap: len is 88 at most. */
	if (raw->sector > sectors || len > sectors - raw->sector)
		return refuse(why, "RQ-38", RING_STATUS_ERROR,
			      "sector %llu with length %llu is beyond the "
			      "end at %llu",
			      (unsigned long long)raw->sector,
			      (unsigned long long)len,
			      (unsigned long long)sectors);
	out->off_bytes = raw->sector * SECTOR_UNIT;
	if (out->off_bytes % limits->sector_bytes)
		return refuse(why, "RQ-39", RING_STATUS_ERROR,
			      "sector %llu is no multiple of the sector size "
			      "%u",
			      (unsigned long long)raw->sector,
			      limits->sector_bytes);
	for (i = 0; i < out->pieces; i++)
		if (out->piece[i].len_bytes % limits->sector_bytes)
			return refuse(why, "RQ-39", RING_STATUS_ERROR,
				      "segment %u is %u bytes, no multiple of "
				      "the sector size %u",
				      i, out->piece[i].len_bytes,
				      limits->sector_bytes);
	return 0;
}

int request_check(const struct request_raw *raw,
		  const struct request_limits *limits,
		  struct request_checked *out, struct request_refusal *why)
{
	int err = check_op(raw, limits, &out->kind, why);

	if (err)
		return err;
	err = check_pieces(raw, out, why);
	if (err)
		return err;
	/* RQ-41, CVE-2013-2140, XSA-142: nothing that changes the disk. */
	if (limits->readonly && (out->kind == REQUEST_WRITE ||
				 (out->kind == REQUEST_FLUSH && out->pieces)))
		return refuse(why, "RQ-41", RING_STATUS_ERROR,
			      "operation %u writes, and the disk is read-only",
			      raw->op);
	out->off_bytes = 0;
	if (!out->pieces)
		return 0; /* a flush has no place */
	return check_place(raw, limits, out, why);
}
