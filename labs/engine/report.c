/* SPDX-License-Identifier: MIT */
#include "labs/engine/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *dotted(struct json_object *o, const char *key)
{
	char part[64];
	size_t len;

	for (;; key += len + 1) {
		len = strcspn(key, ".");
		if (len >= sizeof(part))
			return NULL;
		memcpy(part, key, len);
		part[len] = '\0';
		if (!json_object_is_type(o, json_type_object) ||
		    !json_object_object_get_ex(o, part, &o))
			return NULL;
		if (!key[len])
			return o;
	}
}

/* The report is a list: what was settled, what the load gave. */
static struct json_object *front_find(const struct run_check *r,
				      const char *key)
{
	struct json_object *found = NULL;
	size_t i;

	if (!json_object_is_type(r->front, json_type_array))
		return NULL;
	for (i = 0; !found && i < json_object_array_length(r->front); i++)
		found = dotted(json_object_array_get_idx(r->front, i), key);
	return found;
}

static const char *all_ops(struct arena *a, const struct run_check *r)
{
	static const char *const kinds[] = { "read.ops", "write.ops",
					     "barrier.ops", "trim.ops" };
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		sum += json_object_get_uint64(front_find(r, kinds[i]));
	return arena_printf(a, "%llu", (unsigned long long)sum);
}

const char *report_front(struct arena *a, const struct run_check *r,
			 const char *key)
{
	struct json_object *o;

	if (!strcmp(key, "exit"))
		return arena_printf(a, "%d", r->front_code);
	if (!r->front)
		return NULL;
	o = front_find(r, key);
	if (!o && !strcmp(key, "ops"))
		return all_ops(a, r);
	if (!o || json_object_is_type(o, json_type_object) ||
	    json_object_is_type(o, json_type_array))
		return NULL;
	if (json_object_is_type(o, json_type_boolean))
		return json_object_get_boolean(o) ? "yes" : "no";
	return arena_text(a, json_object_get_string(o));
}

int report_desk(const struct run_check *r, const char *key, int64_t *out)
{
	struct json_object *a, *b;

	if (!json_object_object_get_ex(r->desk[0], key, &a) ||
	    !json_object_object_get_ex(r->desk[1], key, &b))
		return -ENOENT;
	*out = json_object_get_int64(b) - json_object_get_int64(a);
	return 0;
}

static bool number(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && !*end;
}

bool report_holds(enum pattern_op op, const char *a, const char *b)
{
	double x, y;
	int order;

	if (number(a, &x) && number(b, &y))
		order = x < y ? -1 : x > y;
	else
		order = strcasecmp(a, b);
	return pattern_op_holds(op, order, 0);
}

bool report_desk_holds(const struct run_check *r, const struct expect_check *c)
{
	unsigned i;

	for (i = 0; i < c->items; i++) {
		const struct expect_item *item = &c->item[i];
		int64_t v;

		if (item->kind == EXPECT_DESK &&
		    (report_desk(r, item->key, &v) ||
		     !pattern_op_holds(item->op, v,
				       strtoll(item->value, NULL, 0))))
			return false;
	}
	return true;
}
