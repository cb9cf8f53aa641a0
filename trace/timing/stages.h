/* SPDX-License-Identifier: MIT */
/*
 * Histograms of how long each stage of a ringsided's requests takes, kept by
 * BPF programs on its USDT probes.  Each probe that is passed costs the daemon
 * a trap, about a microsecond, as long as this is open; other processes of the
 * same file pay nothing.
 *
 * Where ringside was built without what BPF programs need,
 * timing_stages_open() says so, and nothing else is ever called (absent.c).
 */
#ifndef TIMING_STAGES_H
#define TIMING_STAGES_H

#include "base/why.h"
#include "trace/timing/stage.h"

struct timing_stages;

struct timing_stage_row {
	struct timing_stage_key key;
	struct timing_hist hist; /* since it was opened */
};

/*
 * Sets the probes in this process; requests that it takes from then on are
 * counted.  Gives *stages on 0.
 * -ENOSYS: not built in.  -EPERM: no rights.  -ESRCH: the process has ended.
 * -ENOENT: it has no such probes.  Or another -errno.
 */
int timing_stages_open(struct timing_stages **stages, int pid, struct why *why);

/*
 * Gives all that was counted, in no order; *rows is the caller's to free.
 * 0 or -ENOMEM.
 */
int timing_stages_read(struct timing_stages *stages,
		       struct timing_stage_row **rows, unsigned *count);

/* Takes the probes away.  NULL is nothing. */
void timing_stages_close(struct timing_stages *stages);

#endif
