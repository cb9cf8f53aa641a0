/* SPDX-License-Identifier: MIT */
#include "viz/views/view.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

const struct view *const view_list[] = {
	&view_sequence, &view_handshake, &view_request,
	&view_latency,	&view_report,	 NULL,
};

const char *view_format_name(enum view_format f)
{
	static const char *const name[VIEW_FORMATS] = {
		[VIEW_TEXT] = "text", [VIEW_SVG] = "svg",
		[VIEW_PNG] = "png",   [VIEW_PDF] = "pdf",
		[VIEW_DOT] = "dot",   [VIEW_HTML] = "html",
		[VIEW_JSON] = "json", [VIEW_MERMAID] = "mermaid",
	};

	return name[f];
}

static int no_device(const struct model *m, const struct view_options *o,
		     struct why *why)
{
	char list[200] = "";
	size_t i, at = 0;

	for (i = 0; i < m->devices && at < 150; i++)
		if (m->device[i].life == 1)
			at += (size_t)snprintf(list + at, sizeof(list) - at,
					       "%s%u/%u", at ? ", " : "",
					       m->device[i].domid,
					       m->device[i].devid);
	return why_set(why, -EINVAL,
		       "the trace holds no device %u/%u; it "
		       "holds %s%s",
		       o->domid, o->devid, list, i < m->devices ? " ..." : "");
}

/* The busiest queue of a device. */
static uint32_t pick_queue(const struct model *m, uint32_t device,
			   unsigned *others)
{
	uint32_t best = MODEL_NONE, i;
	unsigned n = 0;

	for (i = 0; i < m->queues; i++) {
		if (m->queue[i].device != device)
			continue;
		n++;
		if (best == MODEL_NONE ||
		    m->queue[i].requests > m->queue[best].requests)
			best = i;
	}
	*others = n ? n - 1 : 0;
	return best;
}

int view_select(const struct model *m, const struct view_options *o,
		struct selection *s, struct why *why)
{
	const struct model_device *d;
	uint32_t i;

	s->queue = MODEL_NONE;
	s->device = 0;
	s->other_devices = s->other_queues = 0;
	if (!m->devices)
		return why_set(why, -ENOENT,
			       "the trace holds no event of any device");
	for (i = 0; i < m->devices; i++)
		s->other_devices += m->device[i].life == 1;
	s->other_devices--;
	if (o->device_given) {
		d = model_device_find(m, o->domid, o->devid);
		if (!d)
			return no_device(m, o, why);
		s->device = (uint32_t)(d - m->device);
	} else {
		for (i = 1; i < m->devices; i++)
			if (m->device[i].requests >
			    m->device[s->device].requests)
				s->device = i;
	}
	s->queue = pick_queue(m, s->device, &s->other_queues);
	if (!o->queue_given)
		return 0;
	d = &m->device[s->device];
	s->queue = model_queue_find(m, d, o->queue);
	if (s->queue == MODEL_NONE)
		return why_set(why, -EINVAL,
			       "device %u/%u has no queue %u in "
			       "this trace; it has %u",
			       d->domid, d->devid, o->queue, d->queues);
	return 0;
}

/* Insert by falling total into a short list. */
static void keep_slowest(const struct model *m, uint32_t *list, unsigned max,
			 unsigned *n, uint32_t at)
{
	int64_t total = request_total(&m->request[at]);
	unsigned i;

	if (*n == max && total <= request_total(&m->request[list[max - 1]]))
		return;
	if (*n < max)
		(*n)++;
	for (i = *n - 1;
	     i > 0 && request_total(&m->request[list[i - 1]]) < total; i--)
		list[i] = list[i - 1];
	list[i] = at;
}

int view_requests(const struct model *m, const struct view_options *o,
		  const struct selection *s, uint32_t *list, unsigned max,
		  unsigned *n, struct why *why)
{
	const struct model_device *d = &m->device[s->device];
	const struct request *r;
	uint32_t i;

	*n = 0;
	for (i = 0; i < m->requests; i++) {
		r = &m->request[i];
		if (m->queue[r->queue].device != s->device ||
		    (o->queue_given && r->queue != s->queue))
			continue;
		if (!o->request_given) {
			/* Nothing can be said about half of a request. */
			if (!(r->flags & REQUEST_ORPHAN))
				keep_slowest(m, list, max, n, i);
			continue;
		}
		if (request_seq(r) != o->request)
			continue;
		/* The same number on another queue is another request. */
		if (*n && m->request[list[0]].queue != r->queue) {
			if (r->queue != s->queue)
				continue;
			*n = 0;
		}
		if (*n < max)
			list[(*n)++] = i;
	}
	if (*n)
		return 0;
	if (!o->request_given)
		return why_set(why, -ENOENT,
			       "device %u/%u has no request in "
			       "this trace",
			       d->domid, d->devid);
	return why_set(why, -EINVAL,
		       "device %u/%u has no request %llu in "
		       "this trace; it has %llu of them",
		       d->domid, d->devid, (unsigned long long)o->request,
		       (unsigned long long)d->requests);
}

const char *view_disk_name(uint32_t devid, char name[VIEW_DISK_MAX])
{
	unsigned disk, part;

	name[0] = '\0';
	/* xvda is major 202; from xvdq on bit 28 and 256 a disk. */
	if (devid >> 8 == 202 && (devid & 255) / 16 < 16) {
		disk = (devid & 255) / 16;
		part = devid & 15;
	} else if (devid & 1u << 28 && (devid & 0xfffffff) / 256 < 26 * 27) {
		disk = (devid & 0xfffffff) / 256;
		part = devid & 255;
	} else {
		return name;
	}
	if (disk < 26)
		snprintf(name, VIEW_DISK_MAX, "xvd%c", 'a' + disk);
	else
		snprintf(name, VIEW_DISK_MAX, "xvd%c%c", 'a' + disk / 26 - 1,
			 'a' + disk % 26);
	if (part)
		snprintf(name + (disk < 26 ? 4 : 5), VIEW_DISK_MAX - 5, "%u",
			 part);
	return name;
}

/* How often this disk was attached. */
static unsigned lives_of(const struct model *m, const struct model_device *d)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < m->devices; i++)
		n += m->device[i].domid == d->domid &&
		     m->device[i].devid == d->devid;
	return n;
}

void view_subject(const struct model *m, const struct selection *s,
		  struct text *out)
{
	const struct model_device *d = &m->device[s->device];
	char name[VIEW_DISK_MAX];
	unsigned lives;

	text_printf(out, "device %u/%u", d->domid, d->devid);
	if (*view_disk_name(d->devid, name))
		text_printf(out, " (%s)", name);
	lives = lives_of(m, d);
	if (lives > 1)
		text_printf(out, ", attached for the %u. time of %u", d->life,
			    lives);
	if (s->queue != MODEL_NONE && s->other_queues)
		text_printf(out, ", queue %u of %u", m->queue[s->queue].number,
			    s->other_queues + 1);
	if (s->other_devices)
		text_printf(out, "; the trace holds %u more device%s",
			    s->other_devices, s->other_devices == 1 ? "" : "s");
}

void view_caveats(const struct model *m, struct text *out)
{
	const struct trace_log *log = m->log;
	const struct log_loss *l;
	char n[TEXT_COUNT_MAX], a[TEXT_NS_MAX], b[TEXT_NS_MAX];
	size_t i;

	if (log->aligned[0])
		text_printf(out, "%s.\n", log->aligned);
	if (log->damage[0])
		text_printf(out, "This trace is damaged: %s.\n", log->damage);
	if (log->live)
		text_add(out, "This was read live: it begins when the reader "
			      "came, and what began before is cut off.\n");
	else if (log->snapshot)
		text_add(out, "This is a flight recorder's snapshot: it "
			      "begins and ends in the midst of things.\n");
	for (i = 0; i < log->losses && i < 5; i++) {
		l = &log->loss[i];
		if (l->overwritten)
			text_printf(out,
				    "%s packets of one processor's events "
				    "were overwritten; what is left of it "
				    "begins at %s.\n",
				    text_count(n, l->count),
				    text_ns(b, l->to_ns - m->start_ns));
		else
			text_printf(out, "%s %s were lost between %s and %s.\n",
				    l->count ? text_count(n, l->count) : "Some",
				    l->packets ? "packets of events" : "events",
				    text_ns(a, l->from_ns - m->start_ns),
				    text_ns(b, l->to_ns - m->start_ns));
	}
	if (i < log->losses)
		text_printf(out,
			    "There were %zu more gaps; %s events are "
			    "missing in all.\n",
			    log->losses - i, text_count(n, log->lost_events));
}
