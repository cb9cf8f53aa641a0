/* SPDX-License-Identifier: MIT */
/* Where in a text something stands: a function, a rule's clause. */
#ifndef LABS_ENGINE_SOURCE_H
#define LABS_ENGINE_SOURCE_H

#include "labs/engine/arena.h"
#include "labs/engine/work.h"

/* "back.c:57", where the student's files define it; NULL if they do not. */
const char *source_function(struct arena *a, const struct lab_work *work,
			    const char *function);

/*
 * What a rule asks, in words, from docs/protocol.md.  NULL if it is not there.
 */
const char *source_clause(struct arena *a, const struct lab_root *root,
			  const char *rule);

/*
 * The value of "KEY = VALUE" in answers.txt, without blanks around it; NULL if
 * it is not there or empty.
 */
const char *source_answer(struct arena *a, const struct lab_work *work,
			  const char *key);

#endif
