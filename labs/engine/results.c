/* SPDX-License-Identifier: MIT */
#include "labs/engine/results.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "labs/engine/tell.h"

static void put_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void put_number(struct json_object *o, const char *key, unsigned n)
{
	json_object_object_add(o, key, json_object_new_int64(n));
}

static struct json_object *check_json(const struct grade *g, unsigned i)
{
	const struct grade_check *c = &g->check[i];
	struct json_object *o = json_object_new_object();
	struct json_object *extra = json_object_new_object();
	struct text said = { 0 };
	const struct tell t = { .out = &said };
	char number[16];
	bool passed = c->state == GRADE_PASSED;

	snprintf(number, sizeof(number), "%u", i + 1);
	put_text(o, "number", number);
	put_text(o, "name", c->check->title);
	put_text(extra, "id", c->check->id);
	put_number(o, "score", passed ? c->check->points : 0);
	put_number(o, "max_score", c->check->points);
	put_text(o, "status", passed ? "passed" : "failed");
	if (!passed)
		tell_check(&t, g, c);
	put_text(o, "output", text_str(&said));
	put_text(o, "output_format", "text");
	put_text(o, "visibility", "visible");
	json_object_object_add(o, "extra_data", extra);
	text_free(&said);
	return o;
}

int results_write(const struct grade *g, const char *path, struct why *why)
{
	struct json_object *o = json_object_new_object();
	struct json_object *tests = json_object_new_array();
	struct text said = { 0 };
	const struct tell t = { .out = &said };
	char part[4096];
	unsigned i;
	int err = 0;

	tell_build(&t, g);
	tell_end(&t, g);
	put_number(o, "score", g->points);
	put_number(o, "max_score", g->expect->points);
	json_object_object_add(o, "execution_time",
			       json_object_new_double(g->seconds));
	put_text(o, "output", text_str(&said));
	put_text(o, "output_format", "text");
	put_text(o, "visibility", "visible");
	put_text(o, "stdout_visibility", "hidden");
	for (i = 0; i < g->expect->checks; i++)
		json_object_array_add(tests, check_json(g, i));
	json_object_object_add(o, "tests", tests);

	if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
		err = -ENAMETOOLONG;
	else if (json_object_to_file_ext(part, o, JSON_C_TO_STRING_PRETTY) ||
		 rename(part, path))
		err = -errno;
	if (err)
		why_set(why, err, "%s cannot be written: %s", path,
			strerror(-err));
	json_object_put(o);
	text_free(&said);
	return err;
}
