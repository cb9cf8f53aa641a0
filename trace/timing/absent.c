/* SPDX-License-Identifier: MIT */
/* In the place of stages.c where the build had no clang or no libbpf. */
#include "trace/timing/stages.h"

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
