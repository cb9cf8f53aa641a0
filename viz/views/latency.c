/* SPDX-License-Identifier: MIT */
/* How long each stage took, for each device and operation. */
#include "viz/views/latency.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "viz/render/json.h"
#include "viz/views/message.h"

static void text_head(const struct model *m, const struct latency *row,
		      struct text *out)
{
	const struct model_device *d = &m->device[row->device];
	char name[VIEW_DISK_MAX];

	text_printf(out, "\ndevice %u/%u", d->domid, d->devid);
	if (*view_disk_name(d->devid, name))
		text_printf(out, " (%s)", name);
	if (d->life > 1)
		text_printf(out, ", attached for the %u. time", d->life);
	text_printf(out, ", %s\n", model_op_name(row->op));
	text_add(out, "  stage             count       min    median       p90"
		      "       p99       max\n");
}

static void text_row(const struct latency *row, struct text *out)
{
	const uint64_t v[5] = { row->min_ns, row->median_ns, row->p90_ns,
				row->p99_ns, row->max_ns };
	char t[TEXT_NS_MAX], n[TEXT_COUNT_MAX];
	unsigned i;

	text_add(out, "  ");
	text_add_padded(out, span_names[row->span], 11);
	text_add_padded(out, text_count(n, row->count), -12);
	for (i = 0; i < 5; i++)
		text_add_padded(out, text_ns(t, (int64_t)v[i]), -10);
	text_add(out, "\n");
}

/* Of all queues, or of the one with this number. */
static void latency_text(const struct model *m, const struct latencies *l,
			 const uint16_t *queue, struct text *out)
{
	const struct latency *last = NULL;
	unsigned i;
	size_t k;

	view_caveats(m, out);
	text_add(out, "How long each stage took; quantiles are exact, of all "
		      "answered requests");
	if (queue)
		text_printf(out, " of queue %u", *queue);
	text_add(out, ".\n");
	for (k = 0; k < l->n; k++) {
		const struct latency *row = &l->row[k];

		if (!last || last->device != row->device || last->op != row->op)
			text_head(m, row, out);
		text_row(row, out);
		last = row;
	}
	text_add(out, "\n");
	for (i = 0; i < SPAN_COUNT; i++) {
		text_add(out, "  ");
		text_add_padded(out, span_names[i], 11);
		text_printf(out, "  %s\n", span_meanings[i]);
	}
}

static int latency_json(const struct model *m, const struct latencies *l,
			struct text *out)
{
	json_object *top = json_object_new_object();
	json_object *rows = json_object_new_array();
	size_t k;
	unsigned b;

	json_put_str(top, "view", "latency");
	for (k = 0; k < l->n; k++) {
		const struct latency *row = &l->row[k];
		json_object *o = json_object_new_object();
		json_object *h = json_object_new_array();

		json_put_int(o, "domid", m->device[row->device].domid);
		json_put_int(o, "devid", m->device[row->device].devid);
		json_put_int(o, "life", m->device[row->device].life);
		json_put_str(o, "op", model_op_name(row->op));
		json_put_str(o, "stage", span_names[row->span]);
		json_put_str(o, "meaning", span_meanings[row->span]);
		json_put_int(o, "count", (int64_t)row->count);
		json_put_int(o, "min_ns", (int64_t)row->min_ns);
		json_put_int(o, "median_ns", (int64_t)row->median_ns);
		json_put_int(o, "p90_ns", (int64_t)row->p90_ns);
		json_put_int(o, "p99_ns", (int64_t)row->p99_ns);
		json_put_int(o, "max_ns", (int64_t)row->max_ns);
		/* Only buckets that hold something: [from_ns, count]. */
		for (b = 0; b < LATENCY_BUCKETS; b++) {
			json_object *pair;

			if (!row->bucket[b])
				continue;
			pair = json_object_new_array();
			json_object_array_add(
				pair, json_object_new_int64(
					      (int64_t)latency_bucket_from(b)));
			json_object_array_add(
				pair, json_object_new_int64(row->bucket[b]));
			json_object_array_add(h, pair);
		}
		json_object_object_add(o, "histogram", h);
		json_object_array_add(rows, o);
	}
	json_object_object_add(top, "rows", rows);
	return json_write(top, out);
}

static int latency_show(const struct model *m, const struct view_options *o,
			struct text *out, struct why *why)
{
	bool picture = o->format != VIEW_TEXT && o->format != VIEW_JSON;
	struct text title = { 0 };
	struct selection s;
	struct latencies l;
	bool one;
	int rc;

	rc = view_select(m, o, &s, why);
	if (rc)
		return rc;
	one = o->device_given || o->queue_given || picture;
	rc = latencies_make(m, one ? s.device : MODEL_NONE,
			    o->queue_given ? s.queue : MODEL_NONE, &l);
	if (!rc && !l.n) {
		latencies_free(&l);
		return why_set(why, -ENOENT,
			       "no request was answered in this "
			       "trace: there is nothing to measure");
	}
	if (!o->queue_given)
		s.other_queues = 0; /* all queues are measured */
	view_subject(m, &s, &title);
	if (!rc && o->format == VIEW_TEXT)
		latency_text(m, &l, o->queue_given ? &o->queue : NULL, out);
	else if (!rc && o->format == VIEW_JSON)
		rc = latency_json(m, &l, out);
	else if (!rc)
		rc = latency_draw(m, &l, text_str(&title),
				  view_format_name(o->format), out, why);
	if (rc == -ENOMEM || out->error)
		rc = why_set(why, -ENOMEM, "no memory for the table");
	text_free(&title);
	latencies_free(&l);
	return rc;
}

const struct view view_latency = {
	.name = "latency",
	.what = "how long each stage took, for each device and operation",
	.formats = 1 << VIEW_TEXT | 1 << VIEW_JSON | 1 << VIEW_SVG |
		   1 << VIEW_PNG | 1 << VIEW_PDF | 1 << VIEW_DOT,
	.show = latency_show,
};
