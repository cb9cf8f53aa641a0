/* SPDX-License-Identifier: MIT */
/*
 * A recording by probes: what they say goes into a trace for each process,
 * DIR/usdt/pid/NAME-PID-DATE-TIME, as LTTng has it below DIR/ust/pid.
 *
 * Each thread counts its events, also those for which the ring buffer has no
 * room, so a gap in the numbers tells how many are missing, and where.
 */
#ifndef PROBE_COLLECT_H
#define PROBE_COLLECT_H

#include <signal.h>
#include <stdint.h>

#include "base/why.h"
#include "trace/probe/find.h"

struct probe_options {
	const char *dir;     /* absolute; exists */
	enum ev_level level; /* and what is more important */
	uint64_t ring_bytes; /* a power of two, a page or more */
	int pid;	     /* this process alone; 0: all */
	/* Not 0: no more probes are set. */
	const volatile sig_atomic_t *stop;
	/* Called with each file that is found, once its probes are set. */
	void (*seen)(const struct probe_file *file, enum ev_level level);
};

struct probe_collect;

/*
 * Sets the probes of all programs that run, and of our own.  Gives *collect
 * on 0.  -ESRCH: none runs, and `command`, which might start one, is false,
 * or the one that was asked for is none;
 * -ENXIO: those that run have no probes; or as probe_reader_open().
 */
int probe_collect_start(struct probe_collect **collect,
			const struct probe_options *opt, bool command,
			struct why *why);

/* Reads for at most ms milliseconds, and now and then looks for programs. */
int probe_collect_turn(struct probe_collect *collect, int ms, struct why *why);

/*
 * Takes the probes away, writes the traces to their end and tells in *lost how
 * many events were lost.  Takes collect, whatever it returns; NULL is nothing.
 */
int probe_collect_stop(struct probe_collect *collect, uint64_t *lost,
		       struct why *why);

#endif
