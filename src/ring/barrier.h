/* SPDX-License-Identifier: MIT */
/*
 * The ordering that the ring needs, and nothing else.  Each use says what
 * must be seen before what.
 */
#ifndef RING_BARRIER_H
#define RING_BARRIER_H

#include <stdint.h>

/*
 * Read a shared index that the peer publishes.  What the peer wrote before
 * it (the slots) is seen after it.
 */
static inline uint32_t ring_load_acquire(const uint32_t *shared)
{
	return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

/* Read a shared index of which only the value matters. */
static inline uint32_t ring_load(const uint32_t *shared)
{
	return __atomic_load_n(shared, __ATOMIC_RELAXED);
}

/* Publish an index: the slots written before it are seen before it. */
static inline void ring_store_release(uint32_t *shared, uint32_t value)
{
	__atomic_store_n(shared, value, __ATOMIC_RELEASE);
}

static inline void ring_store(uint32_t *shared, uint32_t value)
{
	__atomic_store_n(shared, value, __ATOMIC_RELAXED);
}

/*
 * A store above must be visible before a load below: producer index before
 * the peer's event index, event index before the last look.
 */
static inline void ring_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
