/* SPDX-License-Identifier: MIT */
/* The parts of the report that its sections share. */
#ifndef VIZ_VIEWS_REPORT_H
#define VIZ_VIEWS_REPORT_H

#include "viz/views/view.h"

#define REPORT_REQUESTS_MAX 1000u

/* Tables: what the trace holds, how long things took. */
void report_summary(const struct model *m, struct text *out);
int report_latency(const struct model *m, struct text *out);

/* The requests as JSON in a <script>, with their stories; 0 or -ENOMEM. */
int report_requests(const struct model *m, struct text *out);

#endif
