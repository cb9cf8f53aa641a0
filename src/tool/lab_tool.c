/* SPDX-License-Identifier: MIT */
#include "tool/lab_tool.h"

#include <errno.h>
#include <stdio.h>

void lab_tool_complain(const char *name, const struct why *why)
{
	fprintf(stderr, "%s: %s\n", name, why->text);
}

int lab_tool_code(int err)
{
	switch (err) {
	case -ENOENT:
	case -EINVAL:
	case -EEXIST:
	case -ESRCH:
	case -EFBIG:
	case -ENOTDIR:
		return 2;
	default:
		return 1;
	}
}

static int told(const char *name, int err, const struct why *why)
{
	if (!err)
		return 0;
	lab_tool_complain(name, why);
	return lab_tool_code(err);
}

int lab_tool_root(const char *name, struct lab_root **root)
{
	struct why why;

	return told(name, lab_root_find(root, &why), &why);
}

int lab_tool_lab(const char *name, const char *which, struct lab_root **root,
		 struct lab **lab)
{
	struct why why;
	int code;

	code = lab_tool_root(name, root);
	if (code)
		return code;
	code = told(name, lab_load(*root, which, lab, &why), &why);
	if (code)
		lab_root_free(*root);
	return code;
}

int lab_tool_work(const char *name, const char *dir, struct lab_root **root,
		  struct lab_work **work)
{
	struct why why;
	int code;

	code = lab_tool_root(name, root);
	if (code)
		return code;
	code = told(name, lab_work_open(*root, dir, work, &why), &why);
	if (code)
		lab_root_free(*root);
	return code;
}

enum { OPT_TRUST = 0x300 };

static const struct argp_option place_options[] = {
	LAB_TOOL_DIR,
	{ "trust", OPT_TRUST, NULL, 0,
	  "compile and run without confinement: for files of your own only",
	  0 },
	{ 0 }
};

static error_t place_parse(int key, char *arg, struct argp_state *state)
{
	struct lab_tool_place *place = state->input;

	switch (key) {
	case 'C':
		place->dir = arg;
		return 0;
	case OPT_TRUST:
		place->trust = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp lab_tool_place_argp = { .options = place_options,
					  .parser = place_parse };
