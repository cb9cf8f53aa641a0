/* SPDX-License-Identifier: MIT */
/*
 * A student's files, built, run and judged.
 *
 * Broken infrastructure is never zero points: then there is no grade, and a
 * sentence says why.
 */
#ifndef LABS_ENGINE_GRADE_H
#define LABS_ENGINE_GRADE_H

#include "labs/engine/match.h"
#include "labs/engine/run.h"
#include "viz/model/model.h"

enum grade_state { GRADE_PASSED, GRADE_FAILED, GRADE_NOT_TRIED };

/* One line of the checklist. */
struct grade_item {
	const char *text;
	enum verdict verdict;
	const char *saw; /* what was seen instead; "" if all is well */
	bool has_match;	 /* it is about events */
	struct match match;
	const struct expect_item *item; /* NULL: goes without saying */
};

struct grade_check {
	const struct expect_check *check;
	const struct run_check *run;
	enum grade_state state;
	struct grade_item *item;
	unsigned items;
	/*
	 * Whose rules, function and hint are told: its own, or another's
	 * whose rule a case named as the one that is broken.
	 */
	const struct expect_check *blame;
	const char *place; /* "back.c:57", NULL if there is none */
	/* The item whose events are worth looking at, or NULL. */
	const struct grade_item *focus;
	const char *picture; /* path, NULL if none was drawn */
};

struct grade {
	struct arena arena;
	const struct lab_work *work; /* borrowed */
	struct expect *expect;
	bool has_code;
	struct build build;
	struct run_check *run; /* expect->checks of each */
	struct grade_check *check;
	struct trace_log log, own; /* of the run; the student's trace/ */
	bool own_read;
	unsigned points;
	const char *trace; /* where it is kept; NULL if there is none */
	bool too_large;	   /* it was there, and is not kept */
	double seconds;
	/* Until grade_free(): LTTng may be at its end for a while yet. */
	struct site site;
	const char *scratch; /* NULL: not made yet */
	bool keep;	     /* scratch */
	int lock;
};

struct grade_options {
	/* The program "ringside": runs argv[1] of it, returns its exit code. */
	int (*tool)(int argc, char **argv);
	bool trust;    /* without confinement */
	bool pictures; /* of all failed checks; else of the first one only */
	bool all;      /* also if the very first failed: others may follow */
	bool keep;     /* leave what all programs said, in .lab/run */
	bool first;    /* nothing is tried after the first that failed */
	bool quiet;    /* no pictures at all, and no trace is kept */
	const char *expect; /* instead of the lab's expect.trace; or NULL */
	const char *check;  /* only this one; NULL: all */
};

/*
 * Grade what is in `work`.  Gives *out on 0; -errno and a sentence where
 * nothing can be graded.
 */
int grade_make(const struct lab_work *work, const struct grade_options *o,
	       struct grade **out, struct why *why);
/* Waits until LTTng is done with it, half a second: tell it first. */
void grade_free(struct grade *g);

/*
 * Whether the first check of all failed: what is wrong with the others may
 * follow from that.
 */
bool grade_failed_at_once(const struct grade *g);

/* The first check that was not passed; NULL: all were. */
const struct grade_check *grade_first_failed(const struct grade *g);

#endif
