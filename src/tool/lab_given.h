/* SPDX-License-Identifier: MIT */
/*
 * What is graded or built: a student's directory, files that somebody handed
 * in, or the lab's own solution or one of its mutants.
 */
#ifndef TOOL_LAB_GIVEN_H
#define TOOL_LAB_GIVEN_H

#include <argp.h>
#include <stdbool.h>

#include "labs/engine/work.h"
#include "tool/lab_tool.h"

struct lab_given_options {
	struct lab_tool_place place;
	const char *lab;
	const char *mutant;
	const char *out; /* for what is kept of files without a state */
	bool solution;
};

/* Options --dir, --trust, --lab, --solution, --mutant; its input is one of
 * these. */
extern const struct argp lab_given_argp;

struct lab_given {
	struct lab_root *root;
	struct lab_work *work;
	char scratch[4096]; /* "" or a directory of ours */
	bool keep;
};

/*
 * Gives *g; also after an error it has to be closed.  -ENOENT or -EINVAL with
 * a sentence: what the options ask for is not there; or another -errno.
 */
int lab_given_open(struct lab_given *g, const struct lab_given_options *o,
		   struct why *why);
void lab_given_close(struct lab_given *g);

#endif
