/* SPDX-License-Identifier: MIT */
/* A lab begins: from its folder to a student's directory. */
#ifndef LABS_ENGINE_START_H
#define LABS_ENGINE_START_H

#include "labs/engine/work.h"

/*
 * Makes `dir` if it is missing, copies into it what is in skeleton/, README.md,
 * whose links to "../../" go to ROOT then, and what else is meant for students
 * to look at (lab_student_look), links ROOT's docs/ and include/ there, records
 * its trace if it has one, and writes the state.  Takes `lab` if it returns 0.
 * -EEXIST: a file that it would write is there, and nothing was changed;
 * -ENOENT: the lab has no skeleton.
 */
int lab_work_start(struct lab *lab, const char *dir, struct lab_work **out,
		   struct why *why);

/*
 * Of a lab's folder: is a file or folder of that name for students to look
 * at?  README.md, expect.trace, frontends/, pictures (pictures/, *.svg, *.png)
 * and traces/ are.  The grader reads its own expect.trace.
 */
bool lab_student_look(const char *name);

/*
 * Does it belong into a kit: the same, and lab.ini, hints/, skeleton/?  What is
 * not known here does not.
 */
bool lab_student_kit(const char *name);

#endif
