/* SPDX-License-Identifier: MIT */
/* What only a teacher's tree has, and a kit has not. */
#ifndef LABS_ENGINE_SOLUTION_H
#define LABS_ENGINE_SOLUTION_H

#include <stdbool.h>

#include "labs/engine/lab.h"

/* True if solution/ is here: this is no kit. */
bool lab_has_solution(const struct lab *lab);

/* Copy the lab's files from solution/ into `to`, a directory that is there. */
int lab_solution_copy(const struct lab *lab, const char *to, struct why *why);

/*
 * Wrong solutions, for the tests.  A mutant NAME is one of
 *	mutants/NAME.sed   a script for sed -E, which is applied to each file of
 *	                   the solution and has to change one of them
 *	mutants/NAME.c     in place of the lab's only file
 *	mutants/NAME/      files in place of the solution's of that name
 *
 * lab_mutants gives *out, a sorted NULL-terminated list of names, one block
 * for free(3); empty if there is no folder.  lab_mutant_copy does for a mutant
 * what lab_solution_copy does for the solution; -ENOENT: there is none.
 */
int lab_mutants(const struct lab *lab, char ***out, struct why *why);
int lab_mutant_copy(const struct lab *lab, const char *mutant, const char *to,
		    struct why *why);

#endif
