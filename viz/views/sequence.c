/* SPDX-License-Identifier: MIT */
/*
 * Who told whom what, and when.  Without options: the handshake, then the
 * requests, then the closing.  Requests come in episodes (model/episode.h):
 * of each kind of episode one is shown, and the others are a line that says
 * how many there were.  Where an episode is too long for a picture, as under
 * load, it is the story of its first request of each operation.
 */
#include "viz/views/sequence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viz/views/sequence_tell.h"

#define ROWS_DEFAULT 320u
#define ROWS_WINDOW  200u

static int choose_all(struct teller *c)
{
	struct episodes e = { NULL, 0, 0 };
	uint32_t first = c->d->last_rec + 1, last = c->d->last_rec + 1;
	int rc = 0;

	if (c->sel.queue != MODEL_NONE)
		rc = episodes_make(c->m, c->sel.queue, &e);
	if (!rc && e.n) {
		first = e.ep[0].rec_from;
		last = e.ep[e.n - 1].rec_to;
	}
	if (!rc && first > c->d->first_rec) {
		tell_heading(c, c->d->first_rec,
			     e.n ? "Handshake" : "Everything");
		tell_range(c, c->d->first_rec, first);
	}
	if (!rc && e.n)
		rc = tell_episodes(c, &e);
	if (!rc && e.n)
		tell_saved(c);
	if (!rc && last <= c->d->last_rec && e.n) {
		tell_heading(c, last, "Closing");
		tell_range(c, last, c->d->last_rec + 1);
	}
	episodes_free(&e);
	return rc;
}

static int choose_request(struct teller *c, const struct view_options *o,
			  struct why *why)
{
	uint32_t at;
	unsigned n;
	int rc;

	rc = view_requests(c->m, o, &c->sel, &at, 1, &n, why);
	if (rc)
		return rc;
	rc = tell_request(c, &c->m->request[at]);
	return rc ? why_set(why, rc, "no memory for the picture") : 0;
}

static int choose_window(struct teller *c, const struct view_options *o,
			 struct why *why)
{
	int64_t from = c->m->start_ns + (o->from_given ? o->from_ns : 0);
	int64_t to = o->to_given ? c->m->start_ns + o->to_ns : INT64_MAX;
	char a[TEXT_NS_MAX];
	size_t before = c->rows->picks;
	uint32_t i;

	for (i = c->d->first_rec; i <= c->d->last_rec; i++)
		if (c->m->log->rec[i].t_ns >= from &&
		    c->m->log->rec[i].t_ns <= to &&
		    teller_owns(c, &c->m->log->rec[i]))
			rows_pick(c->rows, i);
	if (c->rows->picks == before)
		return why_set(why, -ENOENT,
			       "nothing happened to this device "
			       "in that time; the trace lasts %s",
			       text_ns(a, c->m->end_ns - c->m->start_ns));
	return 0;
}

int sequence_choose(const struct model *m, const struct view_options *o,
		    struct sequence *s, struct why *why)
{
	struct teller c = { .m = m, .rows = &s->rows };
	size_t max = ROWS_DEFAULT;
	int rc;

	memset(s, 0, sizeof(*s));
	rc = view_select(m, o, &c.sel, why);
	if (rc)
		return rc;
	c.d = &m->device[c.sel.device];
	if (c.sel.queue != MODEL_NONE)
		c.queue = m->queue[c.sel.queue].number;
	s->zero_ns = m->start_ns;
	view_subject(m, &c.sel, &s->title);
	view_caveats(m, &s->caveats);
	if (o->request_given) {
		rc = choose_request(&c, o, why);
	} else if (o->from_given || o->to_given || o->first) {
		rc = choose_window(&c, o, why);
		max = ROWS_WINDOW;
	} else {
		rc = choose_all(&c);
		if (rc)
			why_set(why, rc, "no memory for the picture");
	}
	if (rc)
		return rc;
	rc = rows_fold(&s->rows, m,
		       !o->request_given && !o->from_given && !o->to_given);
	rows_cap(&s->rows, o->first ? o->first : max);
	if (!rc)
		rc = s->rows.error;
	return rc ? why_set(why, rc, "no memory for the picture") : 0;
}

void sequence_free(struct sequence *s)
{
	rows_free(&s->rows);
	text_free(&s->title);
	text_free(&s->caveats);
}

static int sequence_show(const struct model *m, const struct view_options *o,
			 struct text *out, struct why *why)
{
	struct sequence s;
	int rc;

	rc = sequence_choose(m, o, &s, why);
	if (rc)
		goto out;
	switch (o->format) {
	case VIEW_TEXT:
		sequence_text(&s, out);
		break;
	case VIEW_MERMAID:
		sequence_mermaid(&s, out);
		break;
	case VIEW_JSON:
		rc = sequence_json(&s, m, out);
		break;
	default:
		rc = sequence_draw(&s, view_format_name(o->format), out, why);
	}
	if (rc == -ENOMEM || out->error)
		rc = why_set(why, -ENOMEM, "no memory for the picture");
out:
	sequence_free(&s);
	return rc;
}

const struct view view_sequence = {
	.name = "sequence",
	.what = "who told whom what, and when",
	.formats = 1 << VIEW_TEXT | 1 << VIEW_SVG | 1 << VIEW_PNG |
		   1 << VIEW_PDF | 1 << VIEW_DOT | 1 << VIEW_MERMAID |
		   1 << VIEW_JSON,
	.show = sequence_show,
};
