/* SPDX-License-Identifier: MIT */
/*
 * What a lab is: a folder NN-name below ROOT/labs (labs/engine/root.h) with its
 * lab.ini.
 */
#ifndef LABS_ENGINE_LAB_H
#define LABS_ENGINE_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "labs/engine/root.h"

#define LAB_FILES	4u /* that a student edits, at most */
#define LAB_NEEDS	8u
#define LAB_PREDICTIONS 16u
#define LAB_NO_NUMBER	UINT32_MAX /* of labs/template */

/* [predict NAME]: a number that is asked for before it is measured. */
struct lab_prediction {
	char *name;
	char *ask;  /* the question */
	char *unit; /* "" if it has none */
	char *run;  /* as after `run` in expect.trace: "front ..." */
	char *of;   /* what is measured: "desk KEY", "front KEY", "count .." */
	char *explain; /* what to write about; "" if nothing */
};

struct lab {
	const struct lab_root *root; /* borrowed */
	uint32_t number;	     /* NN, or LAB_NO_NUMBER */
	char *id;		     /* its folder's name: "05-ring" */
	char *name;		     /* without the number: "ring" */
	char *dir;		     /* ROOT/labs/ID */
	char *title;
	unsigned minutes; /* 1..600 */

	/* Plain names (no '/'), which lie in solution/ and skeleton/. */
	char *file[LAB_FILES];
	unsigned files; /* 1..LAB_FILES */
	/* The source in the project's tree; NULL for a lab without code. */
	char *replaces;
	/* ROOT/lib/ID.o, the rest of ringsided.  May be missing: look. */
	char *object;

	/*
	 * [trace] run, "front ...": recorded when the lab begins, in DIR/trace;
	 * NULL: nothing is.  "@RANDOM(2,9)@" in it is a number from 2 to 9.
	 */
	char *trace_run;

	uint32_t need[LAB_NEEDS]; /* numbers of labs that should come before */
	unsigned needs;

	struct {
		unsigned seconds;      /* for each check; 1..3600 */
		uint64_t memory_bytes; /* of the student's ringsided */
	} limit;

	struct lab_prediction prediction[LAB_PREDICTIONS];
	unsigned predictions;
};

/*
 * Load the lab that `which` names: "5", "05", "ring", "05-ring".  Gives *out,
 * which borrows `root`.  -ENOENT: there is none (the sentence names those that
 * there are); -EINVAL: its lab.ini is wrong, "FILE:LINE: ...".
 */
int lab_load(const struct lab_root *root, const char *which, struct lab **out,
	     struct why *why);
void lab_free(struct lab *lab);

/* All labs by number, those without last.  Gives *out, free by the other. */
struct lab_list {
	struct lab **lab;
	unsigned count;
};
int lab_list_load(const struct lab_root *root, struct lab_list *out,
		  struct why *why);
void lab_list_free(struct lab_list *list);

/*
 * A path below the lab's folder by printf rules ("hints/%u.md"); NULL without
 * memory.  To be freed.
 */
char *lab_path(const struct lab *lab, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* How many hints there are, hints/1.md and on. */
unsigned lab_hints(const struct lab *lab);

/* NULL if there is none of that name. */
const struct lab_prediction *lab_prediction_find(const struct lab *lab,
						 const char *name);

#endif
