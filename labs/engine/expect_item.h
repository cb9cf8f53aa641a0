/* SPDX-License-Identifier: MIT */
/*
 * Between the two files that read expect.trace: the lines that say what is
 * expected, each an item of a check.  Nobody else includes this.
 */
#ifndef LABS_ENGINE_EXPECT_ITEM_H
#define LABS_ENGINE_EXPECT_ITEM_H

#include "labs/engine/expect.h"

/* A file being read. */
struct reader {
	struct expect *e;
	struct arena *a;
	unsigned line;
	const struct words *w;
	struct expect_check *check; /* NULL before the first */
	struct expect_item *block;  /* events that follow belong to it */
	struct why *why;
};

/* "FILE:LINE: ..." in r->why; returns -EINVAL. */
int expect_wrong(struct reader *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Word `at` of the line as a number from 0 to max.  0 or -EINVAL. */
int expect_number(struct reader *r, unsigned at, uint64_t max, uint64_t *out);

/* A line of an item, or an event of the item before.  0 or -EINVAL. */
int expect_item_line(struct reader *r);

#endif
