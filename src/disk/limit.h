/* SPDX-License-Identifier: MIT */
/*
 * A token bucket that several threads share without a lock: one number, the
 * time at which the bucket will be as full as it can be less what was taken.
 * (As the generic cell rate algorithm has it.)  It holds what LIMIT_BURST_NS
 * bring.
 */
#ifndef DISK_LIMIT_H
#define DISK_LIMIT_H

#include <stdatomic.h>
#include <stdint.h>

#define LIMIT_BURST_NS 100000000u

struct limit {
	uint64_t rate; /* tokens a second; 0: no limit */
	_Atomic uint64_t next_ns;
};

/* Take tokens; returns from when on they may be used, perhaps in the past. */
static inline uint64_t limit_take(struct limit *l, uint64_t tokens,
				  uint64_t now_ns)
{
	uint64_t at, from, cost;

	if (!l->rate)
		return 0;
	cost = (uint64_t)((double)tokens * 1e9 / (double)l->rate);
	at = atomic_load_explicit(&l->next_ns, memory_order_relaxed);
	do {
		from = at + LIMIT_BURST_NS > now_ns ? at
						    : now_ns - LIMIT_BURST_NS;
	} while (!atomic_compare_exchange_weak_explicit(
		&l->next_ns, &at, from + cost, memory_order_relaxed,
		memory_order_relaxed));
	return from;
}

#endif
