/* SPDX-License-Identifier: MIT */
/*
 * The report's requests.  Of a long trace the page holds the first ones, those
 * that failed and the slowest, each with its whole story; and it says so.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viz/guard.h"
#include "viz/model/latency.h"
#include "viz/render/json.h"
#include "viz/views/message.h"
#include "viz/views/report.h"
#include "viz/views/request.h"

#define FIRST_MAX  400u
#define FAILED_MAX 300u

struct chosen {
	uint8_t *in; /* of each request: it is in the page */
	unsigned first, failed, slowest;
	size_t odd; /* behind the first, whether chosen or not */
};

static bool is_odd(const struct request *r)
{
	if (request_failed(r) || r->flags & REQUEST_TWICE)
		return true;
	return !(r->flags & (REQUEST_UNSURE | REQUEST_EDGE)) &&
	       (r->flags & REQUEST_ORPHAN ||
		!(r->flags & (REQUEST_RESPONDED | REQUEST_COMPLETED)));
}

static int64_t *totals; /* of qsort's comparison */

static int by_total(const void *a, const void *b)
{
	int64_t x = totals[*(const uint32_t *)a];
	int64_t y = totals[*(const uint32_t *)b];

	return (x < y) - (x > y);
}

static int choose_slowest(const struct model *m, struct chosen *c)
{
	uint32_t *order = malloc((m->requests + 1) * sizeof(*order));
	size_t i;

	totals = malloc((m->requests + 1) * sizeof(*totals));
	if (!order || !totals) {
		free(order);
		free(totals);
		return -ENOMEM;
	}
	for (i = 0; i < m->requests; i++) {
		order[i] = (uint32_t)i;
		totals[i] = request_total(&m->request[i]);
	}
	qsort(order, m->requests, sizeof(*order), by_total);
	for (i = 0; i < m->requests &&
		    c->first + c->failed + c->slowest < REPORT_REQUESTS_MAX;
	     i++) {
		if (!c->in[order[i]])
			c->slowest++;
		c->in[order[i]] = 1;
	}
	free(order);
	free(totals);
	return 0;
}

static int choose(const struct model *m, struct chosen *c)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	c->in = calloc(m->requests + 1, 1);
	if (!c->in)
		return -ENOMEM;
	if (m->requests <= REPORT_REQUESTS_MAX) {
		memset(c->in, 1, m->requests);
		return 0;
	}
	for (i = 0; i < FIRST_MAX; i++)
		c->in[i] = 1;
	c->first = FIRST_MAX;
	for (; i < m->requests; i++)
		if (is_odd(&m->request[i]) && c->odd++ < FAILED_MAX) {
			c->in[i] = 1;
			c->failed++;
		}
	return choose_slowest(m, c);
}

/* Short keys: this is repeated a thousand times. */
static json_object *request_row(const struct model *m, const struct request *r)
{
	const struct model_queue *q = &m->queue[r->queue];
	const struct model_device *d = &m->device[q->device];
	json_object *o = json_object_new_object();
	json_object *spans = json_object_new_array();
	struct text t = { 0 };
	unsigned i;

	json_put_int(o, "seq", (int64_t)request_seq(r));
	text_printf(&t, "%u/%u", d->domid, d->devid);
	json_put_str(o, "dev", text_str(&t));
	json_put_int(o, "q", q->number);
	text_clear(&t);
	json_put_str(o, "op", model_op_name(r->op));
	/* As text: a guest may claim one that a script has no number for. */
	text_printf(&t, "%" PRIu64, r->sector);
	json_put_str(o, "sector", text_str(&t));
	text_clear(&t);
	json_put_int(o, "len", (int64_t)r->len);
	json_put_int(o, "slot", r->slot);
	request_outcome(m, r, &t);
	json_put_str(o, "out", text_str(&t));
	json_put_int(o, "bad", is_odd(r));
	if (r->flags & REQUEST_REFUSED)
		json_put_str(o, "detail",
			     strings_get(&m->log->strings, r->detail));
	json_put_int(o, "t", request_start(r) - m->start_ns);
	json_put_int(o, "total", request_total(r));
	/* Pairs: where the span begins behind the start, and how long. */
	for (i = 0; i < SPAN_TOTAL; i++) {
		int64_t v = span_of(r, i);

		json_object *pair = NULL;

		if (v >= 0) {
			pair = json_object_new_array();
			json_object_array_add(
				pair, json_object_new_int64(span_start(r, i)));
			json_object_array_add(pair, json_object_new_int64(v));
		}
		json_object_array_add(spans, pair);
	}
	json_object_object_add(o, "spans", spans);
	json_object_object_add(o, "steps", request_steps(m, r));
	text_free(&t);
	return o;
}

static void put_words(const struct model *m, const struct chosen *c,
		      json_object *top)
{
	char a[TEXT_COUNT_MAX], b[TEXT_COUNT_MAX];
	struct text t = { 0 };

	if (c->first) {
		text_printf(&t,
			    "This page holds %s of the trace's %s "
			    "requests: the first %u, ",
			    text_count(a, c->first + c->failed + c->slowest),
			    text_count(b, m->requests), c->first);
		if (c->odd > c->failed)
			text_printf(&t, "the next %u of %s more", c->failed,
				    text_count(a, c->odd));
		else if (c->odd)
			text_printf(&t, "%u more", c->failed);
		if (c->odd)
			text_add(&t, " that failed or were never answered, ");
		text_printf(&t,
			    "and the %u slowest of the others. Any other: "
			    "ringside show request TRACE --request N",
			    c->slowest);
	}
	json_put_str(top, "note", text_str(&t));
	text_free(&t);
}

int report_requests(const struct model *m, struct text *out)
{
	json_object *top = json_object_new_object();
	json_object *list = json_object_new_array();
	json_object *spans = json_object_new_array();
	struct chosen c;
	size_t i;
	int rc;

	rc = choose(m, &c);
	for (i = 0; !rc && i < m->requests; i++) {
		if (!c.in[i])
			continue;
		guard_beat();
		json_object_array_add(list, request_row(m, &m->request[i]));
	}
	if (!rc)
		put_words(m, &c, top);
	free(c.in);
	for (i = 0; i < SPAN_TOTAL; i++)
		json_object_array_add(spans,
				      json_object_new_string(span_names[i]));
	json_object_object_add(top, "spans", spans);
	json_put_int(top, "all", (int64_t)m->requests);
	json_object_object_add(top, "requests", list);
	text_add(out, "<script type=\"application/json\" id=\"data\">");
	if (rc)
		json_object_put(top);
	else
		rc = json_write_html(top, out);
	text_add(out, "</script>\n");
	return rc;
}
