/* SPDX-License-Identifier: MIT */
#include "tool/lab_given.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "labs/engine/answers.h"
#include "labs/engine/solution.h"
#include "trace/record/dir.h"

enum { OPT_LAB = 0x200, OPT_SOLUTION, OPT_MUTANT };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "For teachers:", 1 },
	{ "lab", OPT_LAB, "LAB", 0,
	  "take DIR's files as those of LAB, whatever .lab says", 0 },
	{ "solution", OPT_SOLUTION, NULL, 0, "take the lab's own solution", 0 },
	{ "mutant", OPT_MUTANT, "NAME", 0, "take a wrong solution of the lab",
	  0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct lab_given_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->place;
		return 0;
	case OPT_LAB:
		o->lab = arg;
		return 0;
	case OPT_SOLUTION:
		o->solution = true;
		return 0;
	case OPT_MUTANT:
		o->mutant = arg;
		return 0;
	case ARGP_KEY_END:
		if (o->solution && o->mutant)
			argp_error(state, "the solution or a mutant, not both");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &lab_tool_place_argp, 0, NULL, 0 }, { 0 }
};

const struct argp lab_given_argp = { .options = options,
				     .parser = parse,
				     .children = children };

/* The lab's own files, copied where a student's would be. */
static int teacher_copy(const struct lab_given_options *a,
			const struct lab *lab, const char *to, struct why *why)
{
	int err;

	if (mkdir(to, 0755) && errno != EEXIST)
		return why_set(why, -errno, "%s cannot be made: %s", to,
			       strerror(errno));
	err = a->mutant ? lab_mutant_copy(lab, a->mutant, to, why)
			: lab_solution_copy(lab, to, why);
	return err || lab->replaces ? err : lab_answers_fill(lab, to, why);
}

static int scratch_make(struct lab_given *g, const struct lab_given_options *a,
			struct why *why)
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
static int lab_pick(struct lab_given *g, const struct lab_given_options *a,
		    struct lab **lab, struct why *why)
{
	struct lab_work *work;
	int err;

	if (a->lab)
		return lab_load(g->root, a->lab, lab, why);
	err = lab_work_open(g->root, a->place.dir, &work, why);
	if (err)
		return err;
	err = lab_load(g->root, work->lab->id, lab, why);
	lab_work_free(work);
	return err;
}

static int borrow(struct lab_given *g, const struct lab_given_options *a,
		  struct why *why)
{
	bool own = a->solution || a->mutant;
	char files[4200];
	struct lab *lab;
	int err = lab_pick(g, a, &lab, why);

	if (err)
		return err;
	err = scratch_make(g, a, why);
	snprintf(files, sizeof(files), "%s/files", g->scratch);
	if (!err && own)
		err = teacher_copy(a, lab, files, why);
	if (!err)
		err = lab_work_borrow(lab,
				      own	     ? files
				      : a->place.dir ? a->place.dir
						     : ".",
				      g->scratch, &g->work, why);
	if (err)
		lab_free(lab);
	return err;
}

int lab_given_open(struct lab_given *g, const struct lab_given_options *a,
		   struct why *why)
{
	int err = lab_root_find(&g->root, why);

	if (err)
		return err;
	if (a->lab || a->solution || a->mutant)
		return borrow(g, a, why);
	return lab_work_open(g->root, a->place.dir, &g->work, why);
}

void lab_given_close(struct lab_given *g)
{
	lab_work_free(g->work);
	lab_root_free(g->root);
	if (*g->scratch && !g->keep)
		record_dir_remove(g->scratch);
}
