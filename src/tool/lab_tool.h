/* SPDX-License-Identifier: MIT */
/* What the subcommands of `ringside lab` have in common. */
#ifndef TOOL_LAB_TOOL_H
#define TOOL_LAB_TOOL_H

#include <argp.h>

#include "labs/engine/work.h"

/* "NAME: SENTENCE" on stderr; NAME is argv[0], "ringside lab hint". */
void lab_tool_complain(const char *name, const struct why *why);

/*
 * The exit code for an error of the engine: 2 where what was asked for cannot
 * be (no such lab, a wrong file, something in the way), else 1.
 */
int lab_tool_code(int err);

/* Find ROOT, or complain and return the exit code. */
int lab_tool_root(const char *name, struct lab_root **root);

/* The same, and load a lab of it. */
int lab_tool_lab(const char *name, const char *which, struct lab_root **root,
		 struct lab **lab);

/* The same, and open the student's directory `dir` (NULL: where we are). */
int lab_tool_work(const char *name, const char *dir, struct lab_root **root,
		  struct lab_work **work);

/*
 * Options that several of them have, for their own argp_option lists; the keys
 * are 'C' and 'o'.
 */
#define LAB_TOOL_DIR                                                           \
	{                                                                      \
		"dir", 'C', "DIR", 0,                                          \
			"the student's directory (default: where you are)", 0  \
	}
#define LAB_TOOL_OUTPUT(what)                                                  \
	{                                                                      \
		"output", 'o', "FILE", 0, what, 0                              \
	}

/*
 * --dir and --trust, for those that build and run what is in a student's
 * directory: a child of their argp, whose input is one of these.
 */
struct lab_tool_place {
	const char *dir; /* NULL: where we are */
	bool trust;	 /* without confinement */
};
extern const struct argp lab_tool_place_argp;

#endif
