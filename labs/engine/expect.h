/* SPDX-License-Identifier: MIT */
/*
 * expect.trace: what a grade looks at, as docs/teaching.md describes it.
 * Parsed once, by the catalogue's tables, so that a wrong name is told by file
 * and line before anything runs.
 */
#ifndef LABS_ENGINE_EXPECT_H
#define LABS_ENGINE_EXPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "labs/engine/arena.h"
#include "labs/engine/query.h"

enum expect_kind {
	EXPECT_FRONT,	  /* a key of the frontend's report */
	EXPECT_DESK,	  /* a counter of the desk: how it changed */
	EXPECT_ANSWER,	  /* a key of answers.txt against a query */
	EXPECT_ORDERED,	  /* events one after the other */
	EXPECT_UNORDERED, /* each somewhere */
	EXPECT_NEVER,	  /* none of them */
	EXPECT_COUNT,	  /* one event, op and count */
	EXPECT_BEFORE,	  /* two events, by the values of a field */
};

struct expect_item {
	enum expect_kind kind;
	unsigned line;
	const char *text; /* as it was written, blanks squeezed */
	const char *key;
	enum pattern_op op;
	const char *value; /* a number, a word or another key */
	uint64_t count;
	struct pattern *event;
	unsigned events;
	int by[2]; /* EXPECT_BEFORE: the field in each */
	struct query query;
};

enum expect_run { RUN_NONE, RUN_FRONT, RUN_CASE };

#define EXPECT_RULES 8u

struct expect_check {
	const char *id;
	const char *title;
	unsigned points;
	unsigned line;
	const char *rule[EXPECT_RULES];
	unsigned rules;
	const char *function; /* or NULL */
	unsigned hint;	      /* 0: none */
	enum expect_run run;
	bool run_given;
	struct words args;    /* of `front`; the names of cases */
	struct words options; /* of ringsided */
	struct expect_item *item;
	unsigned items;
};

struct expect {
	struct arena arena;
	const char *path;
	struct expect_check *check;
	unsigned checks;
	unsigned points;     /* of all */
	enum ev_level level; /* what has to be recorded */
};

/*
 * Read `path`.  Gives *out; -EINVAL and "FILE:LINE: ..." if it is wrong,
 * or -errno of the file.
 */
int expect_load(const char *path, struct expect **out, struct why *why);
void expect_free(struct expect *e);

/* Leave nothing but the check `id`; -ESRCH and a sentence if there is none. */
int expect_only(struct expect *e, const char *id, struct why *why);

#endif
