/* SPDX-License-Identifier: MIT */
#include "viz/model/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void fill(uint32_t *table, uint32_t n)
{
	while (n--)
		*table++ = MODEL_NONE;
}

int join_reset(struct join *j, uint32_t entries)
{
	uint32_t slots = JOIN_SLOTS_MIN;
	uint32_t *by_idx, *by_rsp;

	while (slots < JOIN_SLOTS_MAX && slots / 2 < entries)
		slots *= 2;
	if (slots != j->slots) {
		by_idx = malloc(slots * sizeof(*by_idx));
		by_rsp = malloc(slots * sizeof(*by_rsp));
		if (!by_idx || !by_rsp) {
			free(by_idx);
			free(by_rsp);
			return -ENOMEM;
		}
		free(j->by_idx);
		free(j->by_rsp);
		j->by_idx = by_idx;
		j->by_rsp = by_rsp;
		j->slots = slots;
	}
	fill(j->by_idx, j->slots);
	fill(j->by_rsp, j->slots);
	fill(j->by_bseq, JOIN_BUCKETS);
	fill(j->by_fseq, JOIN_BUCKETS);
	j->in_flight_f = j->in_flight_b = 0;
	return 0;
}

int join_make(struct model_queue *q)
{
	struct join *j;

	if (q->join)
		return 0;
	j = calloc(1, sizeof(*j));
	if (!j || join_reset(j, q->entries)) {
		free(j);
		return -ENOMEM;
	}
	q->join = j;
	return 0;
}

void join_free(struct model_queue *q)
{
	if (!q->join)
		return;
	free(q->join->by_idx);
	free(q->join->by_rsp);
	free(q->join);
	q->join = NULL;
}

/* ---- finding ------------------------------------------------------------ */

struct request *join_find_index(struct model *m, const uint32_t *table,
				const struct join *j, uint32_t idx, bool rsp)
{
	uint32_t at = table[idx & (j->slots - 1)];
	struct request *r;

	if (at == MODEL_NONE)
		return NULL;
	r = &m->request[at];
	return (rsp ? r->rsp_idx : r->idx) == idx ? r : NULL;
}

struct request *join_find_bseq(struct model *m, const struct join *j,
			       uint64_t seq)
{
	uint32_t at = j->by_bseq[seq % JOIN_BUCKETS];

	while (at != MODEL_NONE && m->request[at].bseq != seq)
		at = m->request[at].next_b;
	return at == MODEL_NONE ? NULL : &m->request[at];
}

struct request *join_find_fseq(struct model *m, const struct join *j,
			       uint64_t seq)
{
	uint32_t at = j->by_fseq[seq % JOIN_BUCKETS];

	while (at != MODEL_NONE && m->request[at].fseq != seq)
		at = m->request[at].next_f;
	return at == MODEL_NONE ? NULL : &m->request[at];
}

/*
 * Those that were answered stay until a newer one comes to their bucket, so
 * that a second answer still finds them.
 */
void join_chain_b(struct model *m, struct join *j, struct request *r)
{
	uint32_t *head = &j->by_bseq[r->bseq % JOIN_BUCKETS], *at = head;

	while (*at != MODEL_NONE) {
		if (m->request[*at].flags & REQUEST_RESPONDED)
			*at = m->request[*at].next_b;
		else
			at = &m->request[*at].next_b;
	}
	r->next_b = *head;
	*head = (uint32_t)(r - m->request);
}

void join_unchain_b(struct model *m, struct join *j, struct request *r)
{
	uint32_t *at = &j->by_bseq[r->bseq % JOIN_BUCKETS];
	uint32_t self = (uint32_t)(r - m->request);

	while (*at != MODEL_NONE && *at != self)
		at = &m->request[*at].next_b;
	if (*at == self)
		*at = r->next_b;
}

void join_chain_f(struct model *m, struct join *j, struct request *r)
{
	uint32_t *head = &j->by_fseq[r->fseq % JOIN_BUCKETS], *at = head;

	while (*at != MODEL_NONE) {
		if (m->request[*at].flags & REQUEST_COMPLETED)
			*at = m->request[*at].next_f;
		else
			at = &m->request[*at].next_f;
	}
	r->next_f = *head;
	*head = (uint32_t)(r - m->request);
}

/* ---- requests ------------------------------------------------------------ */

struct request *join_request_new(struct model *m, uint32_t queue, uint32_t rec)
{
	struct model_queue *q = &m->queue[queue];
	struct request *r;
	unsigned i;

	if (m->requests == m->requests_room) {
		size_t room = m->requests_room ? m->requests_room * 2 : 1024;

		r = realloc(m->request, room * sizeof(*r));
		if (!r)
			return NULL;
		m->request = r;
		m->requests_room = room;
	}
	r = &m->request[m->requests++];
	memset(r, 0, sizeof(*r));
	for (i = 0; i < STAGE_COUNT; i++)
		r->t[i] = MODEL_NEVER;
	r->queue = queue;
	r->first_rec = r->last_rec = rec;
	r->next_b = r->next_f = MODEL_NONE;
	if (q->first_request == MODEL_NONE)
		q->first_request = (uint32_t)(m->requests - 1);
	q->requests++;
	return r;
}

void join_touch(struct model *m, struct request *r, enum stage stage, int64_t t,
		uint32_t rec)
{
	if (stage < STAGE_COUNT)
		r->t[stage] = t;
	if (rec > r->last_rec)
		r->last_rec = rec;
	/* What publishes, publishes for many. */
	if (stage != STAGE_PUBLISH && stage != STAGE_PRODUCE)
		m->of_rec[rec] = (uint32_t)(r - m->request);
}

void join_note(struct model *m, struct join *j, uint32_t rec,
	       enum log_field seq)
{
	int64_t bseq = log_get(m->log, &m->log->rec[rec], seq);
	struct request *r = join_find_bseq(m, j, (uint64_t)bseq);

	if (r)
		join_touch(m, r, STAGE_COUNT, 0, rec);
}

/* ---- how many are in flight --------------------------------------------- */

void join_flight(struct join *j, int64_t t, int front, int back)
{
	if (t > j->last_ns && j->last_ns) {
		double dt = (double)(t - j->last_ns);

		j->area_f += dt * j->in_flight_f;
		j->area_b += dt * j->in_flight_b;
	}
	j->last_ns = t;
	if (front > 0 || (front < 0 && j->in_flight_f))
		j->in_flight_f += (uint32_t)front;
	if (back > 0 || (back < 0 && j->in_flight_b))
		j->in_flight_b += (uint32_t)back;
	if (j->in_flight_f > j->max_f)
		j->max_f = j->in_flight_f;
	if (j->in_flight_b > j->max_b)
		j->max_b = j->in_flight_b;
}
