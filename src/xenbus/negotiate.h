/* SPDX-License-Identifier: MIT */
/*
 * What the two sides agree on: the keys that we offer before state 2
 * (XB-01), the keys that a frontend wrote before its state 3 turned into a
 * checked description of its rings (XB-03, XB-04, XB-08 to XB-13), and the
 * disk's parameters that stand before state 4 (XB-02).
 */
#ifndef XENBUS_NEGOTIATE_H
#define XENBUS_NEGOTIATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "xenbus/device.h"

#define NEGOTIATE_ORDER_MAX  4u /* 16 ring pages */
#define NEGOTIATE_QUEUES_MAX 16u

/* What this backend offers to a frontend. */
struct negotiate_offer {
	unsigned ring_order_max; /* 0..NEGOTIATE_ORDER_MAX */
	unsigned queues_max;	 /* 1..NEGOTIATE_QUEUES_MAX */
	unsigned indirect_segs;	 /* of a request (XB-17); 0: no indirect ones */
	bool flush;
	bool barrier;
	bool persistent; /* grants that are kept mapped (GR-47) */
	bool discard;	 /* then (XB-16), in bytes: */
	bool secure;	 /* discards may be asked to be */
	uint32_t discard_granularity;
	uint32_t discard_alignment;
	/* Not offered, but of it: the frontend was at 3 before it stood. */
	bool unseen; /* so it may use defaults only (XB-04) */
};

enum negotiate_abi { NEGOTIATE_X86_64, NEGOTIATE_X86_32 };

struct negotiate_ring {
	uint32_t gref[1u << NEGOTIATE_ORDER_MAX];
	uint32_t evtchn_port; /* the frontend's */
};

/* What a frontend asked for, checked. */
struct negotiate_result {
	enum negotiate_abi abi;
	unsigned ring_order;
	unsigned queues;
	bool persistent; /* both sides want it */
	struct negotiate_ring ring[NEGOTIATE_QUEUES_MAX];
};

/* The disk as the frontend is told of it. */
struct negotiate_disk {
	uint64_t size_bytes;
	uint32_t sector_bytes;
	uint32_t physical_bytes;
	unsigned unit_shift; /* `sectors` counts 512 << unit_shift bytes */
	bool readonly;
	bool cdrom;
	bool removable;
};

/*
 * Write the offer and state 2 in one transaction.  0, or -errno from the
 * store.
 */
int negotiate_offer_write(struct xenbus_device *d,
			  const struct negotiate_offer *offer);

/*
 * Read and check what the frontend wrote.  0; or -EINVAL with a sentence and
 * the identifier of the rule that is broken in *rule; or -errno from the
 * store with *rule "".
 */
int negotiate_read(struct xenbus_device *d, const struct negotiate_offer *offer,
		   struct negotiate_result *out, const char **rule,
		   struct why *why);

/*
 * Write sectors, sector-size, physical-sector-size, info, and state 4, in one
 * transaction (XB-02, XB-05: after rings and ports stand).
 */
int negotiate_connected_write(struct xenbus_device *d,
			      const struct negotiate_disk *disk);

/*
 * The disk has another size: write it, and state 4 again, in one transaction
 * (XB-18).  -ESTALE, and nothing is written, if the device is not at 4 any
 * more, for example because the toolstack has just asked for its end.
 */
int negotiate_resized_write(struct xenbus_device *d,
			    const struct negotiate_disk *disk);

#endif
