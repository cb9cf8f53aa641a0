/* SPDX-License-Identifier: MIT */
/* What is missing of the requests, and whether that can be told. */
#ifndef VIZ_MODEL_JUDGE_H
#define VIZ_MODEL_JUDGE_H

#include "viz/model/model.h"

/* All events were taken in: count what is open, free what joined. */
void requests_judge(struct model *m);

#endif
