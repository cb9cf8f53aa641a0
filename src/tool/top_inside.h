/* SPDX-License-Identifier: MIT */
/*
 * Measuring inside the daemon for "ringside top", while somebody wants it and
 * in whichever daemon runs.
 */
#ifndef TOOL_TOP_INSIDE_H
#define TOOL_TOP_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "top/inside.h"

struct inside {
	bool want_stages;

	struct top_inside shown; /* of the last interval */
	char absent[200];	 /* why there is none of it, or empty */
	bool fresh;		 /* ... and nobody has been told */

	uint32_t pid; /* whom it looks into, or tried to */
	struct timing_stages *stages;
	struct top_stages stages_now, stages_shown;
};

/*
 * Begin, go on or end as it is wanted and as the daemon is; 0 is none.  What
 * was counted since the last call is then in `shown`; what cannot be counted
 * is NULL there, and `absent` says why.  0 or -ENOMEM.
 */
int inside_sample(struct inside *in, uint32_t daemon_pid);
void inside_free(struct inside *in);

#endif
