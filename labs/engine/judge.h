/* SPDX-License-Identifier: MIT */
/* From what a run has seen to a verdict on each line of a check. */
#ifndef LABS_ENGINE_JUDGE_H
#define LABS_ENGINE_JUDGE_H

#include "labs/engine/grade.h"

/* Fill g->check from g->run and g->log, and count g->points. */
void judge_grade(struct grade *g);

/*
 * Whether a check of a frontend has failed by what the frontend and the desk
 * say, whatever the trace, which is not there yet, will say.
 */
bool judge_failed_already(struct arena *a, const struct expect_check *check,
			  const struct run_check *run);

#endif
