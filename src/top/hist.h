/* SPDX-License-Identifier: MIT */
/* What there is to say of a histogram of times. */
#ifndef TOP_HIST_H
#define TOP_HIST_H

#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

#include "trace/timing/hist.h"

uint64_t top_hist_count(const struct timing_hist *h);

/* What came since `before`; all of it, if it has been emptied since. */
void top_hist_differ(const struct timing_hist *before,
		     const struct timing_hist *now, struct timing_hist *d);

/* 0 where there is nothing in it. */
double top_hist_mean_ns(const struct timing_hist *h);

/* What the part `p` (0..1) took at most, evenly spread in its slot. */
double top_hist_quantile_ns(const struct timing_hist *h, double p);

/* The end of a line: how many, mean, P50, P99, and LEAST:HOW-MANY of each slot.
 */
void top_hist_line(FILE *to, const struct timing_hist *h);

/*
 * `name` with how many there are, mean_us, p50_us and p99_us, null where there
 * is none, and buckets: [least ns, how many] of each that is not empty.
 */
struct json_object *top_hist_json(const struct timing_hist *h,
				  const char *name);

#endif
