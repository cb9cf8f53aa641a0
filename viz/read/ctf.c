/* SPDX-License-Identifier: MIT */
/*
 * A sound trace is read through one graph, whose muxer puts all streams in
 * the order of time.  But one damaged stream ends the whole graph; so then
 * everything is read anew, each stream through a graph of its own as far as
 * it goes, and sorted here.
 */
#include "viz/read/ctf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viz/read/find.h"
#include "viz/read/graph.h"
#include "viz/read/salvage.h"
#include "viz/text.h"

static bool same_trace(const struct trace_dir *a, const struct trace_dir *b)
{
	return a->has_uuid && b->has_uuid &&
	       !memcmp(a->uuid, b->uuid, sizeof(a->uuid));
}

static void damaged(struct trace_log *log, const char *what)
{
	if (!log->damage[0])
		snprintf(log->damage, sizeof(log->damage), "%s", what);
	log->cut = true;
}

static void inputs_free(struct graph_input *in, size_t n)
{
	size_t i;

	for (i = 0; in && i < n; i++)
		free(in[i].dir);
	free(in);
}

/* Directories with the same UUID are one trace. */
static int group(const struct trace_dirs *dirs, struct graph_input **out,
		 size_t *n)
{
	struct graph_input *in = calloc(dirs->n, sizeof(*in));
	size_t *of = calloc(dirs->n, sizeof(*of));
	size_t i, k;
	int rc = in && of ? 0 : -ENOMEM;

	*n = 0;
	for (i = 0; !rc && i < dirs->n; i++) {
		for (k = 0; k < *n; k++)
			if (same_trace(&dirs->dir[of[k]], &dirs->dir[i]))
				break;
		if (k == *n) {
			of[(*n)++] = i;
			in[k].dir = calloc(dirs->n, sizeof(*in[k].dir));
			if (!in[k].dir)
				rc = -ENOMEM;
		}
		if (!rc)
			in[k].dir[in[k].n++] = dirs->dir[i].path;
	}
	free(of);
	if (rc) {
		inputs_free(in, dirs->n);
		in = NULL;
	}
	*out = in;
	return rc;
}

static int read_sound(const struct trace_dirs *dirs, struct trace_log *log)
{
	struct graph_input *in;
	char said[200];
	size_t n, i;
	int rc;

	for (i = 0; i < dirs->n; i++)
		if (dirs->dir[i].meta_cut)
			return -EBADMSG;
	rc = group(dirs, &in, &n);
	if (rc)
		return rc;
	for (i = 0; !rc && i < n; i++)
		if (!graph_opens(in[i].dir, in[i].n))
			rc = -EBADMSG;
	if (!rc)
		rc = graph_read(in, n, log, NULL, said, sizeof(said));
	inputs_free(in, n);
	return rc;
}

static int by_time(const void *a, const void *b)
{
	const struct log_rec *x = a, *y = b;

	if (x->t_ns != y->t_ns)
		return x->t_ns < y->t_ns ? -1 : 1;
	/* As they were read. */
	return (x->words > y->words) - (x->words < y->words);
}

static void sort(struct trace_log *log)
{
	if (log->n)
		qsort(log->rec, log->n, sizeof(*log->rec), by_time);
	log_place_losses(log);
}

static int read_stream(const struct salvaged *stream, struct trace_log *log,
		       struct salvage_count *count)
{
	const char *dir[1] = { stream->dir };
	struct graph_input in = { .dir = dir, .n = 1 };
	char said[200];
	int rc;

	rc = graph_read(&in, 1, log, NULL, said, sizeof(said));
	if (rc != -EBADMSG)
		return rc;
	if (!stream->shortened)
		count->broken++;
	return 0;
}

static int read_damaged(const struct trace_dirs *dirs, struct trace_log *log)
{
	struct salvage s;
	struct why why;
	size_t i;
	int rc;

	log->n = log->words = log->losses = 0;
	log->lost_events = log->lost_packets = 0;
	log->other_events = log->unknown_events = 0;
	log->unknown_fields = log->missing_fields = 0;
	rc = salvage_open(dirs, &s, &why);
	if (rc) {
		damaged(log, why.text);
		salvage_close(&s);
		return rc == -ENOMEM ? rc : -EBADMSG;
	}
	for (i = 0; !rc && i < s.n; i++)
		rc = read_stream(&s.stream[i], log, &s.count);
	salvage_explain(&s, &why);
	damaged(log, why.text);
	salvage_close(&s);
	if (!rc)
		sort(log);
	return rc;
}

static int nothing(const char *path, const struct trace_log *log,
		   struct why *why)
{
	char n[TEXT_COUNT_MAX];

	if (log->damage[0])
		return why_set(why, -EBADMSG,
			       "%s: nothing can be read of it: "
			       "%s",
			       path, log->damage);
	if (log->lost_events)
		return why_set(why, -EBADMSG,
			       "%s: all of its %s events were "
			       "lost while it was recorded; record again with "
			       "larger buffers",
			       path, text_count(n, log->lost_events));
	if (log->other_events + log->unknown_events)
		return why_set(
			why, -ENODATA,
			"%s holds %s events, none of "
			"them Ringside's",
			path,
			text_count(n, log->other_events + log->unknown_events));
	return why_set(why, -ENODATA,
		       "%s is a trace without events; was "
		       "anything running while it was recorded?",
		       path);
}

/* "DIR/ust/uid/0/64-bit", where a recorder wrote DIR/snapshot. */
static bool is_snapshot(const struct trace_dir *dir)
{
	char name[PATH_MAX];

	return (size_t)snprintf(name, sizeof(name), "%s/../../../../snapshot",
				dir->path) < sizeof(name) &&
	       !access(name, F_OK);
}

int ctf_read(const char *path, struct trace_log *log, struct why *why)
{
	struct trace_dirs dirs;
	int rc;

	rc = trace_dirs_find(path, &dirs, why);
	if (rc) {
		trace_dirs_free(&dirs);
		return rc;
	}
	rc = read_sound(&dirs, log);
	if (rc == -EBADMSG)
		rc = read_damaged(&dirs, log);
	for (size_t i = 0; i < dirs.n; i++)
		log->snapshot = log->snapshot || is_snapshot(&dirs.dir[i]);
	trace_dirs_free(&dirs);
	switch (rc) {
	case 0:
		return log->n ? 0 : nothing(path, log, why);
	case -EBADMSG:
		return nothing(path, log, why);
	case -ENOSYS:
		return why_set(why, rc,
			       "libbabeltrace2's plugins ctf and "
			       "utils are not installed; they are in Debian's "
			       "libbabeltrace2-0");
	case -ENOMEM:
	case -EOVERFLOW:
		return why_set(why, rc,
			       "%s is too large for this machine: no "
			       "memory after %zu events; record less at once",
			       path, log->n);
	default:
		return why_set(why, rc, "%s: %s", path, strerror(-rc));
	}
}
