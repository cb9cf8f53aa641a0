/* SPDX-License-Identifier: MIT */
/* What a run's own witnesses say: the frontend's report, the desk's counters.
 */
#ifndef LABS_ENGINE_REPORT_H
#define LABS_ENGINE_REPORT_H

#include "labs/engine/run.h"

/*
 * A number or string of a report by its dotted path, "ring.wakeups"; "ops" is
 * the sum of all operations but flushes, "exit" the exit code.  NULL: there is
 * none; else the arena's.
 */
const char *report_front(struct arena *a, const struct run_check *r,
			 const char *key);

/* By how much a counter of the desk changed.  -ENOENT: there is none. */
int report_desk(const struct run_check *r, const char *key, int64_t *out);

/* "a OP b", numbers as numbers, else as words. */
bool report_holds(enum pattern_op op, const char *a, const char *b);

/* Whether all that the check says of the desk holds. */
bool report_desk_holds(const struct run_check *r, const struct expect_check *c);

#endif
