/* SPDX-License-Identifier: MIT */
#include "viz/model/story.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How far around a request's own events to look for what carried it. */
#define BEFORE	  128u
#define BEHIND	  512u
#define GREFS_MAX 512u

/* What was seen of one direction: requests going, or responses coming. */
struct way {
	bool rsp;
	uint32_t idx;	  /* of the request, or of the response */
	bool known;	  /* idx is */
	uint8_t sender;	  /* actor */
	bool sent, read;  /* produced; consumed by the peer */
	bool notify_next; /* the next evtchn_notify of the sender is ours */
	uint32_t wakeup;  /* the receiver's last, not used yet */
};

struct telling {
	const struct model *m;
	const struct request *r;
	const struct trace_log *log;
	struct way way[2];
	const uint32_t *gref;
	uint32_t grefs;
	uint32_t self;
};

int story_add(struct story *s, uint32_t rec)
{
	size_t room;
	uint32_t *grown;

	if (s->n == s->room) {
		room = s->room ? s->room * 2 : 64;
		grown = realloc(s->rec, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->rec = grown;
		s->room = room;
	}
	s->rec[s->n++] = rec;
	return 0;
}

void story_free(struct story *s)
{
	free(s->rec);
	memset(s, 0, sizeof(*s));
}

static bool between(uint32_t from, uint32_t at, uint32_t to)
{
	return at - from < to - from;
}

static bool passes(const struct telling *t, const struct log_rec *rec,
		   struct way *w, enum log_field side, enum log_field from,
		   enum log_field to)
{
	return w->known &&
	       (log_get(t->log, rec, side) == EV_SIDE_RESPONSE) == w->rsp &&
	       between((uint32_t)log_get(t->log, rec, from), w->idx,
		       (uint32_t)log_get(t->log, rec, to));
}

/* Does the event belong to one direction's publishing or reading? */
static bool carries(struct telling *t, const struct log_rec *rec, uint32_t at,
		    struct way *w, struct story *out, int *rc)
{
	bool from_sender = (rec->actor == EV_ACTOR_FRONTEND) ==
			   (w->sender == EV_ACTOR_FRONTEND);

	switch ((enum ev_kind)rec->kind) {
	case EV_KIND_ring_produce:
		if (w->sent || !from_sender ||
		    !passes(t, rec, w, LF_ring_produce_side,
			    LF_ring_produce_prod_before,
			    LF_ring_produce_prod_after))
			return false;
		w->sent = true;
		return true;
	case EV_KIND_ring_notify:
		if (!from_sender || !passes(t, rec, w, LF_ring_notify_side,
					    LF_ring_notify_prod_before,
					    LF_ring_notify_prod_after))
			return false;
		w->notify_next = log_get(t->log, rec, LF_ring_notify_needed);
		return true;
	case EV_KIND_evtchn_notify:
		if (!from_sender || !w->notify_next)
			return false;
		w->notify_next = false;
		return true;
	case EV_KIND_evtchn_wakeup:
		if (!from_sender)
			w->wakeup = at;
		return false;
	case EV_KIND_ring_consume:
		if (w->read || from_sender ||
		    !passes(t, rec, w, LF_ring_consume_side,
			    LF_ring_consume_cons_before,
			    LF_ring_consume_cons_after))
			return false;
		w->read = true;
		/* The receiver may have been awake: then nothing woke it. */
		if (w->wakeup != MODEL_NONE && w->wakeup > t->r->first_rec)
			*rc = story_add(out, w->wakeup);
		return true;
	default:
		return false;
	}
}

static bool is_ours(const struct telling *t, const struct log_rec *rec)
{
	uint32_t gref, i;

	if (rec->kind == EV_KIND_grant_access)
		gref = (uint32_t)log_get(t->log, rec, LF_grant_access_gref);
	else if (rec->kind == EV_KIND_grant_end)
		gref = (uint32_t)log_get(t->log, rec, LF_grant_end_gref);
	else
		return false;
	for (i = 0; i < t->grefs; i++)
		if (t->gref[i] == gref)
			return true;
	return false;
}

/* The grants that the backend mapped tell which the frontend gave for it. */
static void find_grefs(struct telling *t)
{
	uint32_t i;

	for (i = t->r->first_rec; i <= t->r->last_rec; i++) {
		if (t->m->of_rec[i] != t->self ||
		    t->log->rec[i].kind != EV_KIND_grant_map)
			continue;
		t->gref = log_array(t->log, &t->log->rec[i], LF_grant_map_gref,
				    &t->grefs);
		if (t->grefs > GREFS_MAX)
			t->grefs = GREFS_MAX;
		return;
	}
}

/*
 * A page is granted once before the request and taken back once behind it;
 * the same number may be another request's before and after that.
 */
static bool grant_is_ours(const struct telling *t, const struct log_rec *rec,
			  uint32_t at)
{
	const struct request *r = t->r;
	bool ends = rec->kind == EV_KIND_grant_end;

	if (rec->actor != EV_ACTOR_FRONTEND || !is_ours(t, rec))
		return false;
	return ends ? r->t[STAGE_COMPLETE] != MODEL_NEVER &&
			       rec->t_ns >= r->t[STAGE_COMPLETE]
		    : r->t[STAGE_PUSH] != MODEL_NEVER &&
			       rec->t_ns <= r->t[STAGE_PUSH] &&
			       at < r->last_rec;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/*
 * Of several grants or ends of the same page keep the one that is nearest:
 * the last one before, the first one behind.
 */
static void drop_far_grants(const struct telling *t, struct story *s)
{
	size_t i, j, n = 0;

	/* A kept record never moves behind one that is still to be seen. */
	for (i = 0; i < s->n; i++) {
		const struct log_rec *a = &t->log->rec[s->rec[i]], *b;
		bool ends = a->kind == EV_KIND_grant_end, far = false;
		enum log_field f =
			ends ? LF_grant_end_gref : LF_grant_access_gref;

		if (ends || a->kind == EV_KIND_grant_access) {
			for (j = ends ? 0 : i + 1;
			     j < (ends ? n : s->n) && !far; j++) {
				b = &t->log->rec[s->rec[j]];
				far = b->kind == a->kind &&
				      log_get(t->log, b, f) ==
					      log_get(t->log, a, f);
			}
		}
		if (!far)
			s->rec[n++] = s->rec[i];
	}
	s->n = n;
}

int story_make(const struct model *m, const struct request *r,
	       struct story *out)
{
	const struct model_queue *q = &m->queue[r->queue];
	const struct model_device *d = &m->device[q->device];
	struct telling t = {
		.m = m,
		.r = r,
		.log = m->log,
		.self = (uint32_t)(r - m->request),
		.way = { { .idx = r->idx,
			   .sender = EV_ACTOR_FRONTEND,
			   .known = r->flags & (REQUEST_PUSHED | REQUEST_TAKEN),
			   .wakeup = MODEL_NONE },
			 { .idx = r->rsp_idx,
			   .rsp = true,
			   .sender = EV_ACTOR_BACKEND,
			   .known = r->flags &
				    (REQUEST_RESPONDED | REQUEST_COMPLETED),
			   .wakeup = MODEL_NONE } },
	};
	size_t back = BEFORE + r->segments;
	size_t from = r->first_rec > back ? r->first_rec - back : 0;
	size_t to = (size_t)r->last_rec + BEHIND, i;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	find_grefs(&t);
	if (to >= m->log->n)
		to = m->log->n - 1;
	for (i = from; !rc && i <= to; i++) {
		const struct log_rec *rec = &m->log->rec[i];
		uint32_t at = (uint32_t)i;
		bool take;

		if (rec->domid != d->domid || rec->devid != d->devid ||
		    rec->queue != q->number)
			continue;
		take = m->of_rec[i] == t.self || grant_is_ours(&t, rec, at);
		if (!take && i >= r->first_rec)
			take = carries(&t, rec, at, &t.way[0], out, &rc) ||
			       (!rc &&
				carries(&t, rec, at, &t.way[1], out, &rc));
		if (take && !rc)
			rc = story_add(out, at);
	}
	if (rc)
		return rc;
	if (out->n)
		qsort(out->rec, out->n, sizeof(*out->rec), ascending);
	drop_far_grants(&t, out);
	return 0;
}
