/* SPDX-License-Identifier: MIT */
/* A question to a log whose answer is a number or a word. */
#ifndef LABS_ENGINE_QUERY_H
#define LABS_ENGINE_QUERY_H

#include "labs/engine/pattern.h"

enum query_kind {
	QUERY_COUNT, /* of events */
	QUERY_FIRST, /* a field of the first event */
	QUERY_LAST,
	QUERY_DISTINCT, /* number of its values */
	QUERY_MAX,
	QUERY_MIN,
	QUERY_SUM,
};

/* "count request_push op=read", "last ring_produce.prod_after". */
struct query {
	enum query_kind kind;
	struct pattern event;
	int field; /* not of QUERY_COUNT */
};

/*
 * From word `from` to the last.  What the result points to is the arena's.  0,
 * or -EINVAL with a sentence.
 */
int query_parse(struct arena *a, const struct words *w, unsigned from,
		struct query *out, struct why *why);

/* Which records count: those of these domains; all if `domids` is 0. */
struct scope {
	const struct trace_log *log;
	const uint16_t *domid;
	unsigned domids;
};

bool scope_has(const struct scope *s, const struct log_rec *rec);

/* The answer as text.  0, or -ENOENT: no such event (and "none" in *out). */
int query_answer(const struct scope *s, const struct query *q,
		 struct text *out);

#endif
