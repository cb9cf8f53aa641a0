/* SPDX-License-Identifier: MIT */
/* The cases of ringside-frontends that a lab's checks name, in one call. */
#ifndef LABS_ENGINE_CASES_H
#define LABS_ENGINE_CASES_H

#include "labs/engine/run.h"

/*
 * Run those of all checks, with domains from `domid` on, and give each check
 * its own; with `first` until one failed, in the order of the file.  0; or
 * -errno with a sentence.
 */
int cases_run(struct site *s, const struct expect *e, uint16_t domid,
	      bool first, struct run_check *out, struct why *why);

#endif
