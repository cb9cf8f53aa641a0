/* SPDX-License-Identifier: MIT */
/*
 * The story of one request through every layer: --request picks it, else it
 * is the slowest, or the --slowest N.
 */
#include "viz/views/request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "viz/model/story.h"
#include "viz/render/json.h"
#include "viz/views/message.h"
#include "viz/views/rows.h"
#include "viz/views/sequence.h"

void request_outcome(const struct model *m, const struct request *r,
		     struct text *out)
{
	const char *name = r->error < 0 && r->error > -4096
				   ? strerrorname_np(-r->error)
				   : NULL;

	if (r->flags & REQUEST_REFUSED)
		text_printf(out, "refused by %s",
			    strings_get(&m->log->strings, r->rule));
	else if (r->flags & REQUEST_UNSURE && m->log->snapshot)
		text_printf(out, "%s",
			    r->flags & REQUEST_ORPHAN
				    ? status_name(r->status)
				    : "not answered in this snapshot");
	else if (r->flags & REQUEST_EDGE)
		text_printf(out, "%s",
			    r->flags & REQUEST_ORPHAN
				    ? status_name(r->status)
				    : "not answered when the trace ends");
	else if (!(r->flags & (REQUEST_RESPONDED | REQUEST_COMPLETED)))
		text_add(out, "never answered");
	else if (r->flags & REQUEST_ORPHAN)
		text_printf(out, "a response without a request: %s",
			    status_name(r->status));
	else
		text_add(out, status_name(r->status));
	if (r->error)
		text_printf(out, " (%s)", name ? name : "storage error");
	if (r->flags & REQUEST_TWICE)
		text_add(out, ", answered twice");
	if (r->flags & REQUEST_RETAKEN)
		text_add(out, ", taken twice");
	if (r->flags & REQUEST_UNSURE && !m->log->snapshot)
		text_add(out, m->log->aligned[0] && !m->log->losses
				      ? ", but only one of the traces was "
					"there: cannot tell"
				      : ", but events were lost: cannot tell");
	else if (r->flags & (REQUEST_UNSURE | REQUEST_EDGE) &&
		 r->flags & REQUEST_ORPHAN)
		text_printf(out, ", begun before this %s",
			    m->log->snapshot ? "snapshot" : "trace");
}

void request_line(const struct model *m, const struct request *r,
		  struct text *out)
{
	text_printf(out, "%s #%" PRIu64, model_op_name(r->op), request_seq(r));
	if (r->len) {
		text_add(out, ": ");
		text_add_size(out, r->len);
		text_printf(out, " at sector %" PRIu64 ", slot %u", r->sector,
			    r->slot);
	} else {
		text_printf(out, ": slot %u", r->slot);
	}
	text_add(out, "; ");
	request_outcome(m, r, out);
}

void request_heading(const struct request_list *l, struct text *out)
{
	if (l->by_number)
		text_printf(out,
			    "%u requests have this number, in a "
			    "connection each",
			    l->n);
	else
		text_printf(out, "The %u slowest requests", l->n);
}

/* ---- text --------------------------------------------------------------- */

static void text_spans(const struct request *r, struct text *out)
{
	int64_t total = request_total(r), v;
	char t[TEXT_NS_MAX];
	unsigned span, bar, i;

	for (span = 0; span < SPAN_COUNT; span++) {
		v = span_of(r, span);
		text_add(out, "  ");
		text_add_padded(out, span_names[span], 11);
		text_add_padded(out, v < 0 ? "not seen" : text_ns(t, v), -9);
		if (v >= 0 && total > 0) {
			text_printf(out, " %3.0f %%  ",
				    100.0 * (double)v / (double)total);
			bar = (unsigned)(30.0 * (double)v / (double)total +
					 0.5);
			for (i = 0; i < bar; i++)
				text_add(out, "#");
			for (; i < 30; i++)
				text_add(out, " ");
		} else {
			text_printf(out, "%38s", "");
		}
		text_printf(out, "  %s\n", span_meanings[span]);
	}
}

static int text_story(const struct model *m, const struct request *r,
		      struct text *out)
{
	struct rows rows = { 0 };
	struct story story;
	char t[SEQUENCE_TIME_MAX];
	int64_t zero, last;
	size_t i;
	int rc;

	rc = story_make(m, r, &story);
	for (i = 0; i < story.n; i++)
		rows_pick(&rows, story.rec[i]);
	if (!rc)
		rc = rows_fold(&rows, m, false);
	zero = last = story.n ? m->log->rec[story.rec[0]].t_ns : 0;
	text_add(out, "\n     time, µs  since last  where     what\n");
	for (i = 0; !rc && i < rows.n; i++) {
		const struct row *row = &rows.row[i];

		if (row->kind != ROW_MESSAGE)
			continue;
		text_add_padded(out, sequence_time(t, row->t_ns - zero), -13);
		text_add(out, "  +");
		text_add_padded(out, sequence_time(t, row->t_ns - last), -9);
		text_add(out, "  ");
		/* The lane of the one who speaks, which an arrow comes to. */
		text_add_padded(
			out,
			lane_short_names[row->from == LANE_RING ||
							 row->from == LANE_DISK
						 ? row->to
						 : row->from],
			8);
		text_printf(out, "  %s%s\n", row->tone == TONE_BAD ? "! " : "",
			    row->text);
		last = row->last_ns;
	}
	rows_free(&rows);
	story_free(&story);
	return rc;
}

static int request_text(const struct request_list *l, struct text *out)
{
	char t[TEXT_NS_MAX];
	unsigned i;
	int rc = 0;

	text_printf(out, "%s\n", text_str(&l->title));
	view_caveats(l->m, out);
	if (l->n > 1) {
		text_add(out, "\n");
		request_heading(l, out);
		text_add(out, ":\n");
		for (i = 0; i < l->n; i++) {
			const struct request *r = &l->m->request[l->at[i]];

			text_add_padded(out, text_ns(t, request_total(r)), -10);
			text_add(out, "  ");
			request_line(l->m, r, out);
			text_add(out, "\n");
		}
	}
	for (i = 0; !rc && i < l->n; i++) {
		const struct request *r = &l->m->request[l->at[i]];

		text_add(out, "\n== ");
		request_line(l->m, r, out);
		text_printf(out,
			    "\n   id %" PRIu64 ", %u segment%s, begins "
			    "at %s\n\n",
			    r->id, r->segments, r->segments == 1 ? "" : "s",
			    text_ns(t, request_start(r) - l->m->start_ns));
		if (r->flags & REQUEST_REFUSED)
			text_printf(
				out, "   %s: %s\n\n",
				strings_get(&l->m->log->strings, r->rule),
				strings_get(&l->m->log->strings, r->detail));
		text_spans(r, out);
		rc = text_story(l->m, r, out);
	}
	return rc;
}

/* ---- JSON --------------------------------------------------------------- */

json_object *request_steps(const struct model *m, const struct request *r)
{
	json_object *steps = json_object_new_array();
	struct rows rows = { 0 };
	struct story story;
	int64_t zero;
	size_t i;
	int rc;

	rc = story_make(m, r, &story);
	zero = story.n ? m->log->rec[story.rec[0]].t_ns : 0;
	for (i = 0; i < story.n; i++)
		rows_pick(&rows, story.rec[i]);
	if (!rc)
		rc = rows_fold(&rows, m, false);
	for (i = 0; !rc && i < rows.n; i++) {
		const struct row *row = &rows.row[i];
		json_object *step;

		if (row->kind != ROW_MESSAGE)
			continue;
		step = json_object_new_array();
		json_object_array_add(step,
				      json_object_new_int64(row->t_ns - zero));
		json_object_array_add(
			step,
			json_object_new_string(lane_short_names[row->from]));
		json_object_array_add(step, json_object_new_string(
						    lane_short_names[row->to]));
		json_object_array_add(
			step, json_object_new_string(tone_names[row->tone]));
		json_object_array_add(step, json_object_new_string(row->text));
		json_object_array_add(steps, step);
	}
	rows_free(&rows);
	story_free(&story);
	return steps;
}

json_object *request_object(const struct model *m, const struct request *r)
{
	const struct model_queue *q = &m->queue[r->queue];
	json_object *o = json_object_new_object(), *stages, *spans;
	struct text t = { 0 };
	unsigned i;

	json_put_int(o, "seq", (int64_t)request_seq(r));
	json_put_int(o, "domid", m->device[q->device].domid);
	json_put_int(o, "devid", m->device[q->device].devid);
	json_put_int(o, "queue", q->number);
	json_put_str(o, "op", model_op_name(r->op));
	json_object_object_add(o, "sector", json_object_new_uint64(r->sector));
	json_put_int(o, "len", (int64_t)r->len);
	json_put_int(o, "segments", r->segments);
	json_put_int(o, "idx", r->idx);
	json_put_int(o, "slot", r->slot);
	json_object_object_add(o, "id", json_object_new_uint64(r->id));
	request_outcome(m, r, &t);
	json_put_str(o, "outcome", text_str(&t));
	text_free(&t);
	json_put_bool(o, "failed", request_failed(r));
	if (r->flags & REQUEST_REFUSED) {
		json_put_str(o, "rule", strings_get(&m->log->strings, r->rule));
		json_put_str(o, "detail",
			     strings_get(&m->log->strings, r->detail));
	}
	json_put_int(o, "start_ns", request_start(r) - m->start_ns);
	json_put_int(o, "total_ns", request_total(r));
	stages = json_object_new_object();
	for (i = 0; i < STAGE_COUNT; i++)
		json_put_ns(stages, stage_names[i],
			    r->t[i] == MODEL_NEVER
				    ? -1
				    : r->t[i] - request_start(r));
	json_object_object_add(o, "stages_ns", stages);
	spans = json_object_new_object();
	for (i = 0; i < SPAN_COUNT; i++)
		json_put_ns(spans, span_names[i], span_of(r, i));
	json_object_object_add(o, "spans_ns", spans);
	return o;
}

static int request_json(const struct request_list *l, struct text *out)
{
	json_object *top = json_object_new_object();
	json_object *list = json_object_new_array(), *o;
	unsigned i;

	json_put_str(top, "view", "request");
	json_put_str(top, "subject", text_str(&l->title));
	for (i = 0; i < l->n; i++) {
		const struct request *r = &l->m->request[l->at[i]];

		o = request_object(l->m, r);
		json_object_object_add(o, "steps", request_steps(l->m, r));
		json_object_array_add(list, o);
	}
	json_object_object_add(top, "requests", list);
	return json_write(top, out);
}

static int request_show(const struct model *m, const struct view_options *o,
			struct text *out, struct why *why)
{
	struct request_list l = { .m = m, .by_number = o->request_given };
	unsigned max = o->request_given ? REQUESTS_SHOWN_MAX
		       : o->slowest	? o->slowest
					: 1;
	struct selection s;
	int rc;

	if (max > REQUESTS_SHOWN_MAX)
		max = REQUESTS_SHOWN_MAX;
	rc = view_select(m, o, &s, why);
	if (!rc)
		rc = view_requests(m, o, &s, l.at, max, &l.n, why);
	if (rc)
		return rc;
	view_subject(m, &s, &l.title);
	if (o->format == VIEW_TEXT)
		rc = request_text(&l, out);
	else if (o->format == VIEW_JSON)
		rc = request_json(&l, out);
	else
		rc = request_draw(&l, view_format_name(o->format), out, why);
	if (rc == -ENOMEM || out->error)
		rc = why_set(why, -ENOMEM, "no memory for the story");
	text_free(&l.title);
	return rc;
}

const struct view view_request = {
	.name = "request",
	.what = "one request's way through every layer, or the slowest ones'",
	.formats = 1 << VIEW_TEXT | 1 << VIEW_SVG | 1 << VIEW_PNG |
		   1 << VIEW_PDF | 1 << VIEW_DOT | 1 << VIEW_JSON,
	.show = request_show,
};
