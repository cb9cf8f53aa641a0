/* SPDX-License-Identifier: MIT */
/*
 * A recording of Linux's xen-blkback: one trace, with one stream, in
 * DIR/kernel/pid/xen-blkback-0-DATE-TIME.
 */
#ifndef KERNEL_COLLECT_H
#define KERNEL_COLLECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "trace/desc.h"

struct kernel_options {
	const char *dir;     /* absolute; exists */
	enum ev_level level; /* and what is more important */
	uint64_t ring_bytes; /* a power of two, a page or more */
};

struct kernel_collect;

/*
 * Gives *collect on 0; seen[kind] says of which kinds events can be seen here.
 * Else as kernel_reader_open().
 */
int kernel_collect_start(struct kernel_collect **collect,
			 const struct kernel_options *opt,
			 bool seen[EV_KIND_COUNT], struct why *why);

/* Reads for at most ms milliseconds. */
int kernel_collect_turn(struct kernel_collect *collect, int ms,
			struct why *why);

/*
 * Takes the programs away, writes the trace to its end and tells in *lost how
 * often something was seen that is not in it.  Takes collect, whatever it
 * returns; NULL is nothing.
 */
int kernel_collect_stop(struct kernel_collect *collect, uint64_t *lost,
			struct why *why);

#endif
