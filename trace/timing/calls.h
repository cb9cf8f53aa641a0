/* SPDX-License-Identifier: MIT */
/*
 * Histograms of how long the kernel works for one process: its system calls,
 * and its operations of io_uring.  While this is open, each system call of
 * every process of the machine costs some tens of nanoseconds more, and one of
 * this process some hundred.
 *
 * Where ringside was built without what BPF programs need, timing_calls_open()
 * says so, and nothing else is ever called (absent.c).
 */
#ifndef TIMING_CALLS_H
#define TIMING_CALLS_H

#include <stdbool.h>

#include "base/why.h"
#include "trace/timing/call.h"

struct timing_calls;

/* What of it there is to be seen. */
struct timing_seen {
	bool gntdev, evtchn; /* the devices are there */
	bool uring;	     /* the kernel has the tracepoints */
};

/*
 * Begins to count for this process; `gntdev` and `evtchn` are the devices'
 * paths.  Gives *calls and *seen on 0.
 * -ENOSYS: not built in.  -EPERM: no rights.  -ENOTSUP: not by this kernel.
 * Or another -errno.
 */
int timing_calls_open(struct timing_calls **calls, int pid, const char *gntdev,
		      const char *evtchn, struct timing_seen *seen,
		      struct why *why);

/* What was counted since it was opened.  0 or -errno. */
int timing_calls_read(struct timing_calls *calls,
		      struct timing_hist of[TIMING_KINDS]);

/* NULL is nothing. */
void timing_calls_close(struct timing_calls *calls);

#endif
