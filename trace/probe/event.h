/* SPDX-License-Identifier: MIT */
/*
 * What the BPF programs put into the ring buffer: a head, and the event's
 * fields behind it in the catalogue's order, each at a multiple of 8 bytes:
 *
 *	a number    8 bytes
 *	a string    PROBE_SIZE, its length with the NUL; then its bytes
 *	an array    PROBE_SIZE, the number of its elements; then these
 *
 * Compiled for BPF, too: nothing here but plain types.
 */
#ifndef PROBE_EVENT_H
#define PROBE_EVENT_H

#include <linux/types.h>

#define PROBE_STRING_MAX 1024  /* bytes with the NUL; longer ones are cut */
#define PROBE_ARRAY_MAX	 4096  /* bytes */
#define PROBE_DATA_MAX	 16384 /* of all fields of an event */

struct probe_event {
	__u64 t_ns; /* CLOCK_MONOTONIC */
	__u64 seq;  /* of its thread, from 1: a gap is what was lost */
	__u64 origin;
	__u32 pid, tid;
	__u32 kind;
	__u32 len; /* bytes of data behind this */
};

/* A length, alone in 8 bytes. */
typedef __u64 probe_size;

/* What the loader tells the programs. */
struct probe_settings {
	__u64 wake_bytes; /* so many in the ring buffer wake who reads it */
	__u64 can_sleep;  /* whether they may wait for a page */
};

/* What is lost without a thread's count saying so, by the reason. */
enum probe_lost {
	PROBE_LOST_THREAD, /* no room to count for one more thread */
	PROBE_LOST_COUNT
};

#endif
