/* SPDX-License-Identifier: MIT */
/* The report's tables. */
#include <inttypes.h>
#include <stdio.h>

#include "viz/model/latency.h"
#include "viz/views/message.h"
#include "viz/views/report.h"

#define ROWS_MAX 64u

static void card(struct text *out, const char *number, const char *words,
		 bool bad)
{
	text_printf(out, "<div class=\"card%s\"><b>%s%s</b><span>",
		    bad ? " bad" : "", bad ? "✗ " : "", number);
	text_add_xml(out, words);
	text_add(out, "</span></div>\n");
}

static void cards(const struct model *m, struct text *out)
{
	uint64_t disks = 0, failed = 0, needed = 0, saved = 0;
	char n[TEXT_COUNT_MAX], t[TEXT_NS_MAX], words[80];
	unsigned faults = 0;
	size_t i;

	for (i = 0; i < m->devices; i++) {
		disks += m->device[i].life == 1;
		failed += m->device[i].failed;
		faults += m->device[i].faults;
	}
	for (i = 0; i < m->queues; i++) {
		needed += m->queue[i].to_backend.needed +
			  m->queue[i].to_frontend.needed;
		saved += m->queue[i].to_backend.saved +
			 m->queue[i].to_frontend.saved;
	}
	text_add(out, "<div class=\"cards\">\n");
	card(out, text_count(n, m->log->n), "events", false);
	card(out, text_ns(t, m->end_ns - m->start_ns), "of time", false);
	card(out, text_count(n, disks), disks == 1 ? "disk" : "disks", false);
	card(out, text_count(n, m->requests), "requests", false);
	card(out, text_count(n, failed), "failed or refused", failed != 0);
	card(out, text_count(n, m->unanswered), "never answered",
	     m->unanswered != 0);
	if (m->orphans + m->twice)
		card(out, text_count(n, m->orphans + m->twice),
		     "answers that fit no request", true);
	card(out, text_count(n, faults), "devices stopped by a fault",
	     faults != 0);
	card(out, text_count(n, m->log->lost_events),
	     "events lost by the recorder",
	     m->log->lost_events + m->log->lost_packets != 0);
	snprintf(words, sizeof(words), "of %s notifications saved",
		 text_count(n, needed + saved));
	if (needed + saved) {
		snprintf(t, sizeof(t), "%.0f %%",
			 100.0 * (double)saved / (double)(needed + saved));
		card(out, t, words, false);
	}
	text_add(out, "</div>\n");
}

static void caveats(const struct model *m, struct text *out)
{
	const struct trace_log *log = m->log;
	struct text t = { 0 };

	view_caveats(m, &t);
	if (m->unsure)
		text_printf(&t,
			    "Of %" PRIu64 " requests something is missing "
			    "where events were lost or the trace ends: about "
			    "those nothing can be told.\n",
			    m->unsure);
	if (m->edge)
		text_printf(&t,
			    "%" PRIu64 " requests were in flight when the "
			    "recording began or ended.\n",
			    m->edge);
	if (log->unknown_events)
		text_printf(&t,
			    "%" PRIu64 " events have names that this "
			    "ringside does not know; they are left out.\n",
			    log->unknown_events);
	if (log->missing_fields)
		text_printf(&t,
			    "%" PRIu64 " fields of the catalogue are not "
			    "in this trace; they read as zero.\n",
			    log->missing_fields);
	if (t.len) {
		text_add(out, "<p class=\"caveat\"><b>✗ Read with care.</b> ");
		text_add_xml(out, text_str(&t));
		text_add(out, "</p>\n");
	}
	text_free(&t);
}

static const char *fate(const struct model_device *d)
{
	if (d->faults)
		return "✗ stopped by a fault";
	if (d->destroyed)
		return "closed, nothing left";
	if (d->state[1] == EV_STATE_CLOSED)
		return "closed";
	if (d->state[1] == EV_STATE_CONNECTED)
		return "still connected when the trace ends";
	return d->state[1] ? state_name(d->state[1]) : "unknown";
}

static void devices(const struct model *m, struct text *out)
{
	char size[TEXT_SIZE_MAX], n[TEXT_COUNT_MAX], name[VIEW_DISK_MAX];
	size_t i;

	text_add(out, "<table><caption>Disks</caption><thead><tr><th "
		      "class=\"l\">device</th><th class=\"l\">storage</th>"
		      "<th>size</th><th>queues</th><th>requests</th>"
		      "<th>failed</th><th class=\"l\">end</th></tr></thead>"
		      "<tbody>\n");
	for (i = 0; i < m->devices && i < ROWS_MAX; i++) {
		const struct model_device *d = &m->device[i];

		text_printf(out, "<tr><td class=\"l\">%u/%u %s", d->domid,
			    d->devid, view_disk_name(d->devid, name));
		if (d->life > 1)
			text_printf(out, ", %u. time", d->life);
		text_add(out, "</td><td class=\"l\">");
		text_add_xml(out, strings_get(&m->log->strings, d->target));
		text_printf(out, "</td><td>%s</td><td>%u</td>",
			    d->size ? text_size(size, d->size) : "", d->queues);
		text_printf(out, "<td>%s</td>", text_count(n, d->requests));
		text_printf(out, "<td%s>%s</td><td class=\"l\">%s</td></tr>\n",
			    d->failed ? " class=\"bad\"" : "",
			    text_count(n, d->failed), fate(d));
	}
	text_add(out, "</tbody></table>\n");
	if (i < m->devices)
		text_printf(out, "<p class=\"note\">and %zu more disks</p>\n",
			    m->devices - i);
}

static void way_row(const struct model *m, const struct model_queue *q,
		    const struct notify_count *w, const char *to,
		    struct text *out)
{
	const struct model_device *d = &m->device[q->device];
	const uint64_t v[5] = { w->needed, w->saved, w->sent, w->wakeups,
				w->spurious };
	char n[TEXT_COUNT_MAX];
	unsigned i;

	text_printf(out,
		    "<tr><td class=\"l\">%u/%u queue %u</td><td "
		    "class=\"l\">to the %s</td>",
		    d->domid, d->devid, q->number, to);
	for (i = 0; i < 5; i++)
		text_printf(out, "<td>%s</td>", text_count(n, v[i]));
	text_add(out, "</tr>\n");
}

static void queues(const struct model *m, struct text *out)
{
	char n[TEXT_COUNT_MAX];
	size_t i, k;

	text_add(out, "<table><caption>Queues</caption><thead><tr><th "
		      "class=\"l\">queue</th><th>ring entries</th>"
		      "<th>requests</th><th>in flight, most</th><th>in flight,"
		      " mean</th><th>pages mapped</th><th>unmapped</th>"
		      "<th>reused</th><th>copied</th></tr></thead><tbody>\n");
	for (i = 0; i < m->queues && i < ROWS_MAX; i++) {
		const struct model_queue *q = &m->queue[i];
		const struct model_device *d = &m->device[q->device];
		const uint64_t pages[4] = { q->mapped_pages, q->unmapped_pages,
					    q->reused_pages, q->copied_pages };

		text_printf(out,
			    "<tr><td class=\"l\">%u/%u queue %u</td><td>"
			    "%u</td><td>%s</td><td>%u</td><td>%.1f</td>",
			    d->domid, d->devid, q->number, q->entries,
			    text_count(n, q->requests), q->in_flight_max,
			    q->in_flight_mean);
		for (k = 0; k < 4; k++)
			text_printf(out, "<td>%s</td>",
				    text_count(n, pages[k]));
		text_add(out, "</tr>\n");
	}
	text_add(out, "</tbody></table>\n<table><caption>Notifications (RG-30)"
		      "</caption><thead><tr><th class=\"l\">queue</th><th "
		      "class=\"l\">direction</th><th>needed</th><th>saved</th>"
		      "<th>sent</th><th>wake-ups</th><th>for nothing</th></tr>"
		      "</thead><tbody>\n");
	for (i = 0; i < m->queues && i < ROWS_MAX; i++) {
		way_row(m, &m->queue[i], &m->queue[i].to_backend, "backend",
			out);
		way_row(m, &m->queue[i], &m->queue[i].to_frontend, "frontend",
			out);
	}
	text_add(out, "</tbody></table>\n");
	if (i < m->queues)
		text_printf(out, "<p class=\"note\">and %zu more queues</p>\n",
			    m->queues - i);
}

void report_summary(const struct model *m, struct text *out)
{
	cards(m, out);
	caveats(m, out);
	devices(m, out);
	if (m->queues)
		queues(m, out);
}

int report_latency(const struct model *m, struct text *out)
{
	char t[TEXT_NS_MAX], n[TEXT_COUNT_MAX];
	struct latencies l;
	size_t i;
	int rc;

	rc = latencies_make(m, MODEL_NONE, MODEL_NONE, &l);
	if (rc) {
		latencies_free(&l);
		return rc;
	}
	if (!l.n)
		text_add(out, "<p class=\"note\">No request was answered in "
			      "this trace.</p>\n");
	else
		text_add(out, "<table><thead><tr><th class=\"l\">device</th>"
			      "<th class=\"l\">operation</th><th "
			      "class=\"l\">stage</th><th class=\"l\">from, to"
			      "</th><th>count</th><th>min</th><th>median</th>"
			      "<th>p90</th><th>p99</th><th>max</th></tr>"
			      "</thead><tbody>\n");
	for (i = 0; i < l.n && i < 6 * ROWS_MAX; i++) {
		const struct latency *r = &l.row[i];
		const uint64_t v[5] = { r->min_ns, r->median_ns, r->p90_ns,
					r->p99_ns, r->max_ns };
		unsigned k;

		text_printf(out,
			    "<tr%s><td class=\"l\">%u/%u</td><td "
			    "class=\"l\">%s</td><td class=\"l\">%s</td><td "
			    "class=\"l dim\">%s</td><td>%s</td>",
			    r->span == SPAN_TOTAL ? " class=\"sum\"" : "",
			    m->device[r->device].domid,
			    m->device[r->device].devid, model_op_name(r->op),
			    span_names[r->span], span_meanings[r->span],
			    text_count(n, r->count));
		for (k = 0; k < 5; k++)
			text_printf(out, "<td>%s</td>",
				    text_ns(t, (int64_t)v[k]));
		text_add(out, "</tr>\n");
	}
	if (l.n)
		text_add(out, "</tbody></table>\n");
	latencies_free(&l);
	return 0;
}
