/* SPDX-License-Identifier: MIT */
/*
 * The trust boundary: bytes that a guest wrote become a checked request, or
 * a refusal that names the rule.  Works on the private copy of a slot; reads
 * nothing else, keeps nothing, and has no side effects.
 */
#ifndef REQUEST_PARSE_H
#define REQUEST_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "ring/abi.h"

/* The fields of a slot in one layout, whatever the ABI; nothing checked. */
struct request_raw {
	uint64_t id;
	uint64_t sector; /* in units of 512 bytes */
	uint16_t handle; /* informational (RQ-45) */
	uint8_t op;
	uint8_t answer_op; /* what the response echoes (RG-27) */
	uint8_t nr_segments;
	struct ring_segment seg[RING_SEGS_MAX];
};

/* `bytes` holds a slot of `abi`. */
void request_decode(enum ring_abi abi, const void *bytes,
		    struct request_raw *out);

/* What this disk serves, settled when the frontend connected. */
struct request_limits {
	uint64_t size_bytes;
	uint32_t sector_bytes;
	bool readonly;
	bool flush; /* feature-flush-cache was offered */
};

enum request_kind { REQUEST_READ, REQUEST_WRITE, REQUEST_FLUSH };

struct request_piece {
	uint32_t gref;
	uint16_t off_bytes; /* in its page, a multiple of 512 */
	uint16_t len_bytes; /* 512..4096 */
};

/*
 * A request that keeps every rule.  A flush may carry data: the cache is
 * committed first, then the data is written (blkback's meaning).
 */
struct request_checked {
	enum request_kind kind;
	uint64_t off_bytes;
	uint64_t len_bytes; /* 0 for a flush without data */
	unsigned pieces;    /* 0..RING_SEGS_MAX */
	struct request_piece piece[RING_SEGS_MAX];
};

struct request_refusal {
	const char *rule;	 /* identifier in PROTOCOL terms: "RQ-35" */
	enum ring_status status; /* what the frontend is answered */
	char detail[96];	 /* what was seen */
};

/* 0, or -EINVAL and `why` is filled. */
int request_check(const struct request_raw *raw,
		  const struct request_limits *limits,
		  struct request_checked *out, struct request_refusal *why);

#endif
