/* SPDX-License-Identifier: MIT */
/*
 * A histogram of durations from 1 ns to centuries, in buckets that are at
 * most 1/32 wider than their lower end.  No allocation, no rounding of the
 * extremes: minimum and maximum are exact.
 */
#ifndef FRONTEND_LATENCY_H
#define FRONTEND_LATENCY_H

#include <stdint.h>

#define LATENCY_SUB_BITS 5
#define LATENCY_BUCKETS	 ((64 - LATENCY_SUB_BITS + 1) << LATENCY_SUB_BITS)

/* Zero-initialised it is empty. */
struct latency {
	uint64_t count;
	uint64_t min_ns;
	uint64_t max_ns;
	uint64_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *l, uint64_t ns);

/* Add all that `from` holds. */
void latency_merge(struct latency *l, const struct latency *from);

/*
 * The duration that `percent` (0 to 100) of all stay below or reach, to the
 * width of its bucket; 0 if there is none.
 */
uint64_t latency_percentile(const struct latency *l, double percent);

#endif
