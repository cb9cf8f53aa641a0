/* SPDX-License-Identifier: MIT */
#include "labs/engine/work.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "labs/engine/file.h"

#define LIST_MAX 50u

static int no_memory(struct why *why)
{
	return why_set(why, -ENOMEM, "no memory");
}

/* ---- open ------------------------------------------------------------------
 */

/* The first directory from `dir` upwards with a state.  NULL: none. */
static char *find_up(const char *dir)
{
	char at[PATH_MAX], *slash, *path;
	bool there;

	if (!realpath(dir, at))
		return NULL;
	for (;;) {
		path = file_text("%s/%s", at, LAB_WORK_STATE);
		there = path && file_is_there(path);
		free(path);
		if (there)
			return strdup(at);
		slash = strrchr(at, '/');
		if (!slash || slash == at)
			return NULL;
		*slash = '\0';
	}
}

static int state_read(const char *path, struct json_object **out,
		      struct why *why)
{
	struct json_object *o;
	char *text;
	int err;

	err = file_read(path, &text, why);
	if (err)
		return -EINVAL;
	o = json_tokener_parse(text);
	free(text);
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		return why_set(why, -EINVAL,
			       "%s is no JSON object: remove .lab/ there and "
			       "start the lab again in another directory, to "
			       "which you copy your files",
			       path);
	}
	*out = o;
	return 0;
}

/* Takes `lab` if it returns 0. */
static struct lab_work *work_make(const char *dir, const char *below)
{
	struct lab_work *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->dir = realpath(dir, NULL);
	w->meta = file_text("%s/.lab", below);
	w->out = file_text("%s/out", below);
	if (w->dir && w->meta && w->out)
		return w;
	lab_work_free(w);
	return NULL;
}

int lab_work_open(const struct lab_root *root, const char *dir,
		  struct lab_work **out, struct why *why)
{
	char *found = NULL, *path = NULL;
	struct lab_work *w = NULL;
	struct json_object *name;
	int err;

	if (dir) {
		path = file_text("%s/%s", dir, LAB_WORK_STATE);
		if (path && file_is_there(path))
			found = realpath(dir, NULL);
		free(path);
	} else {
		found = find_up(".");
	}
	if (!found)
		return why_set(why, -ENOENT,
			       "%s is no directory of a lab; \"ringside lab "
			       "start LAB\" makes one",
			       dir ? dir : "this");
	path = file_text("%s/%s", found, LAB_WORK_STATE);
	w = work_make(found, found);
	err = path && w ? state_read(path, &w->state, why) : no_memory(why);
	if (!err && (!json_object_object_get_ex(w->state, "lab", &name) ||
		     !json_object_is_type(name, json_type_string)))
		err = why_set(why, -EINVAL, "%s names no lab", path);
	if (!err) {
		err = lab_load(root, json_object_get_string(name), &w->lab,
			       why);
		err = err == -ENOENT ? -EINVAL : err;
	}
	free(path);
	free(found);
	if (err) {
		lab_work_free(w);
		return err;
	}
	*out = w;
	return 0;
}

int lab_work_borrow(struct lab *lab, const char *dir, const char *scratch,
		    struct lab_work **out, struct why *why)
{
	struct lab_work *w;
	int err;

	if (!file_is_dir(dir))
		return why_set(why, -ENOENT, "there is no directory %s", dir);
	w = work_make(dir, scratch);
	if (!w)
		return no_memory(why);
	w->borrowed = true;
	w->state = json_object_new_object();
	err = file_mkdirs(w->meta, why);
	if (err) {
		lab_work_free(w);
		return err;
	}
	w->lab = lab;
	*out = w;
	return 0;
}

void lab_work_free(struct lab_work *w)
{
	if (!w)
		return;
	json_object_put(w->state);
	lab_free(w->lab);
	free(w->dir);
	free(w->meta);
	free(w->out);
	free(w);
}

char *lab_work_file(const struct lab_work *w, unsigned i)
{
	return file_text("%s/%s", w->dir, w->lab->file[i]);
}

int lab_work_out_make(const struct lab_work *w, struct why *why)
{
	return file_mkdirs(w->out, why);
}

int lab_work_save(const struct lab_work *w, struct why *why)
{
	char *path, *text;
	int err;

	if (w->borrowed)
		return 0;
	path = file_text("%s/state.json", w->meta);
	text = file_text("%s\n", json_object_to_json_string_ext(
					 w->state, JSON_C_TO_STRING_PRETTY));
	err = path && text ? file_write(path, text, why) : no_memory(why);
	free(path);
	free(text);
	return err;
}

/* ---- what the state says ---------------------------------------------------
 */

static struct json_object *now(void)
{
	return json_object_new_int64((int64_t)time(NULL));
}

/* The value of `key` if it is of that type; else a fresh one in its place. */
static struct json_object *get_or_make(const struct lab_work *w,
				       const char *key, enum json_type type)
{
	struct json_object *o;

	if (json_object_object_get_ex(w->state, key, &o) &&
	    json_object_is_type(o, type))
		return o;
	o = type == json_type_array ? json_object_new_array()
				    : json_object_new_object();
	json_object_object_add(w->state, key, o);
	return o;
}

/* The list of that name; NULL if there is none. */
static struct json_object *list_get(const struct lab_work *w, const char *key)
{
	struct json_object *o;

	if (!json_object_object_get_ex(w->state, key, &o) ||
	    !json_object_is_type(o, json_type_array))
		return NULL;
	return o;
}

/* The numbers "n" of a list as bits. */
static uint32_t bits_get(const struct lab_work *w, const char *key)
{
	struct json_object *list = list_get(w, key), *n;
	uint32_t bits = 0;
	size_t i;
	int64_t v;

	for (i = 0; list && i < json_object_array_length(list); i++) {
		if (!json_object_object_get_ex(
			    json_object_array_get_idx(list, i), "n", &n))
			continue;
		v = json_object_get_int64(n);
		if (v >= 1 && v <= 32)
			bits |= 1u << (v - 1);
	}
	return bits;
}

static void bits_note(struct lab_work *w, const char *key, unsigned n)
{
	struct json_object *entry;

	if (bits_get(w, key) & (1u << (n - 1)))
		return;
	entry = json_object_new_object();
	json_object_object_add(entry, "n", json_object_new_int((int)n));
	json_object_object_add(entry, "at", now());
	json_object_array_add(get_or_make(w, key, json_type_array), entry);
}

uint32_t lab_work_hints(const struct lab_work *w)
{
	return bits_get(w, "hints");
}

uint32_t lab_work_catchups(const struct lab_work *w)
{
	return bits_get(w, "catchup");
}

void lab_work_hint_note(struct lab_work *w, unsigned n)
{
	bits_note(w, "hints", n);
}

void lab_work_catchup_note(struct lab_work *w, unsigned n)
{
	bits_note(w, "catchup", n);
}

bool lab_work_prediction(const struct lab_work *w, const char *name,
			 double *value, const char **explain)
{
	struct json_object *all, *one, *v, *text;

	if (!json_object_object_get_ex(w->state, "predictions", &all) ||
	    !json_object_is_type(all, json_type_object) ||
	    !json_object_object_get_ex(all, name, &one) ||
	    !json_object_is_type(one, json_type_object) ||
	    !json_object_object_get_ex(one, "value", &v))
		return false;
	*value = json_object_get_double(v);
	*explain = "";
	if (json_object_object_get_ex(one, "explain", &text) &&
	    json_object_is_type(text, json_type_string))
		*explain = json_object_get_string(text);
	return true;
}

void lab_work_prediction_note(struct lab_work *w, const char *name,
			      double value, const char *explain)
{
	struct json_object *one = json_object_new_object();
	char text[32];

	/* As a person writes it, not with 17 digits. */
	snprintf(text, sizeof(text), "%.15g", value);
	json_object_object_add(one, "value",
			       json_object_new_double_s(value, text));
	json_object_object_add(one, "explain", json_object_new_string(explain));
	json_object_object_add(one, "at", now());
	json_object_object_add(get_or_make(w, "predictions", json_type_object),
			       name, one);
}

bool lab_work_measured(const struct lab_work *w, const char *name)
{
	struct json_object *list = list_get(w, "measures"), *o;
	size_t i;

	for (i = 0; list && i < json_object_array_length(list); i++)
		if (json_object_object_get_ex(
			    json_object_array_get_idx(list, i), "name", &o) &&
		    json_object_is_type(o, json_type_string) &&
		    !strcmp(json_object_get_string(o), name))
			return true;
	return false;
}

void lab_work_note(struct lab_work *w, const char *list,
		   struct json_object *entry)
{
	struct json_object *all = get_or_make(w, list, json_type_array);
	size_t len = json_object_array_length(all);

	if (len >= LIST_MAX)
		json_object_array_del_idx(all, 0, len - LIST_MAX + 1);
	json_object_object_add(entry, "at", now());
	json_object_array_add(all, entry);
}

struct json_object *lab_work_last(const struct lab_work *w, const char *list)
{
	struct json_object *all = list_get(w, list);
	size_t len = all ? json_object_array_length(all) : 0;

	return len ? json_object_array_get_idx(all, len - 1) : NULL;
}
