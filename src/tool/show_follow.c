/* SPDX-License-Identifier: MIT */
#include "tool/show_follow.h"

#include <stdio.h>
#include <unistd.h>

#include "viz/output.h"

/* On a terminal it takes the place of the last one. */
static void heading(const struct trace_log *log, struct text *out)
{
	char n[TEXT_COUNT_MAX];

	if (isatty(STDOUT_FILENO))
		text_add(out, "\033[H\033[J");
	text_printf(out, "-- after %s events\n", text_count(n, log->n));
}

void show_follow(void *data)
{
	const struct show_follow *f = data;
	struct model model = { 0 };
	struct text out = { 0 };
	struct why why;

	if (!f->out)
		heading(f->log, &out);
	if (!model_build(&model, f->log) &&
	    !f->view->show(&model, f->options, &out, &why))
		output_write(f->out, &out, &why);
	text_free(&out);
	model_free(&model);
}
