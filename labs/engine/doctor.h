/* SPDX-License-Identifier: MIT */
/*
 * Does this machine have what a lab needs?  Each thing is tried, not looked
 * up: a program is compiled and linked, a namespace made, a trace recorded, a
 * picture drawn.
 */
#ifndef LABS_ENGINE_DOCTOR_H
#define LABS_ENGINE_DOCTOR_H

#include <stdio.h>

#include "labs/engine/root.h"

/*
 * Write a line for each thing, "ok", "missing" or "broken", and below those
 * that are not well what to do.  `root` is NULL where there are no labs, and
 * `why_none` says why.  Returns how many are not well, or -errno with a
 * sentence if it could not be tried at all.
 */
int lab_doctor(const struct lab_root *root, const struct why *why_none,
	       FILE *to, struct why *why);

#endif
