/* SPDX-License-Identifier: MIT */
/* A trace to read: recorded afresh for each student who begins a lab. */
#ifndef LABS_ENGINE_RECORD_H
#define LABS_ENGINE_RECORD_H

#include "labs/engine/lab.h"

#define LAB_TRACE_WORDS 32u /* in lab->trace_run */

/*
 * Record lab->trace_run, against a desk and the ringsided that the lab's object
 * is (so it must take nothing out), into the directory `to`, which is not there
 * yet.  0; -EINVAL: lab.ini asks for what cannot be; -EIO: something failed,
 * and the sentence has its words.
 */
int lab_trace_record(const struct lab *lab, const char *to, struct why *why);

/*
 * Put numbers in place of each "@RANDOM(A,B)@".  NULL without memory, or if
 * that is not what stands there; to be freed.
 */
char *lab_random_fill(const char *text);

#endif
