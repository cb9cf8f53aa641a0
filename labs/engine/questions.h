/* SPDX-License-Identifier: MIT */
/* answers.md: what a student writes about the README's questions. */
#ifndef LABS_ENGINE_QUESTIONS_H
#define LABS_ENGINE_QUESTIONS_H

#include "labs/engine/lab.h"

#define LAB_ANSWERS "answers.md"

/*
 * answers.md as it begins: each question that the README numbers below
 * "## Questions" is a heading.  NULL: the lab has no questions of that kind (or
 * its answers are what is graded).  To be freed.
 */
char *lab_questions_form(const struct lab *lab);

#endif
