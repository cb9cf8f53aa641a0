/* SPDX-License-Identifier: MIT */
/*
 * From a solution to what a student gets.  A solution compiles as it stands
 * and has regions, each between two comments that stand on lines of their own,
 * numbered from 1 in order through all files of the lab:
 *
 *	TODO 2/4: Say whether the frontend must be notified (RG-30).
 *	... code, and any number of comments of one line:
 *	SKELETON: return false;
 *	END 2
 *
 * The skeleton keeps the TODO comment, of one or more lines, and what the
 * SKELETON comments say; the code and the END comment are left out.  In a file
 * that is not C a comment is a line that begins with "#".
 *
 * In a student's file, a region ends before the next TODO, or at the end of
 * the function, a closing brace in the first column; in a file that is not C,
 * before the next TODO or at the end of the file.
 */
#ifndef LABS_ENGINE_SKELETON_H
#define LABS_ENGINE_SKELETON_H

#include <stdint.h>

#include "base/why.h"
#include "labs/engine/lab.h"

#define SKELETON_STEPS 32u /* at most, in a lab */

/*
 * What is wrong is told as "NAME:LINE: ...", -EINVAL, where `name` is what the
 * person calls the text.  Each gives *out, to be freed.
 *
 * skeleton_make leaves the code of the regions up to step `keep` in (0: of
 * none), with all their marks, so that it can be caught up from.
 */
int skeleton_make(const char *name, const char *solution, unsigned keep,
		  char **out, struct why *why);

/*
 * The student's text with the region of `step` as it is in the solution.
 * -ENOENT: the solution has no such step; -ESRCH: the student's text has not,
 * or the TODO comment was removed.
 */
int skeleton_fill(const char *name, const char *student,
		  const char *solution_name, const char *solution,
		  unsigned step, char **out, struct why *why);

/*
 * The steps of a text: bit n-1 of *steps is set if it has a TODO n, and *total
 * is what stands after the slash (0: there is none).
 */
int skeleton_steps(const char *name, const char *text, uint32_t *steps,
		   unsigned *total, struct why *why);

/*
 * Make the skeletons of all files of a lab, from its solution/, in the folder
 * `to`, which is made.  Each TODO from 1 to the total has to be there once, all
 * files taken together, and there must be one.
 */
int skeleton_write(const struct lab *lab, const char *to, unsigned keep,
		   struct why *why);

/*
 * Put the solution's step into the student's files in `dir`.  `from` has files
 * as in solution/ (NULL: solution/ itself).  -ENOENT: there is no solution, or
 * no such step in it; else as skeleton_fill.  *file is the file's index.
 */
int skeleton_catchup(const struct lab *lab, const char *dir, const char *from,
		     unsigned step, unsigned *file, struct why *why);

#endif
