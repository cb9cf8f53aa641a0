/* SPDX-License-Identifier: MIT */
/*
 * A frontend's requests as bytes of a slot, and what its responses leave
 * between their fields, in each of the layouts (ring/abi.h).
 */
#ifndef FRONTEND_SLOT_H
#define FRONTEND_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "ring/abi.h"

/* A request, whatever the layout. */
struct front_slot {
	uint8_t op;	  /* as it stands in the slot */
	uint8_t inner_op; /* of an indirect request */
	uint16_t segments;
	uint16_t handle;
	uint64_t id;
	uint64_t sector;
	uint64_t discard_sectors;
	bool secure;
	struct ring_segment seg[RING_SEGS_MAX];	 /* of a direct request */
	uint32_t list_gref[RING_LIST_PAGES_MAX]; /* of an indirect one */
};

/* Every byte of the slot is written, its padding with zeroes. */
void front_slot_encode(enum ring_abi abi, const struct front_slot *s,
		       uint8_t bytes[RING_SLOT_MAX]);

/* Bytes of a response. */
uint32_t front_slot_response_bytes(enum ring_abi abi);

/* What stands in the padding of a response: 0 is as it has to be (RG-29). */
uint64_t front_slot_padding(enum ring_abi abi, const void *response);

#endif
