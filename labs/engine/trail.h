/* SPDX-License-Identifier: MIT */
/* Some twenty lines of a check's own trace, around what is wrong in it. */
#ifndef LABS_ENGINE_TRAIL_H
#define LABS_ENGINE_TRAIL_H

#include "labs/engine/grade.h"
#include "viz/text.h"

/*
 *	time        who       event
 *	   ok    812.4 us  frontend  ring_produce side=request ...
 *	   >>    815.0 us  backend   request_respond seq=1 ...
 *
 * "ok" is what was expected, ">>" what is wrong.  Nothing if the check has no
 * events at all.
 */
void trail_tell(const struct grade *g, const struct grade_check *c,
		struct text *out);

/* What the excerpt is about, and where it begins; false: there is none. */
struct trail_place {
	uint16_t domid;
	uint32_t devid;
	int64_t from_ns; /* as the log's records have it */
};

bool trail_place(const struct grade *g, const struct grade_check *c,
		 struct trail_place *out);

/* A moment, since the check's first event: "812.4 us". */
void trail_time(const struct grade *g, const struct grade_check *c,
		uint32_t rec, struct text *out);

#endif
