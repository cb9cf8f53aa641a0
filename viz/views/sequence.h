/* SPDX-License-Identifier: MIT */
/* The sequence diagram's parts: what to show of a trace, and how. */
#ifndef VIZ_VIEWS_SEQUENCE_H
#define VIZ_VIEWS_SEQUENCE_H

#include "viz/views/rows.h"
#include "viz/views/view.h"

struct sequence {
	struct rows rows;
	struct text title;   /* one line: of what */
	struct text caveats; /* lines on losses and damage */
	int64_t zero_ns;     /* where times begin, unless a section does */
};

/* What the options ask for.  0 or -errno with a sentence. */
int sequence_choose(const struct model *m, const struct view_options *o,
		    struct sequence *s, struct why *why);
void sequence_free(struct sequence *s);

void sequence_text(const struct sequence *s, struct text *out);
void sequence_mermaid(const struct sequence *s, struct text *out);
int sequence_json(const struct sequence *s, const struct model *m,
		  struct text *out);
int sequence_draw(const struct sequence *s, const char *format,
		  struct text *out, struct why *why);

/* The time that stands beside a row, in µs with one digit: "1,234.5". */
#define SEQUENCE_TIME_MAX 40
const char *sequence_time(char buf[SEQUENCE_TIME_MAX], int64_t ns);

#endif
