/* SPDX-License-Identifier: MIT */
#include "viz/views/sequence_tell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "viz/guard.h"
#include "viz/model/story.h"
#include "viz/views/message.h"

/* An episode of more records than this is told by single requests. */
#define EPISODE_RECS_MAX 120u
#define NOTIFY_RECS_MAX	 12u

bool teller_owns(const struct teller *c, const struct log_rec *rec)
{
	return rec->domid == c->d->domid && rec->devid == c->d->devid &&
	       (rec->queue == LOG_QUEUE_NONE || c->sel.queue == MODEL_NONE ||
		rec->queue == c->queue);
}

static int64_t since_start(const struct teller *c, uint32_t rec)
{
	return c->m->log->rec[rec].t_ns - c->m->start_ns;
}

/* All records of the selection in a range. */
void tell_range(struct teller *c, uint32_t from, uint32_t to)
{
	uint32_t i;

	for (i = from; i < to; i++)
		if (teller_owns(c, &c->m->log->rec[i]))
			rows_pick(c->rows, i);
}

static uint64_t count_range(const struct teller *c, uint32_t from, uint32_t to)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = from; i < to; i++)
		n += teller_owns(c, &c->m->log->rec[i]) &&
		     !rows_redundant(c->m, i);
	return n;
}

static void say_gap(struct teller *c, uint32_t at)
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
	return r->flags & REQUEST_REFUSED  ? ", refused"
	       : r->flags & REQUEST_UNSURE ? ", incomplete: events were "
					     "lost"
	       : r->flags & REQUEST_EDGE   ? ", cut off by the trace's edge"
	       : r->flags & REQUEST_ORPHAN ? ", a response without request"
	       : !(r->flags & (REQUEST_RESPONDED | REQUEST_COMPLETED))
		       ? ", never answered"
	       : request_failed(r) ? ", failed"
				   : "";
}

/* Others that were in flight while this one was. */
static uint64_t company(const struct teller *c, const struct request *r)
{
	int64_t from = request_start(r), to = request_end(r);
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < c->m->requests; i++) {
		const struct request *o = &c->m->request[i];

		n += o != r && o->queue == r->queue && request_start(o) <= to &&
		     request_end(o) >= from;
	}
	return n;
}

int tell_request(struct teller *c, const struct request *r)
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
			 "%s %s, #%llu%s: %s from %s to %s; begins at "
			 "%s%s%s%s%s",
			 article(model_op_name(r->op)), model_op_name(r->op),
			 (unsigned long long)request_seq(r), ending(r),
			 text_ns(took, request_total(r)),
			 stage_names[request_first(r)],
			 stage_names[request_last(r)],
			 text_ns(when, since_start(c, story.rec[0])),
			 others ? ", among " : "",
			 others ? text_count(n, others) : "",
			 others ? " other" : "", others > 1 ? "s" : "");
		for (i = 0; i < story.n; i++)
			rows_pick(c->rows, story.rec[i]);
		c->shown += story.n;
	}
	story_free(&story);
	return rc;
}

/* ---- episodes ----------------------------------------------------------- */

/* Is there something in this request that no story has told yet? */
static bool is_new(struct teller *c, const struct request *r, bool mark)
{
	bool ok = r->flags & (REQUEST_RESPONDED | REQUEST_COMPLETED) &&
		  !(r->flags & REQUEST_ORPHAN) && !request_failed(r);
	bool *bad =
		r->flags & REQUEST_REFUSED ? &c->told_refused : &c->told_failed;

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
static int tell_firsts(struct teller *c, const struct episode *ep, bool tell,
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
		word = model_op_name(i);
		es = op[i] == 1			     ? ""
		     : word[strlen(word) - 1] == 'h' ? "es"
						     : "s";
		text_printf(t, "%s%s %s%s", t->len ? ", " : "",
			    text_count(n, op[i]), word, es);
	}
}

/* The episodes from `from` to `to` look like ones that were shown. */
static void tell_repeats(struct teller *c, const struct episodes *e,
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
		 "%s to %s",
		 (unsigned long long)requests, text_str(&ops),
		 failed ? " (some of them failed)" : "",
		 text_ns(a, first->from_ns - c->m->start_ns),
		 text_ns(b, last->to_ns - c->m->start_ns),
		 text_ns(x, (int64_t)min), text_ns(y, (int64_t)max));
	text_free(&ops);
}

/* Whether there was one of this kind before. */
static bool seen_kind(uint8_t *kinds, uint32_t kind)
{
	uint8_t bit = (uint8_t)(1u << kind % 8);
	bool was = kinds[kind / 8] & bit;

	kinds[kind / 8] |= bit;
	return was;
}

static void tell_whole(struct teller *c, const struct episode *ep)
{
	const struct request *r = &c->m->request[ep->first];
	char when[TEXT_NS_MAX], took[TEXT_NS_MAX];
	struct text ops = { 0 };
	unsigned i;

	count_ops(ep->op, &ops);
	if (ep->requests == 1) {
		text_clear(&ops);
		text_printf(&ops, "%s %s, #%llu%s",
			    article(model_op_name(r->op)), model_op_name(r->op),
			    (unsigned long long)request_seq(r), ending(r));
	}
	say_gap(c, ep->rec_from);
	rows_say(c->rows, ROW_SECTION, c->m->log->rec[ep->rec_from].t_ns,
		 "%s: %s; begins at %s", text_str(&ops),
		 text_ns(took, ep->to_ns - ep->from_ns),
		 text_ns(when, since_start(c, ep->rec_from)));
	text_free(&ops);
	tell_range(c, ep->rec_from, ep->rec_to);
	for (i = 0; i < EPISODE_OPS; i++)
		if (ep->op[i] && !ep->failed && !ep->open)
			c->told_ops |= 1u << i;
	c->told_failed |= ep->failed > ep->refused;
	c->told_refused |= ep->refused != 0;
}

int tell_episodes(struct teller *c, const struct episodes *e)
{
	uint8_t *kinds = calloc(EPISODE_KINDS / 8, 1);
	size_t i, repeats = 0;
	int rc = kinds ? 0 : -ENOMEM;

	for (i = 0; !rc && i < e->n; i++) {
		const struct episode *ep = &e->ep[i];
		bool whole = count_range(c, ep->rec_from, ep->rec_to) <=
			     EPISODE_RECS_MAX;
		bool again = seen_kind(kinds, ep->kind), any;

		guard_beat();
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
	free(kinds);
	return rc;
}

/* ---- a notification that was saved -------------------------------------- */

/*
 * The rule's other half: the peer was awake, so nothing was sent.  From what
 * the peer had asked for to its finding the work without being woken.
 */
void tell_saved(struct teller *c)
{
	const struct trace_log *log = c->m->log;
	const struct model_queue *q = &c->m->queue[c->sel.queue];
	uint32_t at, i, from, n = 0;
	char when[TEXT_NS_MAX];
	bool rsp;

	if (!(q->to_backend.saved + q->to_frontend.saved))
		return;
	for (at = c->d->first_rec; at <= c->d->last_rec; at++)
		if (teller_owns(c, &log->rec[at]) &&
		    log->rec[at].kind == EV_KIND_ring_notify &&
		    !log_get(log, &log->rec[at], LF_ring_notify_needed))
			break;
	if (at > c->d->last_rec)
		return;
	rsp = log_get(log, &log->rec[at], LF_ring_notify_side) ==
	      EV_SIDE_RESPONSE;
	for (from = at; from > c->d->first_rec && at - from < 32; from--)
		if (teller_owns(c, &log->rec[from]) &&
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

		if (!teller_owns(c, rec) || (i != from && i != at && !consume))
			continue;
		rows_pick(c->rows, i);
		n++;
		if (consume && i > at)
			break;
	}
}

void tell_heading(struct teller *c, uint32_t at, const char *what)
{
	char when[TEXT_NS_MAX];

	say_gap(c, at);
	rows_say(c->rows, ROW_SECTION, c->m->log->rec[at].t_ns,
		 "%s; begins at %s", what, text_ns(when, since_start(c, at)));
}
