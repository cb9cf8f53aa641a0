/* SPDX-License-Identifier: MIT */
/* What `ringside front` prints: what was settled, and what the load gave. */
#ifndef TOOL_FRONT_REPORT_H
#define TOOL_FRONT_REPORT_H

#include <stdio.h>

#include <json-c/json.h>

#include "frontend/device.h"
#include "frontend/workload.h"

/* For --info. */
void front_info_text(FILE *to, const struct front_device *d);
struct json_object *front_info_json(const struct front_device *d);

/* After a workload; `seed` is what --verify wrote with, 0 for none. */
void front_report_text(FILE *to, const struct front_device *d,
		       const struct workload_report *r, uint64_t seed);
struct json_object *front_report_json(const struct front_device *d,
				      const struct workload_report *r,
				      uint64_t seed);

/* "170.4 MiB" and the like. */
#define FRONT_SIZE_TEXT 24
const char *front_size_text(double bytes, char text[FRONT_SIZE_TEXT]);

#endif
