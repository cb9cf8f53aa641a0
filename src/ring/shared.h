/* SPDX-License-Identifier: MIT */
/*
 * The shared ring of blkif (xen/io/ring.h): its memory.
 *
 * One page or several consecutive ones hold four indices and then slots; a
 * slot is a request on the way there and a response on the way back.
 * Indices run free modulo 2^32.  The memory is shared with a peer that may
 * write anything at any time: it has a type of its own, is touched by this
 * folder only, and a slot leaves it by one copy (RG-24, XSA-155).
 *
 * The two ends stand in ring/back.h and ring/front.h.  Neither allocates or
 * locks: one thread owns an end.
 */
#ifndef RING_SHARED_H
#define RING_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ring/abi.h"
#include "xen/xen.h"

/* The peer's memory: indices only through ring/barrier.h. */
struct ring_shared {
	uint32_t req_prod;
	uint32_t req_event;
	uint32_t rsp_prod;
	uint32_t rsp_event;
	uint8_t pad[RING_HEADER_BYTES - 16];
	uint8_t slots[];
};

/* What one slot held when it was copied. */
struct ring_slot {
	uint32_t idx; /* free-running index */
	uint8_t bytes[RING_SLOT_MAX] __attribute__((aligned(8)));
};

/* Number of slots in `pages` pages: a power of two (32 in one page). */
static inline uint32_t ring_entries(enum ring_abi abi, unsigned pages)
{
	uint32_t fit = (pages * XEN_PAGE_SIZE - RING_HEADER_BYTES) /
		       ring_abi_slot_bytes(abi);

	return 1u << (31 - __builtin_clz(fit));
}

/* Where slot `idx` lives.  `entries` is a power of two. */
static inline uint8_t *ring_slot_at(struct ring_shared *s, enum ring_abi abi,
				    uint32_t entries, uint32_t idx)
{
	return s->slots +
	       (size_t)(idx & (entries - 1)) * ring_abi_slot_bytes(abi);
}

#endif
