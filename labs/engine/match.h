/* SPDX-License-Identifier: MIT */
/* Events that were expected, held against those that came. */
#ifndef LABS_ENGINE_MATCH_H
#define LABS_ENGINE_MATCH_H

#include "labs/engine/expect.h"

enum verdict {
	VERDICT_OK,
	VERDICT_MISSING, /* it did not happen */
	VERDICT_BROKEN,	 /* something happened that must not */
	VERDICT_UNKNOWN, /* events were lost, so nobody can tell */
	VERDICT_SKIPPED, /* not looked at: what comes before it is missing */
};

#define MATCH_NONE UINT32_MAX

/* One event of an item. */
struct match_event {
	enum verdict verdict;
	uint32_t rec; /* it, or where it is broken; MATCH_NONE */
};

struct match {
	enum verdict verdict;
	/* The record to look at: the first that is wrong, or the last good one
	 * before what is missing.  MATCH_NONE if there is none. */
	uint32_t rec;
	const char *saw; /* one clause for a person; "" if all is well */
	struct match_event *event; /* of ORDERED, UNORDERED, NEVER */
};

/*
 * An item about events (EXPECT_ORDERED and below) against the records in
 * scope.  What *out points to is the arena's.
 */
void match_events(struct arena *a, const struct scope *s,
		  const struct expect_item *item, struct match *out);

/* "ok", "missing", "broken", "unknown", "-". */
const char *verdict_name(enum verdict v);

#endif
