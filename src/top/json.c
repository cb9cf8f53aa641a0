/* SPDX-License-Identifier: MIT */
#include "top/json.h"

const char *const top_op_name[STATS_OPS] = { "read", "write", "barrier",
					     "flush", "discard" };

void top_json_put(struct json_object *to, const char *name, uint64_t value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

void top_json_counts(struct json_object *to, const struct stats_queue *q)
{
	unsigned i;

	for (i = 0; i < STATS_OPS; i++) {
		struct json_object *op = json_object_new_object();

		top_json_put(op, "requests", q->requests[i]);
		top_json_put(op, "bytes", q->bytes[i]);
		top_json_put(op, "errors", q->errors[i]);
		top_json_put(op, "waited_ns", q->waited_ns[i]);
		json_object_object_add(to, top_op_name[i], op);
	}
	top_json_put(to, "refused", q->refused);
	top_json_put(to, "tolerated", q->tolerated);
	top_json_put(to, "notifies", q->notifies);
	top_json_put(to, "wakeups", q->wakeups);
	top_json_put(to, "spurious", q->spurious);
	top_json_put(to, "indirect", q->indirect);
}
