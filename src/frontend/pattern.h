/* SPDX-License-Identifier: MIT */
/*
 * What --verify writes: each sector of 512 bytes says which sector it is,
 * which writing of that sector it carries (its generation, from 1) and of
 * which run (the seed), and is filled up with numbers that follow from all
 * three.  So a sector that is read tells not only that it is wrong, but how:
 * an older writing, another sector's data, or no data of ours.
 */
#ifndef FRONTEND_PATTERN_H
#define FRONTEND_PATTERN_H

#include <stdint.h>

#include "base/why.h"

#define PATTERN_SECTOR_BYTES 512u

/* Any generation, as long as the sector agrees with itself. */
#define PATTERN_ANY 0u

/* Fill `len_bytes` (whole sectors) for the disk from `sector` on. */
void pattern_fill(void *buf, uint32_t len_bytes, uint64_t sector,
		  uint32_t generation, uint64_t seed);

/*
 * Check what was read.  0; or -EILSEQ with a sentence about the first sector
 * that is not as it was written.
 */
int pattern_check(const void *buf, uint32_t len_bytes, uint64_t sector,
		  uint32_t generation, uint64_t seed, struct why *why);

/* The next of a row of random numbers; any state will do. */
uint64_t pattern_random(uint64_t *state);

#endif
