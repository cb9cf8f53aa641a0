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

#include "viz/model/episode.h"
#include "viz/model/story.h"

#define ROWS_DEFAULT 320u
#define ROWS_WINDOW 200u
/* An episode of more records than this is told by single requests. */
#define EPISODE_RECS_MAX 120u
#define NOTIFY_RECS_MAX 12u

struct chooser {
	const struct model *m;
	const struct model_device *d;
	struct selection sel;
	uint16_t queue; /* its number */
	struct rows *rows;
	uint32_t told_ops;    /* operations of which a story was told */
	bool told_failed, told_refused, told_saved;
	uint64_t shown;	      /* records that stories took */
	uint64_t skipped;     /* records between what was shown */
};

static bool is_ours(const struct chooser *c, const struct log_rec *rec)
{
	return rec->domid == c->d->domid && rec->devid == c->d->devid &&
	       (rec->queue == LOG_QUEUE_NONE ||
		c->sel.queue == MODEL_NONE || rec->queue == c->queue);
}

static int64_t since_start(const struct chooser *c, uint32_t rec)
{
	return c->m->log->rec[rec].t_ns - c->m->start_ns;
}

/* All records of the selection in a range. */
static void pick_range(struct chooser *c, uint32_t from, uint32_t to)
{
	uint32_t i;

	for (i = from; i < to; i++)
		if (is_ours(c, &c->m->log->rec[i]))
			rows_pick(c->rows, i);
}

static uint64_t count_range(const struct chooser *c, uint32_t from, uint32_t to)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = from; i < to; i++)
		n += is_ours(c, &c->m->log->rec[i]) &&
		     !rows_redundant(c->m, i);
	return n;
}

static void say_gap(struct chooser *c, uint32_t at)
{
	char n[TEXT_COUNT_MAX];

	if (c->skipped)
		rows_say(c->rows, ROW_GAP, c->m->log->rec[at].t_ns,
			 "%s message%s not shown", text_count(n, c->skipped),
			 c->skipped == 1 ? "" : "s");
	c->skipped = 0;
}

static const char *article(const char *word)
{
	return strchr("aeiou", word[0]) ? "An" : "A";
}

/* ---- one request -------------------------------------------------------- */

static const char *ending(const struct request *r)
{
	return r->flags & REQUEST_ORPHAN     ? ", a response without request" :
	       r->flags & REQUEST_REFUSED    ? ", refused" :
	       !(r->flags & (REQUEST_RESPONDED | REQUEST_COMPLETED)) ?
					       ", never answered" :
	       request_failed(r)	     ? ", failed" :
					       "";
}

/* Others that were in flight while this one was. */
static uint64_t company(const struct chooser *c, const struct request *r)
{
	int64_t from = request_start(r), to = request_end(r);
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < c->m->requests; i++) {
		const struct request *o = &c->m->request[i];

		n += o != r && o->queue == r->queue &&
		     request_start(o) <= to && request_end(o) >= from;
	}
	return n;
}

static int tell_request(struct chooser *c, const struct request *r)
{
	const struct model *m = c->m;
	char when[TEXT_NS_MAX], took[TEXT_NS_MAX], n[TEXT_COUNT_MAX];
	struct story story;
	uint64_t others;
	size_t i;
	int rc;

	rc = story_make(m, r, &story);
	if (!rc && story.n) {
		say_gap(c, story.rec[0]);
		others = company(c, r);
		rows_say(c->rows, ROW_SECTION, m->log->rec[story.rec[0]].t_ns,
			 "%s %s, #%llu%s: %s from push to completion; begins "
			 "at %s%s%s%s", article(op_name(r->op)),
			 op_name(r->op), (unsigned long long)request_seq(r),
			 ending(r), text_ns(took, request_total(r)),
			 text_ns(when, since_start(c, story.rec[0])),
			 others ? ", among " : "",
			 others ? text_count(n, others) : "",
			 others ? " others" : "");
		for (i = 0; i < story.n; i++)
			rows_pick(c->rows, story.rec[i]);
		c->shown += story.n;
	}
	story_free(&story);
	return rc;
}

/* ---- episodes ----------------------------------------------------------- */

/* Is there something in this request that no story has told yet? */
static bool is_new(struct chooser *c, const struct request *r, bool mark)
{
	bool ok = r->flags & REQUEST_RESPONDED && !request_failed(r);
	bool *bad = r->flags & REQUEST_REFUSED ? &c->told_refused :
						 &c->told_failed;

	if (ok) {
		if (r->op >= 32 || c->told_ops & 1u << r->op)
			return false;
		if (mark)
			c->told_ops |= 1u << r->op;
		return true;
	}
	if (*bad || !request_failed(r))
		return false;
	if (mark)
		*bad = true;
	return true;
}

/*
 * Tell the stories of those requests of a long episode that are the first of
 * their kind, and say how much of it is left out; or with `tell` false only
 * find whether there are any.
 */
static int tell_firsts(struct chooser *c, const struct episode *ep, bool tell,
		       bool *any)
{
	uint32_t i, left = ep->requests;
	uint64_t all, before = c->shown;
	int rc = 0;

	*any = false;
	for (i = ep->first; !rc && left && i < c->m->requests; i++) {
		const struct request *r = &c->m->request[i];

		if (r->queue != c->sel.queue)
			continue;
		left--;
		if (!is_new(c, r, tell))
			continue;
		*any = true;
		if (!tell)
			return 0;
		rc = tell_request(c, r);
	}
	all = count_range(c, ep->rec_from, ep->rec_to);
	if (*any && all > c->shown - before) {
		c->skipped = all - (c->shown - before);
		say_gap(c, ep->rec_to - 1);
	}
	return rc;
}

static void count_ops(const uint32_t op[EPISODE_OPS], struct text *t)
{
	char n[TEXT_COUNT_MAX];
	const char *word, *es;
	unsigned i;

	for (i = 0; i < EPISODE_OPS; i++) {
		if (!op[i])
			continue;
		word = op_name(i);
		es = op[i] == 1 ? "" : word[strlen(word) - 1] == 'h' ? "es" :
								       "s";
		text_printf(t, "%s%s %s%s", t->len ? ", " : "",
			    text_count(n, op[i]), word, es);
	}
}

/* The episodes from `from` to `to` look like ones that were shown. */
static void tell_repeats(struct chooser *c, const struct episodes *e,
			 size_t from, size_t to)
{
	const struct episode *first = &e->ep[from], *last = &e->ep[to - 1];
	uint64_t min = UINT64_MAX, max = 0, requests = 0, failed = 0;
	char a[TEXT_NS_MAX], b[TEXT_NS_MAX], x[TEXT_NS_MAX], y[TEXT_NS_MAX];
	uint32_t op[EPISODE_OPS] = { 0 };
	struct text ops = { 0 };
	size_t i;
	unsigned k;

	for (i = from; i < to; i++) {
		for (k = 0; k < EPISODE_OPS; k++)
			op[k] += e->ep[i].op[k];
		requests += e->ep[i].requests;
		failed += e->ep[i].failed;
		if (e->ep[i].min_ns < min)
			min = e->ep[i].min_ns;
		if (e->ep[i].max_ns > max)
			max = e->ep[i].max_ns;
	}
	count_ops(op, &ops);
	rows_say(c->rows, ROW_REPEAT, first->from_ns,
		 "x%llu more like the above: %s%s, from %s to %s; each took "
		 "%s to %s", (unsigned long long)requests, text_str(&ops),
		 failed ? " (some of them failed)" : "",
		 text_ns(a, first->from_ns - c->m->start_ns),
		 text_ns(b, last->to_ns - c->m->start_ns),
		 text_ns(x, (int64_t)min), text_ns(y, (int64_t)max));
	text_free(&ops);
}

static bool seen_kind(const struct episodes *e, size_t at)
{
	size_t i;

	for (i = 0; i < at; i++)
		if (e->ep[i].kind == e->ep[at].kind)
			return true;
	return false;
}

static void tell_whole(struct chooser *c, const struct episode *ep)
{
	const struct request *r = &c->m->request[ep->first];
	char when[TEXT_NS_MAX], took[TEXT_NS_MAX];
	struct text ops = { 0 };
	unsigned i;

	count_ops(ep->op, &ops);
	if (ep->requests == 1) {
		text_clear(&ops);
		text_printf(&ops, "%s %s, #%llu%s", article(op_name(r->op)),
			    op_name(r->op),
			    (unsigned long long)request_seq(r), ending(r));
	}
	say_gap(c, ep->rec_from);
	rows_say(c->rows, ROW_SECTION, c->m->log->rec[ep->rec_from].t_ns,
		 "%s: %s; begins at %s", text_str(&ops),
		 text_ns(took, ep->to_ns - ep->from_ns),
		 text_ns(when, since_start(c, ep->rec_from)));
	text_free(&ops);
	pick_range(c, ep->rec_from, ep->rec_to);
	for (i = 0; i < EPISODE_OPS; i++)
		if (ep->op[i] && !ep->failed && !ep->open)
			c->told_ops |= 1u << i;
	c->told_failed |= ep->failed > ep->refused;
	c->told_refused |= ep->refused != 0;
}

static int tell_episodes(struct chooser *c, const struct episodes *e)
{
	size_t i, repeats = 0;
	int rc = 0;

	for (i = 0; !rc && i < e->n; i++) {
		const struct episode *ep = &e->ep[i];
		bool whole = count_range(c, ep->rec_from, ep->rec_to) <=
			     EPISODE_RECS_MAX;
		bool again = seen_kind(e, i), any;

		if (!again && !whole) {
			rc = tell_firsts(c, ep, false, &any);
			again = !any;
		}
		if (again) {
			repeats++;
			continue;
		}
		if (repeats)
			tell_repeats(c, e, i - repeats, i);
		repeats = 0;
		if (whole)
			tell_whole(c, ep);
		else
			rc = tell_firsts(c, ep, true, &any);
	}
	if (!rc && repeats)
		tell_repeats(c, e, i - repeats, i);
	return rc;
}

/* ---- a notification that was saved -------------------------------------- */

/*
 * The rule's other half: the peer was awake, so nothing was sent.  From what
 * the peer had asked for to its finding the work without being woken.
 */
static void tell_saved(struct chooser *c)
{
	const struct trace_log *log = c->m->log;
	const struct model_queue *q = &c->m->queue[c->sel.queue];
	uint32_t at, i, from, n = 0;
	char when[TEXT_NS_MAX];
	bool rsp;

	if (!(q->to_backend.saved + q->to_frontend.saved))
		return;
	for (at = c->d->first_rec; at <= c->d->last_rec; at++)
		if (is_ours(c, &log->rec[at]) &&
		    log->rec[at].kind == EV_KIND_ring_notify &&
		    !log_get(log, &log->rec[at], LF_ring_notify_needed))
			break;
	if (at > c->d->last_rec)
		return;
	rsp = log_get(log, &log->rec[at], LF_ring_notify_side) ==
	      EV_SIDE_RESPONSE;
	for (from = at; from > c->d->first_rec && at - from < 32; from--)
		if (is_ours(c, &log->rec[from]) &&
		    log->rec[from].kind == EV_KIND_ring_produce &&
		    log->rec[from].actor == log->rec[at].actor)
			break;
	say_gap(c, from);
	rows_say(c->rows, ROW_SECTION, log->rec[from].t_ns,
		 "A notification saved (RG-30): the %s looks at the ring "
		 "anyhow; begins at %s. So went %llu of %llu.",
		 rsp ? "frontend" : "backend",
		 text_ns(when, since_start(c, from)),
		 (unsigned long long)(q->to_backend.saved +
				      q->to_frontend.saved),
		 (unsigned long long)(q->to_backend.saved +
				      q->to_frontend.saved +
				      q->to_backend.needed +
				      q->to_frontend.needed));
	for (i = from; i <= c->d->last_rec && n < NOTIFY_RECS_MAX; i++) {
		const struct log_rec *rec = &log->rec[i];
		bool consume = rec->kind == EV_KIND_ring_consume &&
			       rec->actor != log->rec[at].actor &&
			       (log_get(log, rec, LF_ring_consume_side) ==
				EV_SIDE_RESPONSE) == rsp;

		if (!is_ours(c, rec) || (i != from && i != at && !consume))
			continue;
		rows_pick(c->rows, i);
		n++;
		if (consume && i > at)
			break;
	}
}

/* ---- all of it ---------------------------------------------------------- */

static void heading(struct chooser *c, uint32_t at, const char *what)
{
	char when[TEXT_NS_MAX];

	say_gap(c, at);
	rows_say(c->rows, ROW_SECTION, c->m->log->rec[at].t_ns,
		 "%s; begins at %s", what, text_ns(when, since_start(c, at)));
}

static int choose_all(struct chooser *c)
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
		heading(c, c->d->first_rec, e.n ? "Handshake" :
						  "Everything");
		pick_range(c, c->d->first_rec, first);
	}
	if (!rc && e.n)
		rc = tell_episodes(c, &e);
	if (!rc && e.n)
		tell_saved(c);
	if (!rc && last <= c->d->last_rec && e.n) {
		heading(c, last, "Closing");
		pick_range(c, last, c->d->last_rec + 1);
	}
	episodes_free(&e);
	return rc;
}

static int choose_request(struct chooser *c, const struct view_options *o,
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

static int choose_window(struct chooser *c, const struct view_options *o,
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
		    is_ours(c, &c->m->log->rec[i]))
			rows_pick(c->rows, i);
	if (c->rows->picks == before)
		return why_set(why, -ENOENT, "nothing happened to this device "
			       "in that time; the trace lasts %s",
			       text_ns(a, c->m->end_ns - c->m->start_ns));
	return 0;
}

int sequence_choose(const struct model *m, const struct view_options *o,
		    struct sequence *s, struct why *why)
{
	struct chooser c = { .m = m, .rows = &s->rows };
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
	rc = rows_fold(&s->rows, m);
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
