/* SPDX-License-Identifier: MIT */
/*
 * What request/parse.c has to accept, said once more and otherwise: all rules
 * of a request as one condition, computed without care for speed in numbers
 * that cannot wrap.
 */
#ifndef TESTS_FUZZ_MODEL_H
#define TESTS_FUZZ_MODEL_H

#include "request/parse.h"

/* Sectors of 512 bytes; 0 is none (RQ-37). */
static inline unsigned model_seg_sectors(const struct ring_segment *s)
{
	if (s->first_sect > s->last_sect || s->last_sect > 7)
		return 0;
	return s->last_sect - s->first_sect + 1u;
}

/* RQ-38, RQ-39 */
static inline bool model_place(uint64_t sector, uint64_t sectors,
			       const struct request_limits *l)
{
	unsigned __int128 from = (unsigned __int128)sector * 512;
	unsigned __int128 len = (unsigned __int128)sectors * 512;

	return from + len <= l->size_bytes && from % l->sector_bytes == 0 &&
	       len % l->sector_bytes == 0;
}

/* The pieces of data, and where they go. */
static inline bool model_segs(const struct request_raw *raw,
			      const struct ring_segment *s, unsigned n,
			      const struct request_limits *l)
{
	uint64_t sectors = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		unsigned here = model_seg_sectors(&s[i]);

		if (!here || here * 512 % l->sector_bytes)
			return false;
		sectors += here;
	}
	return model_place(raw->sector, sectors, l);
}

/* A slot alone; the segments of an indirect request are not in it. */
static inline bool model_slot(const struct request_raw *raw,
			      const struct request_limits *l)
{
	unsigned n = raw->nr_segments;

	switch (raw->op) {
	case 0:
		return n >= 1 && n <= 11 && model_segs(raw, raw->seg, n, l);
	case 1:
		return n >= 1 && n <= 11 && !l->readonly &&
		       model_segs(raw, raw->seg, n, l);
	case 2:
	case 3:
		if (!(raw->op == 2 ? l->barrier : l->flush))
			return false;
		if (!n)
			return true;
		return n <= 11 && !l->readonly &&
		       model_segs(raw, raw->seg, n, l);
	case 5:
		return l->discard && !l->readonly &&
		       model_place(raw->sector, raw->discard_sectors, l);
	case 6:
		return n >= 1 && n <= l->indirect_segs &&
		       (raw->inner_op == 0 ||
			(raw->inner_op == 1 && !l->readonly));
	default:
		return false;
	}
}

#endif
