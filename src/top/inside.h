/* SPDX-License-Identifier: MIT */
/* What is measured inside a daemon beside its own counters, if it is wanted. */
#ifndef TOP_INSIDE_H
#define TOP_INSIDE_H

#include "top/stages.h"

struct top_inside {
	const struct top_stages *stages; /* of an interval; NULL: none */
};

#endif
