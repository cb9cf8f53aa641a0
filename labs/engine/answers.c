/* SPDX-License-Identifier: MIT */
#include "labs/engine/answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "labs/engine/file.h"
#include "labs/engine/query.h"
#include "labs/engine/record.h"
#include "viz/read/ctf.h"

static int query_put(struct arena *a, const struct trace_log *log,
		     const char *query, struct text *out, struct why *why)
{
	const struct scope s = { .log = log };
	struct words w;
	struct query q;

	if (words_split(a, query, &w))
		return why_set(why, -EINVAL, "\"%s\" is no query", query);
	if (query_parse(a, &w, 0, &q, why))
		return -EINVAL;
	query_answer(&s, &q, out); /* "none" is an answer, too */
	return 0;
}

static int text_fill(const struct trace_log *log, const char *text,
		     struct text *out, struct why *why)
{
	struct arena a = { 0 };
	const char *open, *close;
	int err = 0;

	for (;
	     !err && (open = strchr(text, '{')) && (close = strchr(open, '}'));
	     text = close + 1) {
		text_printf(out, "%.*s", (int)(open - text), text);
		err = query_put(&a, log,
				arena_printf(&a, "%.*s",
					     (int)(close - open - 1), open + 1),
				out, why);
	}
	text_add(out, text);
	arena_free(&a);
	return err;
}

static int file_fill(const struct trace_log *log, const char *path,
		     struct why *why)
{
	struct text filled = { 0 };
	char *text;
	int err = file_read(path, &text, why);

	if (err)
		return err;
	err = text_fill(log, text, &filled, why);
	if (!err)
		err = file_write(path, text_str(&filled), why);
	text_free(&filled);
	free(text);
	return err;
}

static int files_fill(const struct lab *lab, const char *dir, const char *trace,
		      struct why *why)
{
	struct trace_log log;
	char *path;
	unsigned i;
	int err;

	if (log_init(&log))
		return why_set(why, -ENOMEM, "no memory");
	err = ctf_read(trace, &log, why);
	for (i = 0; i < lab->files && !err; i++) {
		path = file_text("%s/%s", dir, lab->file[i]);
		err = path ? file_fill(&log, path, why)
			   : why_set(why, -ENOMEM, "no memory");
		free(path);
	}
	log_free(&log);
	return err;
}

int lab_answers_fill(const struct lab *lab, const char *dir, struct why *why)
{
	char *trace;
	int err;

	if (!lab->trace_run)
		return why_set(why, -EINVAL, "lab %s records no trace",
			       lab->id);
	trace = file_text("%s/trace", dir);
	err = trace ? lab_trace_record(lab, trace, why)
		    : why_set(why, -ENOMEM, "no memory");
	if (!err)
		err = files_fill(lab, dir, trace, why);
	free(trace);
	return err;
}
