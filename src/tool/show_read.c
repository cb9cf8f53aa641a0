/* SPDX-License-Identifier: MIT */
#include "tool/show_read.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viz/read/align.h"
#include "viz/read/ctf.h"
#include "viz/read/live.h"

/*
 * -ENOENT is kept for "nothing of the kind" in a trace that can be read, or
 * was cut off before it.
 */
static int unread(const struct trace_log *log)
{
	return log->cut && log->strings.n > 1 ? -ENOENT : -EINVAL;
}

static bool same_place(const char *a, const char *b)
{
	char *x = realpath(a, NULL), *y = realpath(b, NULL);
	bool same = x && y && !strcmp(x, y);

	free(x);
	free(y);
	return same;
}

static int read_guest(const struct show_source *s, struct trace_log *log,
		      struct why *why)
{
	struct trace_log guest;
	int err;

	if (same_place(s->trace, s->guest))
		return why_set(why, -EINVAL,
			       "%s cannot be both the trace and the guest's: "
			       "what was recorded in one trace is aligned "
			       "already",
			       s->guest);
	err = log_init(&guest);
	if (err)
		return why_set(why, err, "no memory for a trace");
	err = ctf_read(s->guest, &guest, why);
	if (err)
		err = unread(&guest);
	else
		err = align_logs(log, &guest, s->trace, s->guest, why);
	log_free(&guest);
	return err == -EOVERFLOW ? -ENOMEM : err;
}

int show_read(const struct show_source *s, struct show_follow *follow,
	      struct trace_log *log, struct why *why)
{
	int err;

	if (live_is_url(s->trace)) {
		signal(SIGPIPE, SIG_IGN);
		err = live_read(s->trace, s->follow ? show_follow : NULL,
				follow, log, why);
	} else {
		err = ctf_read(s->trace, log, why);
	}
	if (err)
		return unread(log);
	return s->guest ? read_guest(s, log, why) : 0;
}

void show_warn(const struct model *m)
{
	struct text t = { 0 };
	char *line, *next;

	view_caveats(m, &t);
	for (line = t.data; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		fprintf(stderr, "ringside show: %s\n", line);
	}
	text_free(&t);
}
