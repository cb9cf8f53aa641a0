/* SPDX-License-Identifier: MIT */
#include "frontend/slot.h"

#include <string.h>

/*
 * The two layouts name the same fields at different places, so each kind of
 * request is encoded by one text for both, as the backend decodes it
 * (request/parse.c).
 */
#define ENCODE(s, bytes, abi)                                                  \
	do {                                                                   \
		struct ring_request_##abi r = { 0 };                           \
                                                                               \
		r.operation = (s)->op;                                         \
		r.nr_segments = (uint8_t)(s)->segments;                        \
		r.handle = (s)->handle;                                        \
		r.id = (s)->id;                                                \
		r.sector_number = (s)->sector;                                 \
		memcpy(r.seg, (s)->seg, sizeof(r.seg));                        \
		memcpy(bytes, &r, sizeof(r));                                  \
	} while (0)

#define ENCODE_INDIRECT(s, bytes, abi)                                         \
	do {                                                                   \
		struct ring_indirect_##abi r = { 0 };                          \
                                                                               \
		r.operation = (s)->op;                                         \
		r.inner_op = (s)->inner_op;                                    \
		r.nr_segments = (s)->segments;                                 \
		r.handle = (s)->handle;                                        \
		r.id = (s)->id;                                                \
		r.sector_number = (s)->sector;                                 \
		memcpy(r.list_gref, (s)->list_gref, sizeof(r.list_gref));      \
		memcpy(bytes, &r, sizeof(r));                                  \
	} while (0)

#define ENCODE_DISCARD(s, bytes, abi)                                          \
	do {                                                                   \
		struct ring_discard_##abi r = { 0 };                           \
                                                                               \
		r.operation = (s)->op;                                         \
		r.flag = (s)->secure ? RING_DISCARD_SECURE : 0;                \
		r.handle = (s)->handle;                                        \
		r.id = (s)->id;                                                \
		r.sector_number = (s)->sector;                                 \
		r.nr_sectors = (s)->discard_sectors;                           \
		memcpy(bytes, &r, sizeof(r));                                  \
	} while (0)

void front_slot_encode(enum ring_abi abi, const struct front_slot *s,
		       uint8_t bytes[RING_SLOT_MAX])
{
	bool wide = abi == RING_ABI_X86_64;

	memset(bytes, 0, RING_SLOT_MAX);
	switch (s->op) {
	case RING_OP_INDIRECT:
		if (wide)
			ENCODE_INDIRECT(s, bytes, x86_64);
		else
			ENCODE_INDIRECT(s, bytes, x86_32);
		break;
	case RING_OP_DISCARD:
		if (wide)
			ENCODE_DISCARD(s, bytes, x86_64);
		else
			ENCODE_DISCARD(s, bytes, x86_32);
		break;
	default:
		if (wide)
			ENCODE(s, bytes, x86_64);
		else
			ENCODE(s, bytes, x86_32);
	}
}

uint32_t front_slot_response_bytes(enum ring_abi abi)
{
	return abi == RING_ABI_X86_64 ? sizeof(struct ring_response_x86_64)
				      : sizeof(struct ring_response_x86_32);
}

uint64_t front_slot_padding(enum ring_abi abi, const void *response)
{
	struct ring_response_x86_64 wide;
	struct ring_response_x86_32 narrow;

	if (abi == RING_ABI_X86_64) {
		memcpy(&wide, response, sizeof(wide));
		return wide.pad0 | (uint64_t)wide.pad1 << 8;
	}
	memcpy(&narrow, response, sizeof(narrow));
	return narrow.pad0;
}
