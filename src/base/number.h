/* SPDX-License-Identifier: MIT */
/* Numbers from text that nobody has checked yet. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

/*
 * A whole decimal number between min and max, nothing before or after it.
 * Returns 0, -EINVAL (not a number) or -ERANGE; *out only changes on 0.
 * This is XB-08's form of numbers in the store.
 */
int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* The same with an optional binary suffix k, M, G or T: "64k" is 65536. */
int number_parse_size(const char *text, uint64_t min, uint64_t max,
		      uint64_t *out);

#endif
