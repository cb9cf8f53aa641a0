/* SPDX-License-Identifier: MIT */
/* ringside lab grade: build, run and judge what is in a student's directory. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "labs/engine/keep.h"
#include "labs/engine/results.h"
#include "labs/engine/tell.h"
#include "tool/commands.h"
#include "tool/lab_commands.h"
#include "tool/lab_given.h"

#define PROGRAM "ringside lab grade"

struct args {
	struct lab_given_options given;
	const char *results;
	bool first;
	bool quiet;
	struct grade_options grade;
};

enum {
	OPT_RESULTS = 0x100,
	OPT_OUT,
	OPT_FIRST,
	OPT_ALL,
	OPT_KEEP,
	OPT_CHECK,
};

static const struct argp_option options[] = {
	{ "first", OPT_FIRST, NULL, 0,
	  "tell only about the first check that was not passed", 0 },
	{ "all", OPT_ALL, NULL, 0,
	  "tell about all that were not passed, also where the first check of "
	  "all is among them",
	  0 },
	{ "check", OPT_CHECK, "NAME", 0, "try this check only", 0 },
	{ "results", OPT_RESULTS, "FILE", 0,
	  "write Gradescope's results.json to FILE, too", 0 },
	{ "json", OPT_RESULTS, "FILE", OPTION_ALIAS, NULL, 0 },
	{ "quiet", 'q', NULL, 0, "say nothing; the exit code tells", 0 },
	{ "out", OPT_OUT, "DIR", 0,
	  "with --lab: keep trace and pictures below DIR", 0 },
	{ "keep", OPT_KEEP, NULL, 0,
	  "keep what each program said, in .lab/run (with --lab, below --out)",
	  0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->given;
		return 0;
	case OPT_RESULTS:
		a->results = arg;
		return 0;
	case OPT_OUT:
		a->given.out = arg;
		return 0;
	case OPT_CHECK:
		a->grade.check = arg;
		return 0;
	case OPT_KEEP:
		a->grade.keep = true;
		return 0;
	case OPT_ALL:
		a->grade.all = true;
		return 0;
	case OPT_FIRST:
		a->first = true;
		return 0;
	case 'q':
		a->quiet = true;
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
	.doc = "Build, run and judge what is in a student's directory."
	       "\vExit status: 0 all points; 1 not all; 2 usage; 3 could not "
	       "be graded, whatever the files say.",
};

static int complain(int code, const struct why *why)
{
	fprintf(stderr, PROGRAM ": not graded: %s\n", why->text);
	return code;
}

/* ---- what is told -------------------------------------------------------- */

static unsigned failures(const struct grade *g)
{
	unsigned i, n = 0;

	for (i = 0; i < g->expect->checks; i++)
		n += g->check[i].state == GRADE_FAILED;
	return n;
}

static void tell(const struct args *a, const struct grade *g)
{
	struct text said = { 0 };
	struct tell t = { &said, tell_colour_wanted(STDOUT_FILENO) };
	bool one = a->first || (!a->grade.all && grade_failed_at_once(g));
	unsigned i;

	tell_build(&t, g);
	tell_list(&t, g);
	for (i = 0; i < g->expect->checks; i++) {
		if (g->check[i].state == GRADE_PASSED)
			continue;
		/* Without a program there is nothing to say of each check. */
		if (g->has_code && !g->build.made)
			break;
		if (g->check[i].state == GRADE_FAILED)
			tell_check(&t, g, &g->check[i]);
		if (one)
			break;
	}
	if (one && failures(g) > 1 && (!g->has_code || g->build.made))
		text_add(&said, "More failed, maybe by the same; "
				"\"ringside lab grade --all\" tells of all.\n");
	tell_end(&t, g);
	fputs(text_str(&said), stdout);
	fflush(stdout);
	text_free(&said);
}

static void note(struct lab_work *work, const struct grade *g)
{
	struct json_object *o = json_object_new_object();
	struct why why;

	json_object_object_add(o, "points", json_object_new_int64(g->points));
	json_object_object_add(o, "of",
			       json_object_new_int64(g->expect->points));
	json_object_object_add(o, "seconds",
			       json_object_new_double(g->seconds));
	lab_work_note(work, "grades", o);
	if (lab_work_save(work, &why))
		fprintf(stderr, PROGRAM ": %s\n", why.text);
}

static void close_all(struct lab_given *k)
{
	lab_given_close(k);
	keep_end();
}

int lab_cmd_grade(int argc, char **argv)
{
	struct args a = { .grade = { .tool = tool_run, .pictures = true } };
	struct lab_given k = { 0 };
	struct why why = { "" };
	struct grade *g;
	int err, code;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	keep_daemon("grade", argc, argv);
	err = lab_given_open(&k, &a.given, &why);
	if (err) {
		close_all(&k);
		return complain(err == -ENOENT || err == -EINVAL ? 2 : 3, &why);
	}
	a.grade.trust = a.given.place.trust;
	a.grade.quiet = *k.scratch && !k.keep;
	a.grade.pictures = !a.first;
	err = grade_make(k.work, &a.grade, &g, &why);
	if (err) {
		close_all(&k);
		return complain(err == -ESRCH ? 2 : 3, &why);
	}
	if (!a.quiet)
		tell(&a, g);
	note(k.work, g);
	code = g->points == g->expect->points && !grade_first_failed(g) ? 0 : 1;
	if (a.results && results_write(g, a.results, &why))
		code = complain(3, &why);
	grade_free(g);
	close_all(&k);
	return code;
}
