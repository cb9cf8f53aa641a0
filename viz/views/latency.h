/* SPDX-License-Identifier: MIT */
/* How long stages took, as a table and as histograms. */
#ifndef VIZ_VIEWS_LATENCY_H
#define VIZ_VIEWS_LATENCY_H

#include "viz/model/latency.h"
#include "viz/views/view.h"

int latency_draw(const struct model *m, const struct latencies *l,
		 const char *title, const char *format, struct text *out,
		 struct why *why);

#endif
