/* SPDX-License-Identifier: MIT */
/*
 * The layouts of a blkif ring: blkif.h as three kinds of guest compile it.
 * They differ only in alignment: where a 64-bit number is aligned to 4 bytes
 * (x86_32) `id` moves from offset 8 to 4 and everything shrinks.  A backend
 * for x86 never sees a fourth.
 */
#ifndef RING_ABI_H
#define RING_ABI_H

#include <stdint.h>

enum ring_abi { RING_ABI_X86_64, RING_ABI_X86_32 };

/* Operations (blkif.h BLKIF_OP_*). */
enum ring_op {
	RING_OP_READ = 0,
	RING_OP_WRITE = 1,
	RING_OP_BARRIER = 2,
	RING_OP_FLUSH = 3,
	RING_OP_DISCARD = 5,
	RING_OP_INDIRECT = 6,
};

/* Results (blkif.h BLKIF_RSP_*), RG-28. */
enum ring_status {
	RING_STATUS_OKAY = 0,
	RING_STATUS_ERROR = -1,
	RING_STATUS_EOPNOTSUPP = -2,
};

#define RING_SEGS_MAX	  11u /* direct segments of a request */
#define RING_HEADER_BYTES 64u /* four indices and padding */
#define RING_SECTOR_LAST  7u  /* last of a page, in units of 512 bytes */

/* Of an indirect request: pages full of segments, and segments in each. */
#define RING_LIST_PAGES_MAX 8u
#define RING_LIST_SEGS	    512u

#define RING_DISCARD_SECURE 0x1u /* `flag` of a discard */

struct ring_segment {
	uint32_t gref;
	uint8_t first_sect;
	uint8_t last_sect;
	uint16_t pad;
};

struct ring_request_x86_64 {
	uint8_t operation;
	uint8_t nr_segments;
	uint16_t handle;
	uint32_t pad;
	uint64_t id;
	uint64_t sector_number;
	struct ring_segment seg[RING_SEGS_MAX];
};

struct __attribute__((packed, aligned(4))) ring_request_x86_32 {
	uint8_t operation;
	uint8_t nr_segments;
	uint16_t handle;
	uint64_t id;
	uint64_t sector_number;
	struct ring_segment seg[RING_SEGS_MAX];
};

/* The same slot, if its operation is RING_OP_INDIRECT. */
struct ring_indirect_x86_64 {
	uint8_t operation;
	uint8_t inner_op;
	uint16_t nr_segments;
	uint32_t pad;
	uint64_t id;
	uint64_t sector_number;
	uint16_t handle;
	uint16_t pad2;
	uint32_t list_gref[RING_LIST_PAGES_MAX];
};

struct __attribute__((packed, aligned(4))) ring_indirect_x86_32 {
	uint8_t operation;
	uint8_t inner_op;
	uint16_t nr_segments;
	uint64_t id;
	uint64_t sector_number;
	uint16_t handle;
	uint16_t pad2;
	uint32_t list_gref[RING_LIST_PAGES_MAX];
};

/* The same slot, if its operation is RING_OP_DISCARD. */
struct ring_discard_x86_64 {
	uint8_t operation;
	uint8_t flag;
	uint16_t handle;
	uint32_t pad;
	uint64_t id;
	uint64_t sector_number;
	uint64_t nr_sectors;
};

struct __attribute__((packed, aligned(4))) ring_discard_x86_32 {
	uint8_t operation;
	uint8_t flag;
	uint16_t handle;
	uint64_t id;
	uint64_t sector_number;
	uint64_t nr_sectors;
};

struct ring_response_x86_64 {
	uint64_t id;
	uint8_t operation;
	uint8_t pad0;
	int16_t status;
	uint32_t pad1;
};

struct __attribute__((packed, aligned(4))) ring_response_x86_32 {
	uint64_t id;
	uint8_t operation;
	uint8_t pad0;
	int16_t status;
};

_Static_assert(sizeof(struct ring_segment) == 8, "blkif.h");
_Static_assert(sizeof(struct ring_request_x86_64) == 112, "blkif.h");
_Static_assert(sizeof(struct ring_request_x86_32) == 108, "blkif.h");
_Static_assert(sizeof(struct ring_indirect_x86_64) == 64, "blkif.h");
_Static_assert(sizeof(struct ring_indirect_x86_32) == 56, "blkif.h");
_Static_assert(sizeof(struct ring_discard_x86_64) == 32, "blkif.h");
_Static_assert(sizeof(struct ring_discard_x86_32) == 28, "blkif.h");
_Static_assert(sizeof(struct ring_response_x86_64) == 16, "blkif.h");
_Static_assert(sizeof(struct ring_response_x86_32) == 12, "blkif.h");

/* Room for one slot of any ABI. */
#define RING_SLOT_MAX 112u

static inline uint32_t ring_abi_slot_bytes(enum ring_abi abi)
{
	return abi == RING_ABI_X86_64 ? sizeof(struct ring_request_x86_64)
				      : sizeof(struct ring_request_x86_32);
}

#endif
