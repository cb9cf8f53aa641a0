/* SPDX-License-Identifier: MIT */
/*
 * The head of a packet as LTTng-UST writes it, in the machine's own order of
 * bytes.  libbabeltrace2 tells what is missing between two packets; what is
 * missing before the first, where old ones were overwritten, stands only here.
 */
#ifndef TRACE_PACKET_H
#define TRACE_PACKET_H

#include <stdint.h>
#include <stdio.h>

#define TRACE_PACKET_MAGIC 0xC1FC1FC1u

struct trace_packet_head {
	uint32_t magic;
	uint8_t uuid[16];
	uint32_t stream;
	uint64_t instance;
	uint64_t begin; /* in the clock's own count */
	uint64_t end;
	uint64_t content_bits, packet_bits;
	uint64_t number; /* of the packet in its stream, from 0 */
};

/*
 * How many packets a stream's file lacks before its first, and when that one
 * begins (*begin, if there are any).  0 also where it cannot be read.
 */
static inline uint64_t trace_packets_before(const char *path, uint64_t *begin)
{
	struct trace_packet_head head = { .magic = 0 };
	FILE *f = path ? fopen(path, "re") : NULL;
	uint64_t n = 0;

	if (f && fread(&head, sizeof(head), 1, f) == 1 &&
	    head.magic == TRACE_PACKET_MAGIC) {
		n = head.number;
		*begin = head.begin;
	}
	if (f)
		fclose(f);
	return n;
}

#endif
