/* SPDX-License-Identifier: MIT */
/* Where what a view made goes. */
#ifndef VIZ_OUTPUT_H
#define VIZ_OUTPUT_H

#include "base/why.h"
#include "viz/text.h"

/*
 * To the file `path`, or to stdout if it is NULL.  0, or -EIO with a
 * sentence.  That a reader of stdout stops in the middle is no error;
 * SIGPIPE must be ignored.
 */
int output_write(const char *path, const struct text *t, struct why *why);

#endif
