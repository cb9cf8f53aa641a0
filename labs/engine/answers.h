/* SPDX-License-Identifier: MIT */
/* The answers to a lab without code, for teachers: those of a fresh trace. */
#ifndef LABS_ENGINE_ANSWERS_H
#define LABS_ENGINE_ANSWERS_H

#include "labs/engine/lab.h"

/*
 * Record the lab's trace as dir/trace, and put what it says in the place of
 * each {QUERY} in the lab's files in `dir`.  -EINVAL: what stands in braces is
 * no query, or the lab has no trace.
 */
int lab_answers_fill(const struct lab *lab, const char *dir, struct why *why);

#endif
