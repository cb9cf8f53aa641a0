/* SPDX-License-Identifier: MIT */
#include "viz/model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "viz/guard.h"
#include "viz/model/join.h"
#include "viz/model/judge.h"
#include "viz/model/requests.h"

const char *const stage_names[STAGE_COUNT] = {
	"pushed", "published", "taken",	   "checked",  "mapped",    "submitted",
	"stored", "unmapped",  "answered", "produced", "completed",
};

/*
 * From (domid, devid, queue) to the current queue of that name, and with
 * LOG_QUEUE_NONE to the current life of the device.
 */
struct index {
	struct entry {
		uint64_t key;
		uint32_t at; /* MODEL_NONE: it is free */
	} * entry;
	size_t size, used;
};

static uint64_t key_of(uint16_t domid, uint32_t devid, uint16_t queue)
{
	/* Device numbers have 29 bits; a damaged trace may say otherwise. */
	return (uint64_t)domid << 48 | (uint64_t)queue << 32 | devid;
}

static struct entry *index_place(const struct index *x, uint64_t key)
{
	uint64_t i = (key ^ key >> 29) * 0x9e3779b97f4a7c15u >> 20;

	for (;; i++) {
		struct entry *e = &x->entry[i & (x->size - 1)];

		if (e->key == key || e->at == MODEL_NONE)
			return e;
	}
}

static int index_grow(struct index *x)
{
	struct index bigger = { NULL, x->size ? x->size * 2 : 64, x->used };
	size_t i;

	bigger.entry = malloc(bigger.size * sizeof(*bigger.entry));
	if (!bigger.entry)
		return -ENOMEM;
	for (i = 0; i < bigger.size; i++) {
		bigger.entry[i].key = 0;
		bigger.entry[i].at = MODEL_NONE;
	}
	for (i = 0; i < x->size; i++)
		if (x->entry[i].at != MODEL_NONE)
			*index_place(&bigger, x->entry[i].key) = x->entry[i];
	free(x->entry);
	*x = bigger;
	return 0;
}

static uint32_t index_get(const struct index *x, uint64_t key)
{
	return x->size ? index_place(x, key)->at : MODEL_NONE;
}

static int index_set(struct index *x, uint64_t key, uint32_t at)
{
	struct entry *e;
	int rc;

	if (2 * (x->used + 1) > x->size) {
		rc = index_grow(x);
		if (rc)
			return rc;
	}
	e = index_place(x, key);
	if (e->at == MODEL_NONE)
		x->used++;
	e->key = key;
	e->at = at;
	return 0;
}

/* ---- devices and queues ------------------------------------------------- */

static int device_new(struct model *m, const struct log_rec *rec, unsigned life,
		      uint32_t *out)
{
	struct model_device *d;

	if (m->devices == m->devices_room) {
		size_t room = m->devices_room ? m->devices_room * 2 : 16;

		d = realloc(m->device, room * sizeof(*d));
		if (!d)
			return -ENOMEM;
		m->device = d;
		m->devices_room = room;
	}
	d = &m->device[m->devices];
	memset(d, 0, sizeof(*d));
	d->domid = rec->domid;
	d->devid = rec->devid;
	d->life = life;
	d->first_rec = (uint32_t)(rec - m->log->rec);
	*out = (uint32_t)m->devices++;
	return index_set(m->index,
			 key_of(rec->domid, rec->devid, LOG_QUEUE_NONE), *out);
}

/* A device that was destroyed comes back with the first sign of either side. */
static bool begins_life(const struct model *m, const struct log_rec *rec)
{
	if (rec->actor == EV_ACTOR_FRONTEND)
		return rec->kind == EV_KIND_state_switch &&
		       log_get(m->log, rec, LF_state_switch_to) <
			       EV_STATE_CONNECTED;
	return rec->kind == EV_KIND_device_create ||
	       rec->kind == EV_KIND_store_watch ||
	       rec->kind == EV_KIND_store_read;
}

static int device_of(struct model *m, const struct log_rec *rec, uint32_t *out)
{
	uint32_t at = index_get(m->index,
				key_of(rec->domid, rec->devid, LOG_QUEUE_NONE));

	*out = at;
	if (at == MODEL_NONE)
		return device_new(m, rec, 1, out);
	if (m->device[at].destroyed && begins_life(m, rec))
		return device_new(m, rec, m->device[at].life + 1, out);
	return 0;
}

static int queue_of(struct model *m, const struct log_rec *rec, uint32_t device,
		    uint32_t *out)
{
	uint64_t key = key_of(rec->domid, rec->devid, rec->queue);
	uint32_t at = index_get(m->index, key);
	struct model_queue *q;

	*out = at;
	if (at != MODEL_NONE && m->queue[at].device == device)
		return 0;
	*out = MODEL_NONE;
	if (m->queues == MODEL_QUEUES_MAX) {
		m->skipped++;
		return 0;
	}
	if (m->queues == m->queues_room) {
		size_t room = m->queues_room ? m->queues_room * 2 : 16;

		q = realloc(m->queue, room * sizeof(*q));
		if (!q)
			return -ENOMEM;
		m->queue = q;
		m->queues_room = room;
	}
	q = &m->queue[m->queues];
	memset(q, 0, sizeof(*q));
	q->device = device;
	q->number = rec->queue;
	q->first_request = q->ring_rec = q->end_rec = MODEL_NONE;
	m->device[device].queues++;
	*out = (uint32_t)m->queues++;
	return index_set(m->index, key, *out);
}

static int device_step(struct model_device *d, uint32_t at)
{
	if (d->steps == d->steps_room) {
		size_t room = d->steps_room ? d->steps_room * 2 : 64;
		uint32_t *step = realloc(d->step, room * sizeof(*step));

		if (!step)
			return -ENOMEM;
		d->step = step;
		d->steps_room = room;
	}
	d->step[d->steps++] = at;
	return 0;
}

static void device_event(struct model *m, struct model_device *d,
			 const struct log_rec *rec)
{
	const uint32_t *w = &m->log->word[rec->words];

	switch ((enum ev_kind)rec->kind) {
	case EV_KIND_device_create:
		d->created = true;
		d->path = w[log_places[LF_device_create_path].word];
		d->target = w[log_places[LF_device_create_target].word];
		d->size = (uint64_t)log_get(m->log, rec, LF_device_create_size);
		break;
	case EV_KIND_state_switch:
		d->state[rec->actor != EV_ACTOR_FRONTEND] =
			(uint8_t)log_get(m->log, rec, LF_state_switch_to);
		break;
	case EV_KIND_device_fault:
		d->faults++;
		break;
	case EV_KIND_device_destroy:
		d->destroyed = true;
		break;
	default:
		break;
	}
}

static int take_in(struct model *m, uint32_t at)
{
	const struct log_rec *rec = &m->log->rec[at];
	uint32_t device, queue;
	int rc;

	if (rec->kind == EV_KIND_program_start ||
	    rec->kind == EV_KIND_program_stop)
		return 0;
	rc = device_of(m, rec, &device);
	if (rc)
		return rc;
	m->device[device].last_rec = at;
	device_event(m, &m->device[device], rec);
	if (ev_descs[rec->kind].level == EV_LEVEL_CONTROL) {
		rc = device_step(&m->device[device], at);
		if (rc)
			return rc;
	}
	if (rec->queue == LOG_QUEUE_NONE)
		return 0;
	rc = queue_of(m, rec, device, &queue);
	if (rc || queue == MODEL_NONE)
		return rc;
	return requests_event(m, queue, at);
}

int model_build(struct model *m, const struct trace_log *log)
{
	struct index index = { NULL, 0, 0 };
	size_t i;
	int rc = 0;

	memset(m, 0, sizeof(*m));
	m->log = log;
	m->index = &index;
	if (log->n) {
		m->start_ns = log->rec[0].t_ns;
		m->end_ns = log->rec[log->n - 1].t_ns;
	}
	m->of_rec = malloc((log->n + 1) * sizeof(*m->of_rec));
	if (!m->of_rec)
		return -ENOMEM;
	for (i = 0; i < log->n; i++)
		m->of_rec[i] = MODEL_NONE;
	for (i = 0; !rc && i < log->n; i++) {
		if (i % 4096 == 0)
			guard_progress("events joined", i);
		rc = take_in(m, (uint32_t)i);
	}
	if (!rc)
		requests_judge(m);
	m->index = NULL;
	free(index.entry);
	return rc;
}

void model_free(struct model *m)
{
	size_t i;

	for (i = 0; i < m->devices; i++)
		free(m->device[i].step);
	for (i = 0; i < m->queues; i++)
		join_free(&m->queue[i]);
	free(m->device);
	free(m->queue);
	free(m->request);
	free(m->of_rec);
	memset(m, 0, sizeof(*m));
}

/* ---- asking ------------------------------------------------------------- */

const struct model_device *model_device_find(const struct model *m,
					     uint16_t domid, uint32_t devid)
{
	const struct model_device *d, *best = NULL;
	size_t i;

	for (i = 0; i < m->devices; i++) {
		d = &m->device[i];
		if (d->domid == domid && d->devid == devid &&
		    (!best || d->requests > best->requests))
			best = d;
	}
	return best;
}

uint32_t model_queue_find(const struct model *m,
			  const struct model_device *device, uint16_t number)
{
	uint32_t i;

	for (i = 0; i < m->queues; i++)
		if (&m->device[m->queue[i].device] == device &&
		    m->queue[i].number == number)
			return i;
	return MODEL_NONE;
}

int64_t request_span(const struct request *r, enum stage from, enum stage to)
{
	if (r->t[from] == MODEL_NEVER || r->t[to] == MODEL_NEVER)
		return -1;
	/*
	 * An event is emitted after its step, so the peer's next step may
	 * have been told first: no time has passed then.
	 */
	return r->t[to] > r->t[from] ? r->t[to] - r->t[from] : 0;
}

enum stage request_first(const struct request *r)
{
	unsigned i, first = STAGE_COUNT;

	for (i = 0; i < STAGE_COUNT; i++)
		if (r->t[i] != MODEL_NEVER &&
		    (first == STAGE_COUNT || r->t[i] < r->t[first]))
			first = i;
	return (enum stage)first;
}

enum stage request_last(const struct request *r)
{
	unsigned i, last = STAGE_COUNT;

	for (i = 0; i < STAGE_COUNT; i++)
		if (r->t[i] != MODEL_NEVER &&
		    (last == STAGE_COUNT || r->t[i] >= r->t[last]))
			last = i;
	return (enum stage)last;
}

int64_t request_start(const struct request *r)
{
	enum stage first = request_first(r);

	return first == STAGE_COUNT ? INT64_MAX : r->t[first];
}

int64_t request_end(const struct request *r)
{
	enum stage last = request_last(r);

	return last == STAGE_COUNT ? MODEL_NEVER : r->t[last];
}

int64_t request_total(const struct request *r)
{
	return request_end(r) - request_start(r);
}

uint64_t request_seq(const struct request *r)
{
	/* The backend counts from 1; of an answer alone nobody knows more. */
	return r->flags & REQUEST_TAKEN ||
			       (r->bseq && !(r->flags & REQUEST_PUSHED))
		       ? r->bseq
		       : r->fseq;
}

bool request_failed(const struct request *r)
{
	return r->flags & (REQUEST_RESPONDED | REQUEST_COMPLETED) &&
	       r->status != EV_STATUS_OKAY;
}
