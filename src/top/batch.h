/* SPDX-License-Identifier: MIT */
/* Samples for scripts: a line of text for each disk, or one of JSON. */
#ifndef TOP_BATCH_H
#define TOP_BATCH_H

#include <stdio.h>

#include "top/inside.h"
#include "top/rates.h"

/* The titles of top_batch_text(). */
void top_batch_titles(FILE *to);

/*
 * A line for each disk, and one for each queue where there are more: the time
 * of day, the columns, and what is wrong with a stuck ring.  Then what is
 * measured inside, a line for each.
 */
void top_batch_text(FILE *to, const struct top_sample *now,
		    const struct top_rates *r, const struct top_inside *in);

/* An object in a line; 0 or -ENOMEM. */
int top_batch_json(FILE *to, const struct top_sample *now,
		   const struct top_rates *r, const struct top_inside *in);

#endif
