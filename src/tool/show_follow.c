/* SPDX-License-Identifier: MIT */
#include "tool/show_follow.h"

#include <poll.h>
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

/* Who reads a pipe may have gone: for output_write() that is no error. */
static bool reader_is_there(const struct show_follow *f)
{
	struct pollfd fd = { .fd = STDOUT_FILENO };

	return f->out || poll(&fd, 1, 0) <= 0 || !(fd.revents & POLLERR);
}

bool show_follow(void *data)
{
	const struct show_follow *f = data;
	struct model model = { 0 };
	struct text out = { 0 };
	struct why why;
	bool goes_on = true;

	if (!f->out)
		heading(f->log, &out);
	if (!model_build(&model, f->log) &&
	    !f->view->show(&model, f->options, &out, &why))
		goes_on =
			!output_write(f->out, &out, &why) && reader_is_there(f);
	text_free(&out);
	model_free(&model);
	return goes_on;
}
