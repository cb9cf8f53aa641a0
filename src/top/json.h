/* SPDX-License-Identifier: MIT */
/* A queue's counters as JSON, under the names that scripts know. */
#ifndef TOP_JSON_H
#define TOP_JSON_H

#include <stdint.h>

#include <json-c/json.h>

#include "base/stats.h"

/* What each operation is called. */
extern const char *const top_op_name[STATS_OPS];

void top_json_put(struct json_object *to, const char *name, uint64_t value);

/*
 * Add what only grows: an object for each operation, refusals and
 * notifications.
 */
void top_json_counts(struct json_object *to, const struct stats_queue *q);

#endif
