/* SPDX-License-Identifier: MIT */
#include "frontend/latency.h"

#define SUB (1u << LATENCY_SUB_BITS)

/*
 * Small values have a bucket each; from 2 * SUB on, every power of two is
 * divided into SUB buckets.
 */
static unsigned bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns < 2 * SUB)
		return (unsigned)ns;
	shift = 63 - LATENCY_SUB_BITS - (unsigned)__builtin_clzll(ns);
	return shift * SUB + (unsigned)(ns >> shift);
}

/* The largest value that falls into it. */
static uint64_t bucket_end(unsigned bucket)
{
	unsigned shift;

	if (bucket < 2 * SUB)
		return bucket;
	shift = bucket / SUB - 1;
	return (((uint64_t)bucket % SUB + SUB + 1) << shift) - 1;
}

void latency_add(struct latency *l, uint64_t ns)
{
	if (!l->count || ns < l->min_ns)
		l->min_ns = ns;
	if (ns > l->max_ns)
		l->max_ns = ns;
	l->count++;
	l->buckets[bucket_of(ns)]++;
}

void latency_merge(struct latency *l, const struct latency *from)
{
	unsigned i;

	if (!from->count)
		return;
	if (!l->count || from->min_ns < l->min_ns)
		l->min_ns = from->min_ns;
	if (from->max_ns > l->max_ns)
		l->max_ns = from->max_ns;
	l->count += from->count;
	for (i = 0; i < LATENCY_BUCKETS; i++)
		l->buckets[i] += from->buckets[i];
}

uint64_t latency_percentile(const struct latency *l, double percent)
{
	double exact = percent / 100 * (double)l->count;
	uint64_t rank = (uint64_t)exact;
	uint64_t seen = 0;
	unsigned i;

	if (!l->count)
		return 0;
	if ((double)rank < exact)
		rank++;
	for (i = 0; i < LATENCY_BUCKETS; i++) {
		seen += l->buckets[i];
		if (seen && seen >= rank)
			break;
	}
	if (i == LATENCY_BUCKETS || bucket_end(i) > l->max_ns)
		return l->max_ns;
	return bucket_end(i) < l->min_ns ? l->min_ns : bucket_end(i);
}
