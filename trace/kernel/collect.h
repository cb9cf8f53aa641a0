/* SPDX-License-Identifier: MIT */
/*
 * A recording of a driver of Linux: one trace, with one stream, in
 * DIR/kernel/pid/xen-blkback-0-DATE-TIME, or whatever it is called.
 */
#ifndef KERNEL_COLLECT_H
#define KERNEL_COLLECT_H

#include "base/why.h"
#include "trace/kernel/driver.h"

struct kernel_options {
	const struct kernel_driver *driver;
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
