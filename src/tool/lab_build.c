/* SPDX-License-Identifier: MIT */
/*
 * ringside lab build: the ringsided that a grade would run, in a file, so that
 * it can serve a desk of one's own, or a real guest in `ringside host`.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "labs/engine/build.h"
#include "labs/engine/confine.h"
#include "labs/engine/file.h"
#include "tool/lab_commands.h"
#include "tool/lab_given.h"
#include "tool/lab_tool.h"

#define PROGRAM "ringside lab build"

struct args {
	struct lab_given_options given;
	const char *output;
};

static const struct argp_option options[] = {
	LAB_TOOL_OUTPUT("the program (default: ringsided, here)"), { 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		a->output = "ringsided";
		state->child_inputs[0] = &a->given;
		return 0;
	case 'o':
		a->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "there is nothing to do with \"%s\"", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &lab_given_argp, 0, NULL, 0 },
					      { 0 } };

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.doc = "Compile what is in a student's directory, link it into the "
	       "real "
	       "ringsided as a grade does, and leave the program in a file."
	       "\vIt runs as ringsided(8) does, not confined.\n"
	       "Exit status: 0 it is made; 1 the files cannot be compiled; 2 "
	       "usage; 3 nothing can be built here, whatever the files say.",
};

/* 0; -ECHILD: the files are at fault, and that was told; or -errno. */
static int build_in(const struct args *a, const struct lab_work *work,
		    const char *scratch, struct why *why)
{
	struct arena arena = { 0 };
	struct build build;
	int err = a->given.place.trust ? 0 : confine_possible(why);

	if (!err)
		err = build_make(&arena, work, scratch, a->given.place.trust,
				 &build, why);
	if (!err) {
		fputs(build.said, stderr);
		err = build.made ? file_copy(build.program, a->output, why)
				 : -ECHILD;
	}
	arena_free(&arena);
	return err;
}

/* What the options ask for, which must have code. */
static int given_open(struct lab_given *g, const struct args *a,
		      struct why *why)
{
	int err = lab_given_open(g, &a->given, why);

	if (!err && !g->work->lab->replaces)
		err = why_set(why, -EINVAL, "lab %s has no code, only answers",
			      g->work->lab->id);
	return err;
}

static int complain(int code, const struct why *why)
{
	fprintf(stderr, PROGRAM ": nothing was built: %s\n", why->text);
	return code;
}

int lab_cmd_build(int argc, char **argv)
{
	struct lab_given given = { 0 };
	struct args a = { 0 };
	struct why why = { "" };
	char *scratch;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	err = given_open(&given, &a, &why);
	if (err) {
		lab_given_close(&given);
		return complain(err == -ENOENT || err == -EINVAL ? 2 : 3, &why);
	}
	err = file_scratch("build", &scratch, &why);
	if (!err) {
		err = build_in(&a, given.work, scratch, &why);
		file_tree_remove(scratch);
		free(scratch);
	}
	lab_given_close(&given);
	if (err == -ECHILD)
		return 1;
	return err ? complain(3, &why) : 0;
}
