/* SPDX-License-Identifier: MIT */
/*
 * The trust boundary: bytes that a guest wrote become a checked request, or
 * a refusal that names the rule.  Works on private copies of a slot and of
 * an indirect request's segments; reads nothing else, keeps nothing, and has
 * no side effects.
 */
#ifndef REQUEST_PARSE_H
#define REQUEST_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "grant/space.h"
#include "ring/abi.h"

/* The fields of a slot in one layout, whatever the ABI; nothing checked. */
struct request_raw {
	uint64_t id;
	uint64_t sector;	  /* in the disk's units */
	uint64_t discard_sectors; /* likewise; of a discard */
	uint16_t handle;	  /* informational (RQ-45) */
	uint16_t nr_segments;	  /* 0 for a discard */
	uint8_t op;
	uint8_t answer_op; /* what the response echoes (RG-27) */
	uint8_t inner_op;  /* of an indirect request */
	bool secure;	   /* of a discard */
	struct ring_segment seg[RING_SEGS_MAX];
	uint32_t list_gref[RING_LIST_PAGES_MAX]; /* of an indirect request */
};

/* `bytes` holds a slot of `abi`. */
void request_decode(enum ring_abi abi, const void *bytes,
		    struct request_raw *out);

/* What this disk serves, settled when the frontend connected. */
struct request_limits {
	uint64_t size_bytes;
	uint32_t sector_bytes;
	/*
	 * Sectors are counted in 512 << unit_shift bytes: in units of 512, or
	 * of sector_bytes where the older convention was chosen.
	 */
	unsigned unit_shift;
	bool readonly;
	/* Offered: */
	bool flush;
	bool barrier;
	bool discard;
	bool secure;		/* discard-secure */
	unsigned indirect_segs; /* of a request; 0: no indirect ones */
	/* Of a discard, in bytes; granularity 0: every sector is as good. */
	uint32_t discard_granularity;
	uint32_t discard_alignment;
};

/* The most segments that a request on this disk may have. */
static inline unsigned request_segs_max(const struct request_limits *limits)
{
	return limits->indirect_segs > RING_SEGS_MAX ? limits->indirect_segs
						     : RING_SEGS_MAX;
}

enum request_kind {
	REQUEST_READ,
	REQUEST_WRITE,
	REQUEST_BARRIER,
	REQUEST_FLUSH,
	REQUEST_DISCARD,
};

/*
 * A request that keeps every rule.  A flush may carry data: the cache is
 * committed first, then the data is written (blkback's meaning).
 */
struct request_checked {
	enum request_kind kind;
	bool secure;	 /* a discard that has to be one */
	unsigned pieces; /* of data, 0..request_segs_max() */
	/*
	 * An indirect request whose segments were not read yet: the pages
	 * that hold them, else 0.
	 */
	unsigned list_pages;
	uint64_t sector; /* as claimed */
	/* Not known while list_pages is not 0: */
	uint64_t off_bytes;
	uint64_t len_bytes; /* 0 for a flush or barrier without data */
};

struct request_refusal {
	const char *rule;	 /* identifier in PROTOCOL terms: "RQ-35" */
	enum ring_status status; /* what the frontend is answered */
	char detail[96];	 /* what was seen */
};

/*
 * Check a slot.  `segs` has room for request_segs_max(): it gets the pieces
 * of data, or of an indirect request the pages in which its segments are
 * (out->list_pages of them), for request_check_list() afterwards.
 * 0, or -EINVAL and `why` is filled.
 */
int request_check(const struct request_raw *raw,
		  const struct request_limits *limits,
		  struct request_checked *out, struct grant_seg *segs,
		  struct request_refusal *why);

/*
 * Check the segments of an indirect request: a private copy of out->pieces
 * of them.  `segs` gets the pieces of data.  0 or -EINVAL as above.
 */
int request_check_list(const struct ring_segment *list,
		       const struct request_limits *limits,
		       struct request_checked *out, struct grant_seg *segs,
		       struct request_refusal *why);

/*
 * RQ-40: is the discard in whole units of what lies below?  The storage
 * copes with one that is not, and Linux sends such.  `why` is filled where
 * it is false; its status means nothing.
 */
bool request_discard_fits(const struct request_checked *checked,
			  const struct request_limits *limits,
			  struct request_refusal *why);

#endif
