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

/* What there is to say of a part: why it is not there, or what it lacks. */
struct inside_word {
	char text[240];
	bool fresh; /* nobody has been told */
};

struct inside {
	bool want_stages, want_calls;

	struct top_inside shown; /* of the last interval */
	struct inside_word stages_word, calls_word;

	uint32_t pid; /* whom it looks into, or tried to */
	struct timing_stages *stages;
	struct top_stages stages_now, stages_shown;
	struct timing_calls *calls;
	struct top_calls calls_now, calls_shown;
};

/*
 * Begin, go on or end as it is wanted and as the daemon is; 0 is none.  What
 * was counted since the last call is then in `shown`; what cannot be counted
 * is NULL there, and its word says why.  0 or -errno.
 */
int inside_sample(struct inside *in, uint32_t daemon_pid);
void inside_free(struct inside *in);

#endif
