/* SPDX-License-Identifier: MIT */
/*
 * The kernel's work for a daemon in an interval: as a table, as lines, as
 * JSON.  Who measures it is not known here.
 */
#ifndef TOP_CALLS_H
#define TOP_CALLS_H

#include <stdio.h>

#include <json-c/json.h>

#include "top/rates.h"
#include "trace/timing/calls.h"

struct top_calls {
	struct timing_hist of[TIMING_KINDS];
	struct timing_seen seen;
};

/* What came since `before`. */
void top_calls_differ(const struct top_calls *before,
		      const struct top_calls *now, struct top_calls *d);

/* What cannot be seen here, as a sentence; or empty. */
void top_calls_unseen(const struct timing_seen *seen, char *text, size_t size);

/* A line for each kind of call that was, its part of a request, and a sum. */
void top_calls_table(FILE *to, const struct top_rates *r,
		     const struct top_calls *c);

/* A line for each kind that was. */
void top_calls_lines(FILE *to, const char *clock, const struct top_calls *c);

/* requests, calls, an object for each kind of them, io_uring, unseen. */
struct json_object *top_calls_json(const struct top_rates *r,
				   const struct top_calls *c);

#endif
