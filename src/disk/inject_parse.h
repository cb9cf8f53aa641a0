/* SPDX-License-Identifier: MIT */
/*
 * The text of rules and limits, as options and the store have it:
 *
 *   op=read sector=2048+8 errno=EIO rate=0.1; delay=5ms
 *
 * Rules are divided by ";".  In one, words say which operations are meant
 * (op=read|write|flush|discard, sector=FIRST[+COUNT] in units of 512 bytes,
 * rate=0..1; what is absent limits nothing), and what is done to them
 * (delay=5ms, errno=EIO, short, reorder, corrupt; at least one).  All rules
 * that fit are applied; of errors the first.
 *
 *   iops=1000 bps=10M
 */
#ifndef DISK_INJECT_PARSE_H
#define DISK_INJECT_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

#define INJECT_RULES_MAX 16u

struct inject_rule {
	unsigned ops;	    /* 1 << enum disk_op_kind each */
	uint64_t off_bytes; /* what overlaps this, */
	uint64_t len_bytes; /* or 0: wherever it is */
	uint32_t rate;	    /* of 2^32; UINT32_MAX is always */
	uint64_t delay_ns;
	int error; /* -errno or 0 */
	bool cut;  /* a short transfer */
	bool reorder;
	bool corrupt;
};

struct inject_rules {
	unsigned count;
	struct inject_rule rule[INJECT_RULES_MAX];
	uint64_t iops; /* 0: no limit */
	uint64_t bps;  /* bytes */
};

/* Add what the text says; empty text is fine.  0, or -EINVAL and why. */
int inject_parse(const char *text, struct inject_rules *rules, struct why *why);
int inject_limit_parse(const char *text, struct inject_rules *rules,
		       struct why *why);

/* Is there anything to be done? */
static inline bool inject_wanted(const struct inject_rules *rules)
{
	return rules->count || rules->iops || rules->bps;
}

#endif
