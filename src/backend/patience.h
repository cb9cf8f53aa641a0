/* SPDX-License-Identifier: MIT */
/*
 * How long a queue with nothing to do looks at its ring before it sleeps.
 * A request found by looking costs neither side a notification; looking for
 * one that does not come costs a processor.  So the time is learned from how
 * long requests lately kept the queue waiting, bounded, and 0 where they
 * come too seldom to be met this way.
 */
#ifndef BACKEND_PATIENCE_H
#define BACKEND_PATIENCE_H

#include <stdint.h>

#define PATIENCE_MAX_US 100000u /* what may be asked for as a bound */

struct patience {
	uint64_t max_ns;  /* 0: never look */
	uint64_t mean_ns; /* of the last waits; recent ones weigh more */
};

/* Begins with no patience; `max_us` is 0..PATIENCE_MAX_US. */
void patience_init(struct patience *p, unsigned max_us);

/* How long to look now, at most max_ns; 0: sleep at once. */
uint64_t patience_ns(const struct patience *p);

/* After a wait for requests, with or without sleep: how long it was. */
void patience_learn(struct patience *p, uint64_t waited_ns);

#endif
