/* SPDX-License-Identifier: MIT */
/*
 * A student's directory: the files that they edit and, in .lab/, what was done
 * there.  .lab/state.json is one object:
 *
 *	lab          "05-ring"
 *	version      of ringside, when it was started
 *	started      seconds since 1970
 *	hints        [{n, at}]                     taken
 *	catchup      [{n, at}]                     steps that were filled in
 *	predictions  {NAME: {value, explain, at}}  value is a number
 *	grades       [{at, points, of, ...}]       the grader's, last 50
 *	measures     [{at, name, ...}]             the grader's, last 50
 *
 * It is the student's own and proves nothing: a teacher grades what was handed
 * in.  All of .lab/ may be deleted but the file state.json; out/ is for what a
 * command makes (traces, pictures).
 */
#ifndef LABS_ENGINE_WORK_H
#define LABS_ENGINE_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include "labs/engine/lab.h"

#define LAB_WORK_STATE ".lab/state.json"

struct lab_work {
	char *dir;	 /* absolute */
	char *meta;	 /* dir/.lab, for the engine's files; is there */
	char *out;	 /* dir/out; lab_work_out_make() makes it */
	struct lab *lab; /* owned */
	struct json_object *state; /* owned; change it by what is below */
	bool borrowed;		   /* by lab_work_borrow() */
};

/*
 * The student's directory `dir` (NULL: where we are, or above, up to the
 * first that has .lab/state.json).  Gives *out, which borrows `root`.
 * -ENOENT: it is none (the sentence says what to do); -EINVAL: its state
 * cannot be read, or names a lab that there is not.
 */
int lab_work_open(const struct lab_root *root, const char *dir,
		  struct lab_work **out, struct why *why);

/*
 * For graders of what a student handed in, and for solutions: files in `dir`,
 * with no state to be kept.  meta and out are below `scratch`, a directory that
 * is there; lab_work_save() does nothing.  Takes `lab` if it returns 0.
 */
int lab_work_borrow(struct lab *lab, const char *dir, const char *scratch,
		    struct lab_work **out, struct why *why);

void lab_work_free(struct lab_work *work);

/* The student's file i of lab->files.  NULL without memory; to be freed. */
char *lab_work_file(const struct lab_work *work, unsigned i);

/* Make work->out if it is missing. */
int lab_work_out_make(const struct lab_work *work, struct why *why);

/* Write the state, whole or not at all. */
int lab_work_save(const struct lab_work *work, struct why *why);

/* ---- what the state says ------------------------------------------------- */

/* Bit n-1 is set if hint n (catchup n) was taken; n is 1..32. */
uint32_t lab_work_hints(const struct lab_work *work);
uint32_t lab_work_catchups(const struct lab_work *work);
void lab_work_hint_note(struct lab_work *work, unsigned n);
void lab_work_catchup_note(struct lab_work *work, unsigned n);

/*
 * False if nothing was predicted of that name.  *explain is the state's, "" if
 * nothing was written.
 */
bool lab_work_prediction(const struct lab_work *work, const char *name,
			 double *value, const char **explain);
void lab_work_prediction_note(struct lab_work *work, const char *name,
			      double value, const char *explain);

/* It was measured: an entry of "measures" has its name as "name". */
bool lab_work_measured(const struct lab_work *work, const char *name);

/*
 * Append to the list `list` ("grades", "measures"), which keeps its last 50.
 * Takes `entry`, an object, and adds "at" to it, seconds since 1970.
 */
void lab_work_note(struct lab_work *work, const char *list,
		   struct json_object *entry);

/* The last one of that list, borrowed; NULL if it is empty. */
struct json_object *lab_work_last(const struct lab_work *work,
				  const char *list);

#endif
