/* SPDX-License-Identifier: MIT */
/* ringside lab kit, submit, skeleton: what goes out and what comes in. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "labs/engine/file.h"
#include "labs/engine/kit.h"
#include "labs/engine/skeleton.h"
#include "labs/engine/solution.h"
#include "labs/engine/submit.h"
#include "tool/lab_commands.h"
#include "tool/lab_tool.h"

struct args {
	const char *lab;
	const char *dir;
	const char *output;
	unsigned steps;
	bool wants_lab;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	uint64_t n = 0;

	switch (key) {
	case 'C':
		a->dir = arg;
		return 0;
	case 'o':
		a->output = arg;
		return 0;
	case 's':
		if (number_parse(arg, 1, SKELETON_STEPS, &n))
			argp_error(state, "--steps %s: a number from 1 on",
				   arg);
		a->steps = (unsigned)n;
		return 0;
	case ARGP_KEY_ARG:
		if (!a->wants_lab || a->lab || !arg[0])
			argp_error(state, "what is \"%s\" to be?", arg);
		a->lab = arg;
		return 0;
	case ARGP_KEY_END:
		if (a->wants_lab && !a->lab)
			argp_error(state, "which lab? \"ringside lab list\" "
					  "has them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Complain and return the exit code; 0 for 0. */
static int done(const char *name, int err, const struct why *why)
{
	if (!err)
		return 0;
	lab_tool_complain(name, why);
	return lab_tool_code(err);
}

/* ---- kit ----------------------------------------------------------------- */

static const struct argp_option kit_options[] = {
	LAB_TOOL_OUTPUT("the tar file (default: ringside-lab-LAB.tar.gz)"),
	{ 0 }
};

static const struct argp kit_argp = {
	.options = kit_options,
	.parser = parse,
	.args_doc = "LAB",
	.doc = "Pack what students get of a lab, in one tar file.\vIt has the "
	       "programs, the rest of the backend as an object, headers, the "
	       "README and the hints; no solution, no mutants, and nothing of "
	       "the layer that is to be written.",
};

int lab_cmd_kit(int argc, char **argv)
{
	struct args a = { .wants_lab = true };
	struct lab_root *root;
	struct lab *lab;
	struct why why;
	char *file;
	int code, err;

	argp_parse(&kit_argp, argc, argv, 0, NULL, &a);
	code = lab_tool_lab(argv[0], a.lab, &root, &lab);
	if (code)
		return code;
	file = a.output ? file_text("%s", a.output)
			: file_text("ringside-lab-%s.tar.gz", lab->id);
	err = file ? lab_kit_make(lab, file, &why)
		   : why_set(&why, -ENOMEM, "no memory");
	code = done(argv[0], err, &why);
	if (!code)
		printf("%s\n", file);
	free(file);
	lab_free(lab);
	lab_root_free(root);
	return code;
}

/* ---- submit -------------------------------------------------------------- */

static const struct argp_option submit_options[] = {
	LAB_TOOL_DIR,
	LAB_TOOL_OUTPUT("the tar file (default: LAB.tar.gz, here)"),
	{ 0 }
};

static const struct argp submit_argp = {
	.options = submit_options,
	.parser = parse,
	.doc = "Pack what you hand in: the files that you edited, and what was "
	       "done with them.",
};

static void packed_tell(const struct lab_work *work)
{
	struct why answers, points;
	bool has = lab_submit_answers(work, &answers);
	unsigned i;

	printf("packed:");
	for (i = 0; i < work->lab->files; i++)
		printf(" %s", work->lab->file[i]);
	printf("%s .lab/state.json\n", has ? " answers.md" : "");
	lab_submit_remark(work, &points);
	printf("points: %s\n", points.text);
	if (answers.text[0])
		printf("note: %s\n", answers.text);
}

int lab_cmd_submit(int argc, char **argv)
{
	struct args a = { 0 };
	struct lab_work *work;
	struct lab_root *root;
	struct why why;
	char *file;
	int code, err;

	argp_parse(&submit_argp, argc, argv, 0, NULL, &a);
	code = lab_tool_work(argv[0], a.dir, &root, &work);
	if (code)
		return code;
	file = a.output ? file_text("%s", a.output)
			: file_text("%s.tar.gz", work->lab->id);
	err = file ? lab_submit_make(work, file, &why)
		   : why_set(&why, -ENOMEM, "no memory");
	code = done(argv[0], err, &why);
	if (!code) {
		printf("%s\n", file);
		packed_tell(work);
	}
	free(file);
	lab_work_free(work);
	lab_root_free(root);
	return code;
}

/* ---- skeleton -------------------------------------------------------------
 */

static const struct argp_option skeleton_options[] = {
	{ "output", 'o', "DIR", 0, "write the files there", 0 },
	{ "steps", 's', "N", 0,
	  "leave the first N steps in, with their marks, as what \"ringside "
	  "lab "
	  "catchup --from\" takes",
	  0 },
	{ 0 }
};

static const struct argp skeleton_argp = {
	.options = skeleton_options,
	.parser = parse,
	.args_doc = "LAB",
	.doc = "The files that a student starts with, made from the lab's "
	       "solution, on standard output.",
};

static int files_print(const struct lab *lab, const char *dir, struct why *why)
{
	char *path, *text;
	unsigned i;
	int err = 0;

	for (i = 0; i < lab->files && !err; i++) {
		path = file_text("%s/%s", dir, lab->file[i]);
		err = path ? file_read(path, &text, why)
			   : why_set(why, -ENOMEM, "no memory");
		free(path);
		if (err)
			break;
		if (lab->files > 1)
			printf("==> %s <==\n", lab->file[i]);
		fputs(text, stdout);
		free(text);
	}
	return err;
}

static int skeleton(const struct lab *lab, const struct args *a,
		    struct why *why)
{
	char *scratch;
	int err;

	if (!lab_has_solution(lab))
		return why_set(why, -ENOENT,
			       "lab %s has no solution here to make it from",
			       lab->id);
	if (a->output)
		return skeleton_write(lab, a->output, a->steps, why);
	err = file_scratch("skeleton", &scratch, why);
	if (err)
		return err;
	err = skeleton_write(lab, scratch, a->steps, why);
	if (!err)
		err = files_print(lab, scratch, why);
	file_tree_remove(scratch);
	free(scratch);
	return err;
}

int lab_cmd_skeleton(int argc, char **argv)
{
	struct args a = { .wants_lab = true };
	struct lab_root *root;
	struct lab *lab;
	struct why why;
	int code;

	argp_parse(&skeleton_argp, argc, argv, 0, NULL, &a);
	code = lab_tool_lab(argv[0], a.lab, &root, &lab);
	if (code)
		return code;
	code = done(argv[0], skeleton(lab, &a, &why), &why);
	lab_free(lab);
	lab_root_free(root);
	return code;
}
