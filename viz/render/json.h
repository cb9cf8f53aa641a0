/* SPDX-License-Identifier: MIT */
/* JSON by json-c, with fewer words. */
#ifndef VIZ_RENDER_JSON_H
#define VIZ_RENDER_JSON_H

#include <json-c/json.h>
#include <stdint.h>

#include "viz/text.h"

void json_put_str(json_object *o, const char *key, const char *value);
void json_put_int(json_object *o, const char *key, int64_t value);
void json_put_bool(json_object *o, const char *key, int value);
/* null where it is negative: "not seen". */
void json_put_ns(json_object *o, const char *key, int64_t ns);

/* Append it with a newline and free it.  0 or -ENOMEM. */
int json_write(json_object *o, struct text *out);

/*
 * The same such that it may stand in a <script> of a page: no "<" in it,
 * since those inside of strings are written as \u003c.
 */
int json_write_html(json_object *o, struct text *out);

#endif
