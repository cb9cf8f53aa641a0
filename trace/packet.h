/* SPDX-License-Identifier: MIT */
/*
 * The head of a packet as LTTng-UST writes it, in the machine's own order of
 * bytes.  libbabeltrace2 tells what is missing between two packets; what is
 * missing before the first, where old ones were overwritten, stands only here.
 */
#ifndef TRACE_PACKET_H
#define TRACE_PACKET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

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
 * Whether this can be the head of a packet in `f`.  Others than LTTng write
 * CTF, too, with other heads behind the same first bytes; there, what should be
 * a size is a part of a time.
 */
static inline bool trace_packet_is_lttng(const struct trace_packet_head *head,
					 FILE *f)
{
	struct stat st;

	return head->magic == TRACE_PACKET_MAGIC &&
	       head->content_bits <= head->packet_bits &&
	       !fstat(fileno(f), &st) &&
	       head->packet_bits / 8 <= (uint64_t)st.st_size;
}

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
	    trace_packet_is_lttng(&head, f)) {
		n = head.number;
		*begin = head.begin;
	}
	if (f)
		fclose(f);
	return n;
}

#endif
