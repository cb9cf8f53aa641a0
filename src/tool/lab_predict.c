/* SPDX-License-Identifier: MIT */
/* ringside lab predict: a number, before it is measured. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/lab_commands.h"
#include "tool/lab_tool.h"

struct args {
	const char *dir;
	const char *name;
	const char *value;
	const char *explain;
};

static const struct argp_option options[] = { LAB_TOOL_DIR,
					      { "explain", 'e', "TEXT", 0,
						"why you think so", 0 },
					      { 0 } };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case 'C':
		a->dir = arg;
		return 0;
	case 'e':
		a->explain = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (a->value)
			argp_error(state,
				   "a name and one number, please: "
				   "\"%s\"",
				   arg);
		else if (a->name)
			a->value = arg;
		else
			a->name = arg;
		return 0;
	case ARGP_KEY_END:
		if (a->name && !a->value)
			argp_error(state, "and your number?");
		if (a->explain && !a->name)
			argp_error(state, "--explain belongs to a prediction");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[NAME NUMBER]",
	.doc = "Say what you think that a measurement will give, before "
	       "\"ringside lab measure\" makes it.\vWithout NAME, the "
	       "questions "
	       "of the lab are listed.  What counts is that you predicted and "
	       "can explain it, not how close you came.",
};

static void list_print(const struct lab_work *w)
{
	const struct lab_prediction *p;
	const char *explain;
	double value;
	unsigned i;

	if (!w->lab->predictions)
		printf("lab %s asks for no predictions\n", w->lab->id);
	for (i = 0; i < w->lab->predictions; i++) {
		p = &w->lab->prediction[i];
		printf("%s%s: %s\n", i ? "\n" : "", p->name, p->ask);
		if (p->explain[0])
			printf("  explain: %s\n", p->explain);
		if (!lab_work_prediction(w, p->name, &value, &explain))
			printf("  not predicted yet: ringside lab predict %s "
			       "NUMBER --explain TEXT\n",
			       p->name);
		else
			printf("  predicted: %.15g%s%s%s\n", value,
			       p->unit[0] ? " " : "", p->unit,
			       lab_work_measured(w, p->name) ? ", measured"
							     : "");
	}
}

static int refuse(struct why *why, int err, const struct lab *lab,
		  const char *name)
{
	return why_set(why, err,
		       "lab %s asks for no prediction \"%s\"; \"ringside lab "
		       "predict\" lists what it asks for",
		       lab->id, name);
}

static int predict(struct lab_work *w, const struct args *a, struct why *why)
{
	const struct lab_prediction *p = lab_prediction_find(w->lab, a->name);
	double value;
	char *end;

	if (!p)
		return refuse(why, -ENOENT, w->lab, a->name);
	value = strtod(a->value, &end);
	if (end == a->value || *end || !isfinite(value) || value < 0)
		return why_set(why, -EINVAL,
			       "a number from 0 on is needed, not \"%s\"",
			       a->value);
	if (lab_work_measured(w, p->name))
		return why_set(why, -EEXIST,
			       "%s was measured already, and what was "
			       "predicted before stands",
			       p->name);
	lab_work_prediction_note(w, p->name, value,
				 a->explain ? a->explain : "");
	printf("%s: you predict %.15g%s%s\n", p->name, value,
	       p->unit[0] ? " " : "", p->unit);
	if (!a->explain && p->explain[0])
		printf("explain it, too, by --explain: %s\n", p->explain);
	return lab_work_save(w, why);
}

int lab_cmd_predict(int argc, char **argv)
{
	struct args a = { 0 };
	struct lab_work *work;
	struct lab_root *root;
	struct why why;
	int code, err;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	code = lab_tool_work(argv[0], a.dir, &root, &work);
	if (code)
		return code;
	if (!a.name) {
		list_print(work);
	} else {
		err = predict(work, &a, &why);
		if (err) {
			lab_tool_complain(argv[0], &why);
			code = lab_tool_code(err);
		}
	}
	lab_work_free(work);
	lab_root_free(root);
	return code;
}
