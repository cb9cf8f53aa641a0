/* SPDX-License-Identifier: MIT */
/* ringside lab grade: build, run and judge what is in a student's directory. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "labs/engine/keep.h"
#include "labs/engine/results.h"
#include "labs/engine/solution.h"
#include "labs/engine/tell.h"
#include "tool/commands.h"
#include "tool/lab_commands.h"
#include "trace/record/dir.h"

#define PROGRAM "ringside lab grade"

struct args {
	const char *dir;
	const char *lab;
	const char *mutant;
	const char *results;
	const char *out;
	bool solution;
	bool first;
	bool quiet;
	struct grade_options grade;
};

enum {
	OPT_DIR = 0x100,
	OPT_LAB,
	OPT_SOLUTION,
	OPT_MUTANT,
	OPT_RESULTS,
	OPT_OUT,
	OPT_TRUST,
	OPT_FIRST,
	OPT_KEEP,
	OPT_CHECK,
};

static const struct argp_option options[] = {
	{ "dir", OPT_DIR, "DIR", 0, "the student's directory (default: this)",
	  0 },
	{ "first", OPT_FIRST, NULL, 0,
	  "tell only about the first check that was not passed", 0 },
	{ "check", OPT_CHECK, "NAME", 0, "try this check only", 0 },
	{ "results", OPT_RESULTS, "FILE", 0,
	  "write Gradescope's results.json to FILE, too", 0 },
	{ "json", OPT_RESULTS, "FILE", OPTION_ALIAS, NULL, 0 },
	{ "trust", OPT_TRUST, NULL, 0,
	  "run the program without confinement: for your own only", 0 },
	{ "quiet", 'q', NULL, 0, "say nothing; the exit code tells", 0 },
	{ NULL, 0, NULL, 0, "For teachers:", 1 },
	{ "lab", OPT_LAB, "LAB", 0,
	  "grade DIR's files as those of LAB, whatever .lab says", 0 },
	{ "out", OPT_OUT, "DIR", 0,
	  "with --lab: keep trace and pictures below DIR", 0 },
	{ "keep", OPT_KEEP, NULL, 0,
	  "keep what each program said, in .lab/run (with --lab, below --out)",
	  0 },
	{ "solution", OPT_SOLUTION, NULL, 0, "grade the lab's own solution",
	  0 },
	{ "mutant", OPT_MUTANT, "NAME", 0, "grade a wrong solution of the lab",
	  0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case OPT_DIR:
		a->dir = arg;
		return 0;
	case OPT_LAB:
		a->lab = arg;
		return 0;
	case OPT_SOLUTION:
		a->solution = true;
		return 0;
	case OPT_MUTANT:
		a->mutant = arg;
		return 0;
	case OPT_RESULTS:
		a->results = arg;
		return 0;
	case OPT_OUT:
		a->out = arg;
		return 0;
	case OPT_TRUST:
		a->grade.trust = true;
		return 0;
	case OPT_CHECK:
		a->grade.check = arg;
		return 0;
	case OPT_KEEP:
		a->grade.keep = true;
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
	case ARGP_KEY_END:
		if (a->solution && a->mutant)
			argp_error(state, "the solution or a mutant, not both");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Build, run and judge what is in a student's directory."
	       "\vExit status: 0 all points; 1 not all; 2 usage; 3 could not "
	       "be graded, whatever the files say.",
};

static int complain(int code, const struct why *why)
{
	fprintf(stderr, PROGRAM ": not graded: %s\n", why->text);
	return code;
}

/* ---- what is graded ------------------------------------------------------ */

struct graded {
	struct lab_root *root;
	struct lab_work *work;
	char scratch[4096]; /* "" or a directory of ours */
	bool keep;
};

/* The lab's own files, copied where a student's would be. */
static int teacher_copy(const struct args *a, const struct lab *lab,
			const char *to, struct why *why)
{
	if (mkdir(to, 0755) && errno != EEXIST)
		return why_set(why, -errno, "%s cannot be made: %s", to,
			       strerror(errno));
	return a->mutant ? lab_mutant_copy(lab, a->mutant, to, why)
			 : lab_solution_copy(lab, to, why);
}

static int scratch_make(struct graded *g, const struct args *a, struct why *why)
{
	const char *tmp = getenv("TMPDIR");

	if (a->out) {
		g->keep = true;
		snprintf(g->scratch, sizeof(g->scratch), "%s", a->out);
		if (!mkdir(a->out, 0755) || errno == EEXIST)
			return 0;
	} else {
		snprintf(g->scratch, sizeof(g->scratch), "%s/ringside-XXXXXX",
			 tmp && *tmp ? tmp : "/tmp");
		if (mkdtemp(g->scratch))
			return 0;
	}
	return why_set(why, -errno, "%s cannot be made: %s", g->scratch,
		       strerror(errno));
}

/* Which lab: the one named, else that of the student's directory. */
static int lab_pick(struct graded *g, const struct args *a, struct lab **lab,
		    struct why *why)
{
	struct lab_work *work;
	int err;

	if (a->lab)
		return lab_load(g->root, a->lab, lab, why);
	err = lab_work_open(g->root, a->dir, &work, why);
	if (err)
		return err;
	err = lab_load(g->root, work->lab->id, lab, why);
	lab_work_free(work);
	return err;
}

static int borrow(struct graded *g, const struct args *a, struct why *why)
{
	bool own = a->solution || a->mutant;
	char files[4200];
	struct lab *lab;
	int err = lab_pick(g, a, &lab, why);

	if (err)
		return err;
	if (own && !lab->replaces) {
		err = why_set(why, -EINVAL,
			      "lab %s has no code: the answers are those of "
			      "each student's own trace",
			      lab->id);
		lab_free(lab);
		return err;
	}
	err = scratch_make(g, a, why);
	snprintf(files, sizeof(files), "%s/files", g->scratch);
	if (!err && own)
		err = teacher_copy(a, lab, files, why);
	if (!err)
		err = lab_work_borrow(lab,
				      own      ? files
				      : a->dir ? a->dir
					       : ".",
				      g->scratch, &g->work, why);
	if (err)
		lab_free(lab);
	return err;
}

static int graded_open(struct graded *g, const struct args *a, struct why *why)
{
	int err = lab_root_find(&g->root, why);

	if (err)
		return err;
	if (a->lab || a->solution || a->mutant)
		return borrow(g, a, why);
	return lab_work_open(g->root, a->dir, &g->work, why);
}

static void graded_close(struct graded *g)
{
	lab_work_free(g->work);
	lab_root_free(g->root);
	if (*g->scratch && !g->keep)
		record_dir_remove(g->scratch);
	keep_end();
}

/* ---- what is told -------------------------------------------------------- */

static void tell(const struct args *a, const struct grade *g)
{
	struct text said = { 0 };
	struct tell t = { &said, tell_colour_wanted(STDOUT_FILENO) };
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
		if (a->first)
			break;
	}
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

int lab_cmd_grade(int argc, char **argv)
{
	struct args a = { .grade = { .tool = tool_run, .pictures = true } };
	struct graded k = { 0 };
	struct why why = { "" };
	struct grade *g;
	int err, code;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	keep_daemon("grade", argc, argv);
	err = graded_open(&k, &a, &why);
	if (err) {
		graded_close(&k);
		return complain(err == -ENOENT || err == -EINVAL ? 2 : 3, &why);
	}
	a.grade.quiet = *k.scratch && !k.keep;
	a.grade.pictures = !a.first;
	err = grade_make(k.work, &a.grade, &g, &why);
	if (err) {
		graded_close(&k);
		return complain(err == -ESRCH ? 2 : 3, &why);
	}
	if (!a.quiet)
		tell(&a, g);
	note(k.work, g);
	code = g->points == g->expect->points && !grade_first_failed(g) ? 0 : 1;
	if (a.results && results_write(g, a.results, &why))
		code = complain(3, &why);
	grade_free(g);
	graded_close(&k);
	return code;
}
