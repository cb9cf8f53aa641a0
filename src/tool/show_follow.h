/* SPDX-License-Identifier: MIT */
/* ringside show --follow: a view that is made anew while events come. */
#ifndef TOOL_SHOW_FOLLOW_H
#define TOOL_SHOW_FOLLOW_H

#include <stdbool.h>

#include "viz/read/log.h"
#include "viz/views/view.h"

struct show_follow {
	const struct view *view;
	const struct view_options *options;
	const char *out; /* written anew each time; NULL: stdout */
	const struct trace_log *log;
};

/*
 * Shows what there is by now; if there is nothing of the kind yet, nothing.
 * False if nobody can be shown anything any more.
 */
bool show_follow(void *follow);

#endif
