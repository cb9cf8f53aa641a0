/* SPDX-License-Identifier: MIT */
/*
 * A grade in words, 80 columns wide.  What is said by a colour is said by a
 * word, too.
 */
#ifndef LABS_ENGINE_TELL_H
#define LABS_ENGINE_TELL_H

#include "labs/engine/grade.h"
#include "viz/text.h"

#define TELL_COLUMNS 80u

struct tell {
	struct text *out;
	bool colour;
};

/* Whether `fd` is a terminal, and NO_COLOR is not set. */
bool tell_colour_wanted(int fd);

/* What the compiler said, where it was not content. */
void tell_build(const struct tell *t, const struct grade *g);

/* A line for each check. */
void tell_list(const struct tell *t, const struct grade *g);

/*
 * All about a check that was not passed: rules, the place in the file, the
 * checklist, the marked trace, the picture.
 */
void tell_check(const struct tell *t, const struct grade *g,
		const struct grade_check *c);

/* Points, time, and what to do next. */
void tell_end(const struct tell *t, const struct grade *g);

/*
 * Paragraph by words, the first line behind what stands in the line already
 * (`at` columns), the others behind `indent` blanks.
 */
void tell_wrapped(struct text *out, const char *words, unsigned at,
		  unsigned indent);

#endif
