/* SPDX-License-Identifier: MIT */
/*
 * lab.ini, as docs/teaching.md describes it: sections [lab], [limits],
 * [trace] and any number of [predict NAME].
 */
#ifndef LABS_ENGINE_LAB_INI_H
#define LABS_ENGINE_LAB_INI_H

#include "labs/engine/lab.h"

/*
 * Fill in what the file says; the rest of `lab` is zeroes and defaults.
 * -EINVAL: it cannot be read, or "FILE:LINE: ..." is wrong; what was filled in
 * so far is the caller's to free.
 */
int lab_ini_read(struct lab *lab, const char *path, struct why *why);

#endif
