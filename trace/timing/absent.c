/* SPDX-License-Identifier: MIT */
/* In the place of stages.c and calls.c where the build had no clang or no
 * libbpf. */
#include "trace/timing/stages.h"
#include "trace/timing/calls.h"

#include <errno.h>

int timing_stages_open(struct timing_stages **stages, int pid, struct why *why)
{
	(void)stages;
	(void)pid;
	return why_set(why, -ENOSYS,
		       "this ringside was built without clang or libbpf-dev "
		       "and cannot read probes; install both and build again");
}

int timing_stages_read(struct timing_stages *stages,
		       struct timing_stage_row **rows, unsigned *count)
{
	(void)stages;
	(void)rows;
	(void)count;
	return -ENOSYS;
}

void timing_stages_close(struct timing_stages *stages)
{
	(void)stages;
}

int timing_calls_open(struct timing_calls **calls, int pid, const char *gntdev,
		      const char *evtchn, struct timing_seen *seen,
		      struct why *why)
{
	(void)calls;
	(void)pid;
	(void)gntdev;
	(void)evtchn;
	(void)seen;
	return why_set(why, -ENOSYS,
		       "this ringside was built without clang or libbpf-dev "
		       "and cannot look into the kernel; install both and "
		       "build again");
}

int timing_calls_read(struct timing_calls *calls,
		      struct timing_hist of[TIMING_KINDS])
{
	(void)calls;
	(void)of;
	return -ENOSYS;
}

void timing_calls_close(struct timing_calls *calls)
{
	(void)calls;
}
