/* SPDX-License-Identifier: MIT */
#include "labs/engine/lab.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "labs/engine/file.h"
#include "labs/engine/lab_ini.h"

/* NN of "NN-name"; LAB_NO_NUMBER if it does not begin so. */
static uint32_t id_number(const char *id)
{
	if (isdigit((unsigned char)id[0]) && isdigit((unsigned char)id[1]) &&
	    id[2] == '-' && id[3])
		return (uint32_t)((id[0] - '0') * 10 + id[1] - '0');
	return LAB_NO_NUMBER;
}

static int load(const struct lab_root *root, const char *id, struct lab **out,
		struct why *why)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	char *path = NULL;
	int err;

	if (!lab)
		return why_set(why, -ENOMEM, "no memory");
	lab->root = root;
	lab->number = id_number(id);
	lab->limit.seconds = 60;
	lab->limit.memory_bytes = 1ull << 30;
	lab->id = strdup(id);
	lab->name = strdup(lab->number == LAB_NO_NUMBER ? id : id + 3);
	lab->dir = file_text("%s/%s", root->labs, id);
	lab->object = file_text("%s/%s.o", root->lib, id);
	if (lab->id && lab->name && lab->dir && lab->object)
		path = lab_path(lab, "lab.ini");
	err = path ? lab_ini_read(lab, path, why)
		   : why_set(why, -ENOMEM, "no memory");
	free(path);
	if (err) {
		lab_free(lab);
		return err;
	}
	*out = lab;
	return 0;
}

/* A folder's name is meant by itself, its number or what follows that. */
static bool id_is_meant(const char *id, const char *which)
{
	uint32_t number = id_number(id);
	uint64_t n;

	if (!strcmp(id, which))
		return true;
	if (number == LAB_NO_NUMBER)
		return false;
	return !strcmp(id + 3, which) ||
	       (!number_parse(which, 0, 99, &n) && n == number);
}

static bool is_lab(const struct lab_root *root, const char *id)
{
	char *path = file_text("%s/%s/lab.ini", root->labs, id);
	bool is = path && file_is_there(path);

	free(path);
	return is;
}

int lab_load(const struct lab_root *root, const char *which, struct lab **out,
	     struct why *why)
{
	char known[256] = "", **names;
	size_t len = 0;
	int err, i;

	err = file_names(root->labs, &names, why);
	if (err)
		return err;
	err = -ENOENT;
	for (i = 0; names[i] && err == -ENOENT; i++) {
		if (!is_lab(root, names[i]))
			continue;
		if (id_is_meant(names[i], which)) {
			err = load(root, names[i], out, why);
		} else if (len + strlen(names[i]) + 3 < sizeof(known)) {
			len += (size_t)sprintf(known + len, "%s%s",
					       len ? ", " : "", names[i]);
		}
	}
	free(names);
	if (err == -ENOENT)
		return why_set(why, err, "there is no lab \"%s\"; there %s %s",
			       which, strchr(known, ',') ? "are" : "is",
			       len ? known : "none");
	return err;
}

int lab_list_load(const struct lab_root *root, struct lab_list *out,
		  struct why *why)
{
	struct lab_list list = { NULL, 0 };
	char **names;
	int err, i;

	err = file_names(root->labs, &names, why);
	if (err)
		return err;
	for (i = 0; names[i]; i++)
		;
	list.lab = calloc((size_t)i + 1, sizeof(*list.lab));
	if (!list.lab)
		err = why_set(why, -ENOMEM, "no memory");
	/* Digits sort before letters. */
	for (i = 0; !err && names[i]; i++)
		if (is_lab(root, names[i])) {
			err = load(root, names[i], &list.lab[list.count], why);
			if (!err)
				list.count++;
		}
	free(names);
	if (err)
		lab_list_free(&list);
	else
		*out = list;
	return err;
}

void lab_list_free(struct lab_list *list)
{
	unsigned i;

	for (i = 0; i < list->count; i++)
		lab_free(list->lab[i]);
	free(list->lab);
	list->lab = NULL;
	list->count = 0;
}

void lab_free(struct lab *lab)
{
	unsigned i;

	if (!lab)
		return;
	for (i = 0; i < lab->predictions; i++) {
		free(lab->prediction[i].name);
		free(lab->prediction[i].ask);
		free(lab->prediction[i].unit);
		free(lab->prediction[i].run);
		free(lab->prediction[i].of);
		free(lab->prediction[i].explain);
	}
	for (i = 0; i < lab->files; i++)
		free(lab->file[i]);
	free(lab->id);
	free(lab->name);
	free(lab->dir);
	free(lab->title);
	free(lab->replaces);
	free(lab->trace_run);
	free(lab->object);
	free(lab);
}

char *lab_path(const struct lab *lab, const char *fmt, ...)
{
	char *below = NULL, *path;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&below, fmt, ap);
	va_end(ap);
	if (len < 0)
		return NULL;
	path = file_text("%s/%s", lab->dir, below);
	free(below);
	return path;
}

unsigned lab_hints(const struct lab *lab)
{
	unsigned n = 0;
	bool there = true;
	char *path;

	while (there) {
		path = lab_path(lab, "hints/%u.md", n + 1);
		there = path && file_is_there(path);
		free(path);
		n += there;
	}
	return n;
}

const struct lab_prediction *lab_prediction_find(const struct lab *lab,
						 const char *name)
{
	unsigned i;

	for (i = 0; i < lab->predictions; i++)
		if (!strcmp(lab->prediction[i].name, name))
			return &lab->prediction[i];
	return NULL;
}
