/* SPDX-License-Identifier: MIT */
/* What is measured inside a daemon beside its own counters, if it is wanted. */
#ifndef TOP_INSIDE_H
#define TOP_INSIDE_H

#include "top/calls.h"
#include "top/stages.h"

struct top_inside {
	/* Of an interval; NULL: none. */
	const struct top_stages *stages;
	const struct top_calls *calls;
};

#endif
