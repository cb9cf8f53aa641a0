/* SPDX-License-Identifier: MIT */
#include "viz/read/conns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONN_NONE UINT32_MAX

/* ---- marks -------------------------------------------------------------- */

static enum mark_what what_of(const struct log_rec *rec, bool frontend)
{
	if ((rec->actor == EV_ACTOR_FRONTEND) != frontend ||
	    rec->queue == LOG_QUEUE_NONE)
		return MARK_KINDS;
	switch ((enum ev_kind)rec->kind) {
	case EV_KIND_request_push:
	case EV_KIND_request_take:
		return MARK_REQUEST;
	case EV_KIND_request_complete:
	case EV_KIND_request_respond:
		return MARK_RESPONSE;
	case EV_KIND_ring_map:
	case EV_KIND_queue_start:
		return MARK_BEGIN;
	default:
		return MARK_KINDS;
	}
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	a = (a ^ a >> 31) * 0x9e3779b97f4a7c15u;
	return a ^ (b + (a >> 29)) * 0xbf58476d1ce4e5b9u;
}

/* What both sides tell of it. */
static void describe(const struct trace_log *log, const struct log_rec *rec,
		     struct mark *m)
{
	uint64_t id, more;

#define GET(field) ((uint64_t)log_get(log, rec, LF_##field))
	switch ((enum ev_kind)rec->kind) {
	case EV_KIND_request_push:
		m->idx = (uint32_t)GET(request_push_idx);
		id = GET(request_push_id);
		more = mix(GET(request_push_op), GET(request_push_sector));
		break;
	case EV_KIND_request_take:
		m->idx = (uint32_t)GET(request_take_idx);
		id = GET(request_take_id);
		more = mix(GET(request_take_op), GET(request_take_sector));
		break;
	case EV_KIND_request_complete:
		m->idx = (uint32_t)GET(request_complete_idx);
		id = GET(request_complete_id);
		more = GET(request_complete_status);
		break;
	case EV_KIND_request_respond:
		m->idx = (uint32_t)GET(request_respond_idx);
		id = GET(request_respond_id);
		more = GET(request_respond_status);
		break;
	default:
		return;
	}
#undef GET
	m->print = mix(id, more);
}

static int collect(const struct trace_log *log, bool frontend, struct conns *c)
{
	uint32_t i, n = 0;

	for (i = 0; i < log->n; i++)
		n += what_of(&log->rec[i], frontend) != MARK_KINDS;
	c->mark = calloc(n ? n : 1, sizeof(*c->mark));
	if (!c->mark)
		return -ENOMEM;
	for (i = 0; i < log->n; i++) {
		const struct log_rec *rec = &log->rec[i];
		enum mark_what what = what_of(rec, frontend);
		struct mark *m = &c->mark[c->marks];

		if (what == MARK_KINDS)
			continue;
		m->key = (uint64_t)rec->domid << CONN_DOMID_SHIFT |
			 (uint64_t)rec->queue << 32 | rec->devid;
		m->t_ns = rec->t_ns;
		m->rec = i;
		m->what = (uint8_t)what;
		describe(log, rec, m);
		c->marks++;
	}
	return 0;
}

/* ---- connections -------------------------------------------------------- */

static int by_queue(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->rec > y->rec) - (x->rec < y->rec);
}

static int by_conn(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->conn != y->conn)
		return x->conn < y->conn ? -1 : 1;
	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	return (x->rec > y->rec) - (x->rec < y->rec);
}

/* Give each mark the number of its connection; what begins one has none. */
static void split(struct conns *c)
{
	bool fresh = true, any[2] = { false, false };
	uint32_t last[2] = { 0, 0 }, i;

	for (i = 0; i < c->marks; i++) {
		struct mark *m = &c->mark[i];

		m->conn = CONN_NONE;
		if (!i || m->key != m[-1].key)
			fresh = true;
		if (m->what == MARK_BEGIN) {
			fresh = true;
			continue;
		}
		if (any[m->what] && (int32_t)(m->idx - last[m->what]) <= 0)
			fresh = true;
		if (fresh) {
			c->n++;
			any[0] = any[1] = fresh = false;
		}
		m->conn = c->n - 1;
		any[m->what] = true;
		last[m->what] = m->idx;
	}
}

static int slice(struct conns *c)
{
	uint32_t i;

	c->conn = calloc(c->n ? c->n : 1, sizeof(*c->conn));
	if (!c->conn)
		return -ENOMEM;
	for (i = 0; i < c->marks && c->mark[i].conn != CONN_NONE; i++) {
		const struct mark *m = &c->mark[i];
		struct conn *x = &c->conn[m->conn];

		if (!x->n[0] && !x->n[1]) {
			x->key = m->key;
			x->from_ns = x->to_ns = m->t_ns;
		}
		if (!x->n[m->what]++)
			x->mark[m->what] = m;
		if (m->t_ns < x->from_ns)
			x->from_ns = m->t_ns;
		if (m->t_ns > x->to_ns)
			x->to_ns = m->t_ns;
	}
	return 0;
}

int conns_make(const struct trace_log *log, bool frontend, struct conns *out)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = collect(log, frontend, out);
	if (rc)
		return rc;
	qsort(out->mark, out->marks, sizeof(*out->mark), by_queue);
	split(out);
	qsort(out->mark, out->marks, sizeof(*out->mark), by_conn);
	return slice(out);
}

void conns_free(struct conns *c)
{
	free(c->conn);
	free(c->mark);
	memset(c, 0, sizeof(*c));
}

uint32_t conns_find(const struct conns *c, uint64_t key)
{
	uint32_t from = 0, to = c->n;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (c->conn[mid].key < key)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}
