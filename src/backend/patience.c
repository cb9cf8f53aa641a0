/* SPDX-License-Identifier: MIT */
#include "backend/patience.h"

/* A wait counts as this many times the bound at most: it was too long. */
#define LONG 4
/* The last wait weighs one against this many. */
#define WEIGHT 8

void patience_init(struct patience *p, unsigned max_us)
{
	p->max_ns = max_us * 1000ull;
	p->mean_ns = LONG * p->max_ns;
}

uint64_t patience_ns(const struct patience *p)
{
	if (p->mean_ns > p->max_ns)
		return 0;
	/* Twice the mean meets most of them. */
	return p->mean_ns * 2 < p->max_ns ? p->mean_ns * 2 : p->max_ns;
}

void patience_learn(struct patience *p, uint64_t waited_ns)
{
	uint64_t most = LONG * p->max_ns;

	if (waited_ns > most)
		waited_ns = most;
	p->mean_ns += waited_ns / WEIGHT;
	p->mean_ns -= p->mean_ns / (WEIGHT + 1);
}
