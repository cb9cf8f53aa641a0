/* SPDX-License-Identifier: MIT */
/*
 * What a frontend wants of its connection: how large the rings, how many of
 * them, which requests, which layout.  Everything beyond the defaults has to
 * be offered by the backend (frontend/settle.h).
 */
#ifndef FRONTEND_TRANSPORT_H
#define FRONTEND_TRANSPORT_H

#include <stdbool.h>

#include "ring/abi.h"

#define FRONT_RING_ORDER_MAX 5u
#define FRONT_RING_PAGES_MAX (1u << FRONT_RING_ORDER_MAX)
#define FRONT_QUEUES_MAX     16u

/* RQ-36: more would not fit into the pages of a list. */
#define FRONT_SEGS_MAX (RING_LIST_PAGES_MAX * RING_LIST_SEGS)

/* What Linux's blkfront uses unless told otherwise. */
#define FRONT_INDIRECT_DEFAULT 32u

/* Zero-initialised: one ring of one page, direct requests, x86_64. */
struct front_transport {
	unsigned ring_order; /* 0..FRONT_RING_ORDER_MAX */
	unsigned queues;     /* 1..FRONT_QUEUES_MAX; 0 is one */
	/*
	 * Segments of a request at most; up to RING_SEGS_MAX none is
	 * indirect.
	 */
	unsigned indirect;
	bool indirect_must; /* fail where fewer are offered */
	bool persistent;    /* GR-47 */
	enum ring_abi abi;
	bool sector_units; /* count sectors in sector-size, not in 512 */
};

/*
 * "x86_64", "x86_32" or "native", which is what this program was compiled
 * for.  False: it is none of them.
 */
bool front_abi_parse(const char *text, enum ring_abi *abi);

/* As the key `protocol` spells it (XB-13), and as --abi does. */
const char *front_abi_protocol(enum ring_abi abi);
const char *front_abi_name(enum ring_abi abi);

#endif
