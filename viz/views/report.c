/* SPDX-License-Identifier: MIT */
/*
 * One file that opens offline: what the trace holds, the handshake, the
 * sequence, the latencies, and a table of requests in which each can be
 * looked at.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "viz/model/latency.h"
#include "viz/render/assets.h"
#include "viz/views/view.h"

#define REQUESTS_MAX 20000u /* in the table: some MB of page */

static const char *word(const struct ev_words *words, int64_t value)
{
	const char *w = ev_word_find(words, value);

	return w ? w : "unknown";
}

/* ---- what it holds ------------------------------------------------------ */

static void put_losses(const struct trace_log *log, struct text *out)
{
	char n[TEXT_COUNT_MAX];

	if (!log->losses && !log->damage[0]) {
		text_add(out, "<p>&#10003; No event was lost.</p>\n");
		return;
	}
	if (log->losses)
		text_printf(out,
			    "<p class=bad>&#9888; Events were lost: %s counted "
			    "in %zu gaps. What is missing here may have "
			    "happened.</p>\n",
			    text_count(n, log->lost_events), log->losses);
	if (log->damage[0]) {
		text_add(out, "<p class=bad>&#9888; ");
		text_add_xml(out, log->damage);
		text_add(out, "</p>\n");
	}
}

static void put_devices(const struct model *m, struct text *out)
{
	char size[TEXT_SIZE_MAX], n[TEXT_COUNT_MAX];
	size_t i;

	text_add(out, "<table><tr><th class=l>device<th class=l>storage<th>size"
		      "<th>requests<th>failed<th class=l>faults</tr>\n");
	for (i = 0; i < m->devices; i++) {
		const struct model_device *d = &m->device[i];

		text_printf(out,
			    "<tr><td class=l>domain %u device %u<td "
			    "class=l>",
			    d->domid, d->devid);
		text_add_xml(out, d->created ? strings_get(&m->log->strings,
							   d->target)
					     : "not told");
		text_printf(out, "<td>%s", text_size(size, d->size));
		text_printf(out, "<td>%s", text_count(n, d->requests));
		text_printf(out, "<td%s>%s", d->failed ? " class=bad" : "",
			    text_count(n, d->failed));
		text_printf(out, "<td class=\"l%s\">%s</tr>\n",
			    d->faults ? " bad" : "",
			    d->faults ? "closed for a broken rule" : "none");
	}
	text_add(out, "</table>\n");
}

static void put_notifications(const struct model *m, struct text *out)
{
	char a[TEXT_COUNT_MAX], b[TEXT_COUNT_MAX], c[TEXT_COUNT_MAX];
	size_t i;

	text_add(out, "<h3>Notifications</h3>\n<table><tr><th class=l>queue<th "
		      "class=l>direction<th>sent<th>saved<th>woke without "
		      "work</tr>\n");
	for (i = 0; i < m->queues; i++) {
		const struct model_queue *q = &m->queue[i];
		const struct notify_count *way[2] = {&q->to_backend,
						     &q->to_frontend};
		unsigned k;

		for (k = 0; k < 2; k++)
			text_printf(
				out,
				"<tr><td class=l>%u/%u queue %u<td "
				"class=l>to the %s<td>%s<td>%s<td>%s</tr>\n",
				m->device[q->device].domid,
				m->device[q->device].devid, q->number,
				k ? "frontend" : "backend",
				text_count(a, way[k]->sent),
				text_count(b, way[k]->saved),
				text_count(c, way[k]->spurious));
	}
	text_add(out, "</table>\n");
}

static void put_latency(const struct model *m, struct text *out)
{
	struct latencies l;
	char t[5][TEXT_NS_MAX];
	size_t i;

	if (latencies_make(m, MODEL_NONE, &l))
		return;
	text_add(out, "<table><tr><th class=l>device<th class=l>operation<th "
		      "class=l>stage<th>count<th>min<th>median<th>p90<th>p99"
		      "<th>max</tr>\n");
	for (i = 0; i < l.n; i++) {
		const struct latency *r = &l.row[i];

		text_printf(out,
			    "<tr><td class=l>%u/%u<td class=l>%s<td class=l "
			    "title=\"%s\">%s<td>%llu<td>%s<td>%s<td>%s<td>%s"
			    "<td>%s</tr>\n",
			    m->device[r->device].domid,
			    m->device[r->device].devid,
			    word(&ev_words_op, r->op), span_meanings[r->span],
			    span_names[r->span], (unsigned long long)r->count,
			    text_ns(t[0], (int64_t)r->min_ns),
			    text_ns(t[1], (int64_t)r->median_ns),
			    text_ns(t[2], (int64_t)r->p90_ns),
			    text_ns(t[3], (int64_t)r->p99_ns),
			    text_ns(t[4], (int64_t)r->max_ns));
	}
	text_add(out, "</table>\n");
	latencies_free(&l);
}

/* A picture of another view, inline. */
static void put_picture(const struct model *m, const struct view_options *o,
			const struct view *view, struct text *out)
{
	struct view_options svg = *o;
	struct text picture = {0};
	struct why why = {""};
	const char *at;

	svg.format = VIEW_SVG;
	if (view->show(m, &svg, &picture, &why)) {
		text_add(out, "<p class=note>");
		text_add_xml(out, why.text);
		text_add(out, "</p>\n");
	} else {
		/* Without the XML declaration and the document type. */
		at = strstr(text_str(&picture), "<svg");
		text_add(out, "<div class=picture tabindex=0>");
		text_add(out, at ? at : "");
		text_add(out, "</div>\n");
	}
	text_free(&picture);
}

/* ---- the requests ------------------------------------------------------- */

static const char *outcome(const struct request *r)
{
	if (r->flags & REQUEST_REFUSED)
		return "refused";
	if (!(r->flags & REQUEST_RESPONDED))
		return r->flags & REQUEST_COMPLETED ? "okay" : "no answer";
	return word(&ev_words_status, r->status);
}

static json_object *request_row(const struct model *m, const struct request *r)
{
	const struct model_queue *q = &m->queue[r->queue];
	json_object *row = json_object_new_array();
	json_object *t = json_object_new_array();
	unsigned i;

#define PUT(value) json_object_array_add(row, value)
	PUT(json_object_new_uint64(request_seq(r)));
	PUT(json_object_new_int(m->device[q->device].domid));
	PUT(json_object_new_int64(m->device[q->device].devid));
	PUT(json_object_new_int(q->number));
	PUT(json_object_new_string(word(&ev_words_op, r->op)));
	PUT(json_object_new_uint64(r->sector));
	PUT(json_object_new_uint64(r->len));
	PUT(json_object_new_string(outcome(r)));
	PUT(json_object_new_string(
		r->flags & REQUEST_REFUSED
			? strings_get(&m->log->strings, r->rule)
		: r->error ? strerror(-r->error)
			   : ""));
	for (i = 0; i < STAGE_COUNT; i++)
		json_object_array_add(
			t,
			r->t[i] == MODEL_NEVER
				? NULL
				: json_object_new_int64(r->t[i] - m->start_ns));
	PUT(t);
#undef PUT
	return row;
}

static void put_data(const struct model *m, struct text *out)
{
	static const char *const stage[STAGE_COUNT] = {
		"written to slot",  "published",	"taken",     "checked",
		"mapped",	    "to storage",	"stored",    "unmapped",
		"response written", "answer published", "completed",
	};
	json_object *top = json_object_new_object();
	json_object *stages = json_object_new_array();
	json_object *list = json_object_new_array();
	const char *p;
	size_t i;

	for (i = 0; i < STAGE_COUNT; i++)
		json_object_array_add(stages, json_object_new_string(stage[i]));
	for (i = 0; i < m->requests && i < REQUESTS_MAX; i++)
		json_object_array_add(list, request_row(m, &m->request[i]));
	json_object_object_add(top, "stages", stages);
	json_object_object_add(top, "total",
			       json_object_new_uint64(m->requests));
	json_object_object_add(top, "requests", list);
	/* json-c writes "<\/" for "</": nothing in it ends the element. */
	p = json_object_to_json_string_ext(top, JSON_C_TO_STRING_PLAIN);
	text_add(out, "<script type=\"application/json\" id=data>");
	text_add(out, p);
	text_add(out, "</script>\n");
	json_object_put(top);
}

static int report_show(const struct model *m, const struct view_options *o,
		       struct text *out, struct why *why)
{
	char n[TEXT_COUNT_MAX], t[TEXT_NS_MAX];
	uint32_t device;
	int err = view_device(m, o, &device, why);

	if (err)
		return err;
	text_add(out, "<!doctype html>\n<html lang=en><head><meta "
		      "charset=utf-8><meta name=viewport "
		      "content=\"width=device-width\"><title>Ringside: ");
	text_add_xml(out, o->title);
	text_add(out, "</title><style>\n");
	text_add(out, asset_report_css);
	text_add(out, "</style></head><body>\n<h1>Ringside: ");
	text_add_xml(out, o->title);
	text_printf(out, "</h1>\n<p class=note>%s events",
		    text_count(n, m->log->n));
	text_printf(out, " over %s. Times are since the first event.</p>\n",
		    text_ns(t, m->end_ns - m->start_ns));
	text_add(out, "<nav><a href=#holds>What it holds</a><a "
		      "href=#handshake>Handshake</a><a "
		      "href=#sequence>Sequence</a><a "
		      "href=#latency>Latency</a><a "
		      "href=#requests>Requests</a></nav>\n"
		      "<h2 id=holds>What it holds</h2>\n");
	put_losses(m->log, out);
	put_devices(m, out);
	put_notifications(m, out);
	text_add(out, "<h2 id=handshake>Handshake</h2>\n");
	put_picture(m, o, &view_handshake, out);
	text_add(out, "<h2 id=sequence>Sequence</h2>\n");
	put_picture(m, o, &view_sequence, out);
	text_add(out, "<h2 id=latency>Latency</h2>\n");
	put_latency(m, out);
	text_add(out,
		 "<h2 id=requests>Requests</h2>\n<p><label>Find <input id=find "
		 "type=search placeholder=\"write #12 error\"></label> "
		 "<label>Order <select id=order><option value=time>as they "
		 "came<option value=slow>slowest first</select></label> <span "
		 "id=count class=note></span></p>\n<div class=cols><div "
		 "id=list><table><thead><tr><th>request<th>device<th "
		 "class=l>operation<th>sector<th>bytes<th>took<th "
		 "class=l>outcome</tr></thead><tbody></tbody></table></div>"
		 "<div id=story aria-live=polite></div></div>\n");
	put_data(m, out);
	text_add(out, "<script>\n");
	text_add(out, asset_report_js);
	text_add(out, "</script>\n</body></html>\n");
	return out->error;
}

const struct view view_report = {
	.name = "report",
	.what = "all of it in one page that opens offline",
	.formats = 1 << VIEW_HTML,
	.show = report_show,
};
