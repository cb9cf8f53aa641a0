/* SPDX-License-Identifier: MIT */
/* How large the buffers are, and whether there is memory for them. */
#ifndef RECORD_SIZE_H
#define RECORD_SIZE_H

#include <stdint.h>

#include "trace/record/session.h"

/*
 * What a recorded process gets in buffers unless told otherwise, divided
 * among the processors: at 200,000 requests/s of twelve events of 40 bytes,
 * 80 ms for the disk to catch up.
 */
#define RECORD_PROCESS_BYTES (8u << 20)
#define RECORD_SUBBUFS	     8u

/*
 * And what the programs of a user get for a flight recorder: the last 60,000
 * such requests, where all processors emit alike.
 */
#define RECORD_FLIGHT_BYTES (32u << 20)

struct record_size {
	uint64_t subbuf_bytes, num_subbuf; /* for each processor */
	uint64_t cpus;
	uint64_t bytes; /* of memory for a process; or a user, in flight */
};

struct record_size record_size(const struct record_options *opt);

/*
 * Bytes of shared memory that can still be had, or UINT64_MAX if that is not
 * known.  *where names what is the least of it.
 */
uint64_t record_size_memory(const char **where);

#endif
