/* SPDX-License-Identifier: MIT */
/* ringside lab list, start: which labs there are, and to begin one. */
#include <stdio.h>
#include <stdlib.h>

#include "labs/engine/start.h"
#include "tool/lab_commands.h"
#include "tool/lab_tool.h"

/* ---- list ---------------------------------------------------------------- */

static const struct argp list_argp = {
	.doc = "The labs that there are, with the minutes that each takes.",
};

static void needs_print(const struct lab *lab)
{
	unsigned i;

	if (!lab->needs)
		return;
	printf("\n%26safter lab%s", "", lab->needs > 1 ? "s" : "");
	for (i = 0; i < lab->needs; i++)
		printf("%s %u", i ? "," : "", lab->need[i]);
}

static void lab_print(const struct lab *lab)
{
	if (lab->number == LAB_NO_NUMBER)
		printf(" -");
	else
		printf("%2u", lab->number);
	printf("  %-12s %3u min  %s", lab->name, lab->minutes, lab->title);
	needs_print(lab);
	printf("\n");
}

int lab_cmd_list(int argc, char **argv)
{
	struct lab_root *root;
	struct lab_list list;
	struct why why;
	unsigned i;
	int code, err;

	argp_parse(&list_argp, argc, argv, 0, NULL, NULL);
	code = lab_tool_root(argv[0], &root);
	if (code)
		return code;
	err = lab_list_load(root, &list, &why);
	if (err) {
		lab_tool_complain(argv[0], &why);
		code = lab_tool_code(err);
	} else {
		for (i = 0; i < list.count; i++)
			lab_print(list.lab[i]);
		lab_list_free(&list);
	}
	lab_root_free(root);
	return code;
}

/* ---- start --------------------------------------------------------------- */

struct start_args {
	const char *lab;
	const char *dir;
};

static error_t start_parse(int key, char *arg, struct argp_state *state)
{
	struct start_args *a = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (!arg[0] || a->dir)
			argp_error(state,
				   "a lab and a directory, please: "
				   "\"%s\"",
				   arg);
		else if (a->lab)
			a->dir = arg;
		else
			a->lab = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which lab? \"ringside lab list\" has them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp start_argp = {
	.parser = start_parse,
	.args_doc = "LAB [DIR]",
	.doc = "Begin a lab: its files are copied to DIR (default: the lab's "
	       "name, as in 05-ring).\vLAB is a number or a name, as "
	       "\"ringside "
	       "lab list\" shows them.",
};

static void started_print(const struct lab_work *w, const char *dir)
{
	const struct lab *lab = w->lab;
	unsigned i;

	printf("%s: %s (%u minutes)\n\n", lab->id, lab->title, lab->minutes);
	printf("  read   %s/README.md\n", dir);
	for (i = 0; i < lab->files; i++)
		printf("  edit   %s/%s\n", dir, lab->file[i]);
	printf("  then   cd %s && ringside lab grade\n", dir);
	if (lab->needs) {
		printf("\nIt builds on lab%s", lab->needs > 1 ? "s" : "");
		for (i = 0; i < lab->needs; i++)
			printf("%s %u", i ? "," : "", lab->need[i]);
		printf(".\n");
	}
}

int lab_cmd_start(int argc, char **argv)
{
	struct start_args a = { NULL, NULL };
	struct lab_work *work;
	struct lab_root *root;
	struct lab *lab;
	struct why why;
	int code, err;

	argp_parse(&start_argp, argc, argv, 0, NULL, &a);
	code = lab_tool_lab(argv[0], a.lab, &root, &lab);
	if (code)
		return code;
	if (!a.dir)
		a.dir = lab->id;
	err = lab_work_start(lab, a.dir, &work, &why);
	if (err) {
		lab_tool_complain(argv[0], &why);
		code = lab_tool_code(err);
		lab_free(lab);
	} else {
		started_print(work, a.dir);
		lab_work_free(work);
	}
	lab_root_free(root);
	return code;
}
