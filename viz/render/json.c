/* SPDX-License-Identifier: MIT */
#include "viz/render/json.h"

#include <errno.h>
#include <string.h>

void json_put_str(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

void json_put_int(json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

void json_put_bool(json_object *o, const char *key, int value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

void json_put_ns(json_object *o, const char *key, int64_t ns)
{
	json_object_object_add(o, key,
			       ns < 0 ? NULL : json_object_new_int64(ns));
}

int json_write(json_object *o, struct text *out)
{
	const char *s = json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (s) {
		text_add(out, s);
		text_add(out, "\n");
	}
	json_object_put(o);
	return s ? out->error : -ENOMEM;
}

int json_write_html(json_object *o, struct text *out)
{
	const char *s =
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	const char *part = s;
	size_t len;

	while (part && *part) {
		len = strcspn(part, "<");
		text_add_bytes(out, part, len);
		part += len;
		if (*part) {
			text_add(out, "\\u003c");
			part++;
		}
	}
	json_object_put(o);
	return s ? out->error : -ENOMEM;
}
