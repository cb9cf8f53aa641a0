/* SPDX-License-Identifier: MIT */
/*
 * The stages of requests in an interval: as a table, as lines, as JSON.
 * Who measures them is not known here.
 */
#ifndef TOP_STAGES_H
#define TOP_STAGES_H

#include <stdio.h>

#include <json-c/json.h>

#include "top/rates.h"
#include "trace/timing/stages.h"

struct top_stages {
	unsigned count;
	struct timing_stage_row *rows; /* in no order; owned */
};

/* What came since `before`.  0 or -ENOMEM. */
int top_stages_differ(const struct top_stages *before,
		      const struct top_stages *now, struct top_stages *d);
void top_stages_free(struct top_stages *s);

/* A table for each disk: its histograms beside each other. */
void top_stages_table(FILE *to, const struct top_rates *r,
		      const struct top_stages *s);

/* A line for each stage of each disk that had requests. */
void top_stages_lines(FILE *to, const char *clock, const struct top_rates *r,
		      const struct top_stages *s);

/* An object for each stage of this disk. */
struct json_object *top_stages_json(const struct top_row *disk,
				    const struct top_stages *s);

/* What each is, in a line of help; `n` from 0; NULL beyond the last. */
const char *top_stage_help(unsigned n);

#endif
