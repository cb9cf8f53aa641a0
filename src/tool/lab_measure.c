/* SPDX-License-Identifier: MIT */
/*
 * ringside lab measure: what was predicted, measured, and the ratio of the two.
 * Nothing is judged; there is credit for a prediction and its explanation.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labs/engine/grade.h"
#include "labs/engine/keep.h"
#include "labs/engine/report.h"
#include "labs/engine/tell.h"
#include "tool/commands.h"
#include "tool/lab_commands.h"
#include "tool/lab_tool.h"

#define PROGRAM "ringside lab measure"

struct measure {
	struct lab_tool_place place;
	const char *name; /* NULL: all that were predicted */
	struct grade_options grade;
	struct lab_work *work;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct measure *m = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &m->place;
		return 0;
	case ARGP_KEY_ARG:
		if (m->name)
			argp_error(state, "one name, please: \"%s\"", arg);
		m->name = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &lab_tool_place_argp, 0, NULL, 0 }, { 0 }
};

static const struct argp argp = {
	.parser = parse,
	.children = children,
	.args_doc = "[NAME]",
	.doc = "Measure what was predicted with `ringside lab predict`, and "
	       "show both and their ratio."
	       "\vExit status: 0; 1 if something could not be measured; 2 "
	       "usage; 3 if nothing can be measured here.",
};

/* ---- one run ------------------------------------------------------------- */

/*
 * A lab.ini says how to run and what to look at in the words of expect.trace:
 * so a check that judges nothing does it.
 */
static int expect_write(const struct lab_prediction *p, const char *path,
			struct why *why)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return why_set(why, -errno, "%s cannot be written: %s", path,
			       strerror(errno));
	fprintf(f, "check measure 0 \"measure\"\nrun %s\n", p->run);
	/* The counters are only asked for where they are looked at. */
	if (!strncmp(p->of, "desk ", 5))
		fprintf(f, "desk %s != -1\n", p->of + 5);
	if (fclose(f))
		return why_set(why, -EIO, "%s cannot be written", path);
	return 0;
}

/* The number that `of` names, as text. */
static int value_of(struct grade *g, const char *of, struct text *out,
		    struct why *why)
{
	const struct run_check *r = &g->run[0];
	const struct scope s = { &g->log, r->domid, r->domids };
	const char *front;
	struct words w;
	struct query q;
	int64_t n;

	if (!strncmp(of, "front ", 6)) {
		front = report_front(&g->arena, r, of + 6);
		if (!front)
			return why_set(why, -EINVAL,
				       "the frontend does not tell \"%s\"",
				       of + 6);
		text_add(out, front);
		return 0;
	}
	if (!strncmp(of, "desk ", 5)) {
		if (report_desk(r, of + 5, &n))
			return why_set(why, -EINVAL,
				       "the desk has no counter \"%s\"",
				       of + 5);
		text_printf(out, "%lld", (long long)n);
		return 0;
	}
	if (words_split(&g->arena, of, &w) ||
	    query_parse(&g->arena, &w, 0, &q, why))
		return -EINVAL;
	return query_answer(&s, &q, out)
		       ? why_set(why, -ENOENT, "no such event came")
		       : 0;
}

static int measured(struct measure *m, const struct lab_prediction *p,
		    struct text *out, struct why *why)
{
	char path[4096];
	struct grade *g;
	int err;

	snprintf(path, sizeof(path), "%s/measure.trace", m->work->meta);
	err = expect_write(p, path, why);
	if (err)
		return err;
	m->grade.expect = path;
	m->grade.quiet = true;
	err = grade_make(m->work, &m->grade, &g, why);
	unlink(path);
	if (err)
		return err;
	if (g->has_code && !g->build.made)
		err = why_set(why, -ECHILD,
			      "your file cannot be compiled; `ringside lab "
			      "grade` shows why");
	else if (g->run[0].ended)
		err = why_set(why, -ECHILD, "your ringsided: %s",
			      g->run[0].ended);
	else if (g->check[0].state != GRADE_PASSED)
		err = why_set(why, -ECHILD, "the run did not go well: %s",
			      g->run[0].front_said ? g->run[0].front_said
						   : "nobody knows why");
	else
		err = value_of(g, p->of, out, why);
	grade_free(g);
	return err;
}

/* ---- all of them --------------------------------------------------------- */

static void note(struct measure *m, const struct lab_prediction *p,
		 double predicted, double value)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(p->name));
	json_object_object_add(o, "predicted",
			       json_object_new_double(predicted));
	json_object_object_add(o, "measured", json_object_new_double(value));
	lab_work_note(m->work, "measures", o);
}

static void ask_tell(const struct lab_prediction *p)
{
	struct text t = { 0 };

	text_printf(&t, "%s: ", p->name);
	tell_wrapped(&t, p->ask, (unsigned)t.len, 2);
	fputs(text_str(&t), stdout);
	text_free(&t);
}

/* The student's own; where there is none, what it should be about. */
static void explanation_tell(const struct lab_prediction *p,
			     const char *explain)
{
	struct text t = { 0 };

	if (*explain) {
		text_add(&t, "  you wrote  ");
		tell_wrapped(&t, explain, 13, 13);
	} else if (*p->explain) {
		text_add(&t, "  explain    ");
		tell_wrapped(&t, p->explain, 13, 13);
	}
	printf("%s\n", text_str(&t));
	text_free(&t);
}

/* 0, or -errno: nothing of that kind can be measured. */
static int measure_one(struct measure *m, const struct lab_prediction *p)
{
	const char *explain, *unit = *p->unit ? p->unit : "";
	struct text value = { 0 };
	struct why why = { "" };
	double predicted, v;
	int err;

	ask_tell(p);
	if (!lab_work_prediction(m->work, p->name, &predicted, &explain)) {
		printf("  first predict it: ringside lab predict %s\n\n",
		       p->name);
		return -ECHILD;
	}
	err = measured(m, p, &value, &why);
	if (err) {
		printf("  not measured: %s\n\n", why.text);
	} else {
		v = strtod(text_str(&value), NULL);
		printf("  predicted  %12g %s\n  measured   %12g %s\n",
		       predicted, unit, v, unit);
		if (predicted != 0)
			printf("  ratio      %12.3g measured to predicted\n",
			       v / predicted);
		explanation_tell(p, explain);
		note(m, p, predicted, v);
	}
	text_free(&value);
	return err;
}

static int measure_all(struct measure *m)
{
	const struct lab *lab = m->work->lab;
	struct why why = { "" };
	unsigned i, found = 0;
	int code = 0, err;

	for (i = 0; i < lab->predictions; i++) {
		if (m->name && strcmp(m->name, lab->prediction[i].name) != 0)
			continue;
		found++;
		err = measure_one(m, &lab->prediction[i]);
		if (err)
			code = err == -ECHILD || code == 1 ? 1 : 3;
	}
	if (!found) {
		fprintf(stderr, PROGRAM ": this lab asks for no number%s%s\n",
			m->name ? " named " : "", m->name ? m->name : "");
		return 2;
	}
	if (lab_work_save(m->work, &why))
		fprintf(stderr, PROGRAM ": %s\n", why.text);
	return code;
}

int lab_cmd_measure(int argc, char **argv)
{
	struct measure m = { .grade.tool = tool_run };
	struct why why = { "" };
	struct lab_root *root = NULL;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &m);
	m.grade.trust = m.place.trust;
	err = lab_root_find(&root, &why);
	if (!err)
		err = lab_work_open(root, m.place.dir, &m.work, &why);
	if (err) {
		fprintf(stderr, PROGRAM ": %s\n", why.text);
		lab_root_free(root);
		return err == -ENOENT || err == -EINVAL ? 2 : 3;
	}
	keep_daemon("measure", argc, argv);
	err = measure_all(&m);
	keep_end();
	lab_work_free(m.work);
	lab_root_free(root);
	return err;
}
