/* SPDX-License-Identifier: MIT */
/* From what a run has seen to a verdict on each line of a check. */
#ifndef LABS_ENGINE_JUDGE_H
#define LABS_ENGINE_JUDGE_H

#include "labs/engine/grade.h"

/* Fill g->check from g->run and g->log, and count g->points. */
void judge_grade(struct grade *g);

#endif
