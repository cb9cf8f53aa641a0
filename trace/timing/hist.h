/* SPDX-License-Identifier: MIT */
/*
 * How long something took, counted where it happened: a slot to each power of
 * two.  Compiled for BPF, too: nothing here but plain types.
 */
#ifndef TIMING_HIST_H
#define TIMING_HIST_H

#include <linux/types.h>

/* The last one has all from 2^39 ns on, nine minutes. */
#define TIMING_SLOTS 40

struct timing_hist {
	__u64 sum_ns;
	__u64 slot[TIMING_SLOTS];
};

/* The slot of a time: the place of its highest bit. */
static inline __u32 timing_slot(__u64 ns)
{
	__u32 slot = 0, step;

	for (step = 32; step; step /= 2)
		if (ns >> step) {
			ns >>= step;
			slot += step;
		}
	return slot < TIMING_SLOTS ? slot : TIMING_SLOTS - 1;
}

/* The least time that is counted in it. */
static inline __u64 timing_slot_from_ns(__u32 slot)
{
	return slot ? 1ull << slot : 0;
}

#endif
