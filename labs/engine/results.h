/* SPDX-License-Identifier: MIT */
/* A grade for programs: Gradescope's results.json. */
#ifndef LABS_ENGINE_RESULTS_H
#define LABS_ENGINE_RESULTS_H

#include "labs/engine/grade.h"

/* Write it to `path`, whole or not at all.  0 or -errno with a sentence. */
int results_write(const struct grade *g, const char *path, struct why *why);

#endif
