/* SPDX-License-Identifier: MIT */
#include "viz/model/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "viz/model/join.h"

/* A guest may write any number. */
static uint8_t claimed(int64_t op)
{
	return op >= 0 && op < MODEL_OP_OTHER ? (uint8_t)op : MODEL_OP_OTHER;
}

/* A slot is used again only when what was in it has been answered. */
static void outdo(struct model *m, const struct model_queue *q, uint32_t idx)
{
	struct join *j = q->join;
	struct request *r = q->entries
				    ? join_find_index(m, j->by_idx, j,
						      idx - q->entries, false)
				    : NULL;

	if (r && !(r->flags & (REQUEST_RESPONDED | REQUEST_COMPLETED)))
		r->flags |= REQUEST_OUTDONE;
}

static int on_push(struct model *m, struct model_queue *q, uint32_t at)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];
	uint32_t idx = (uint32_t)log_get(log, rec, LF_request_push_idx);
	struct join *j = q->join;
	struct request *r;

	/* The backend may be quicker than the frontend's event. */
	r = join_find_index(m, j->by_idx, j, idx, false);
	if (!r || r->flags & (REQUEST_PUSHED | REQUEST_COMPLETED)) {
		r = join_request_new(m, (uint32_t)(q - m->queue), at);
		if (!r)
			return -ENOMEM;
	}
	r->flags |= REQUEST_PUSHED;
	r->fseq = (uint64_t)log_get(log, rec, LF_request_push_seq);
	r->id = (uint64_t)log_get(log, rec, LF_request_push_id);
	r->idx = idx;
	r->slot = (uint16_t)log_get(log, rec, LF_request_push_slot);
	r->op = claimed(log_get(log, rec, LF_request_push_op));
	r->segments = (uint16_t)log_get(log, rec, LF_request_push_segments);
	r->sector = (uint64_t)log_get(log, rec, LF_request_push_sector);
	r->len = (uint64_t)log_get(log, rec, LF_request_push_len);
	outdo(m, q, idx);
	join_touch(m, r, STAGE_PUSH, rec->t_ns, at);
	j->by_idx[idx & (j->slots - 1)] = (uint32_t)(r - m->request);
	join_chain_f(m, j, r);
	q->pushed++;
	join_flight(j, rec->t_ns, 1, 0);
	return 0;
}

static bool is_same(const struct model *m, const struct request *r, uint32_t at)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];

	return r->id == (uint64_t)log_get(log, rec, LF_request_take_id) &&
	       r->sector == (uint64_t)log_get(log, rec, LF_request_take_sector);
}

/* What the one that died had done with it counts no more. */
static void retake(struct model *m, struct join *j, struct request *r)
{
	unsigned stage;

	r->flags |= REQUEST_RETAKEN;
	join_unchain_b(m, j, r);
	for (stage = STAGE_CHECK; stage <= STAGE_PRODUCE; stage++)
		r->t[stage] = MODEL_NEVER;
	r->error = 0;
	r->pages = 0;
}

static int on_take(struct model *m, struct model_queue *q, uint32_t at)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];
	uint32_t idx = (uint32_t)log_get(log, rec, LF_request_take_idx);
	struct join *j = q->join;
	struct request *r;

	r = join_find_index(m, j->by_idx, j, idx, false);
	if (r && r->flags & REQUEST_TAKEN) {
		/* Twice, unanswered: a new backend took up where one died. */
		if (r->flags & REQUEST_RESPONDED || !is_same(m, r, at))
			r = NULL;
		else
			retake(m, j, r);
	}
	if (!r) {
		r = join_request_new(m, (uint32_t)(q - m->queue), at);
		if (!r)
			return -ENOMEM;
		r->id = (uint64_t)log_get(log, rec, LF_request_take_id);
		r->idx = idx;
		r->slot = (uint16_t)log_get(log, rec, LF_request_take_slot);
		r->op = claimed(log_get(log, rec, LF_request_take_op));
		r->segments =
			(uint16_t)log_get(log, rec, LF_request_take_segments);
		r->sector = (uint64_t)log_get(log, rec, LF_request_take_sector);
		j->by_idx[idx & (j->slots - 1)] = (uint32_t)(r - m->request);
	}
	outdo(m, q, idx);
	r->flags |= REQUEST_TAKEN;
	r->bseq = (uint64_t)log_get(log, rec, LF_request_take_seq);
	join_touch(m, r, STAGE_TAKE, rec->t_ns, at);
	join_chain_b(m, j, r);
	q->taken++;
	join_flight(j, rec->t_ns, 0, !(r->flags & REQUEST_RETAKEN));
	return 0;
}

static void on_check(struct model *m, struct model_queue *q, uint32_t at)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];
	struct request *r = join_find_bseq(
		m, q->join, (uint64_t)log_get(log, rec, LF_request_check_seq));

	if (!r)
		return;
	/* Of an indirect request the backend knows now what it does. */
	if (r->op == EV_OP_INDIRECT)
		r->op = log_get(log, rec, LF_request_check_op) == EV_OP_READ
				? MODEL_OP_INDIRECT_READ
				: MODEL_OP_INDIRECT_WRITE;
	r->len = (uint64_t)log_get(log, rec, LF_request_check_len);
	join_touch(m, r, STAGE_CHECK, rec->t_ns, at);
}

static void on_refuse(struct model *m, struct model_queue *q, uint32_t at)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];
	const uint32_t *w = &log->word[rec->words];
	struct request *r = join_find_bseq(
		m, q->join, (uint64_t)log_get(log, rec, LF_request_refuse_seq));

	q->refused++;
	if (!r)
		return;
	r->flags |= REQUEST_REFUSED;
	r->rule = w[log_places[LF_request_refuse_rule].word];
	r->detail = w[log_places[LF_request_refuse_detail].word];
	join_touch(m, r, STAGE_CHECK, rec->t_ns, at);
}

/* Pages that were mapped already, or copied, need no mapping. */
static void on_grant(struct model *m, struct model_queue *q, uint32_t at)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];
	enum stage stage = STAGE_MAP;
	struct request *r;
	uint64_t seq;
	uint32_t n;

	switch ((enum ev_kind)rec->kind) {
	case EV_KIND_grant_map:
		seq = (uint64_t)log_get(log, rec, LF_grant_map_seq);
		log_array(log, rec, LF_grant_map_gref, &n);
		q->mapped_pages += n;
		break;
	case EV_KIND_grant_unmap:
		seq = (uint64_t)log_get(log, rec, LF_grant_unmap_seq);
		n = (uint32_t)log_get(log, rec, LF_grant_unmap_count);
		q->unmapped_pages += n;
		stage = STAGE_UNMAP;
		break;
	case EV_KIND_grant_reuse:
		seq = (uint64_t)log_get(log, rec, LF_grant_reuse_seq);
		n = (uint32_t)log_get(log, rec, LF_grant_reuse_count);
		q->reused_pages += n;
		break;
	default:
		seq = (uint64_t)log_get(log, rec, LF_grant_copy_seq);
		log_array(log, rec, LF_grant_copy_gref, &n);
		q->copied_pages += n;
	}
	r = seq ? join_find_bseq(m, q->join, seq) : NULL;
	if (!r)
		return;
	if (stage == STAGE_MAP)
		r->pages = (uint16_t)(r->pages + n);
	/* A read is copied to the guest behind the storage, not before it. */
	if (rec->kind == EV_KIND_grant_copy && r->t[STAGE_DONE] != MODEL_NEVER)
		stage = STAGE_UNMAP;
	join_touch(m, r, stage, rec->t_ns, at);
}

static void on_disk(struct model *m, struct model_queue *q, uint32_t at,
		    bool done)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];
	struct request *r;

	r = join_find_bseq(m, q->join,
			   (uint64_t)log_get(log, rec,
					     done ? LF_disk_done_seq
						  : LF_disk_submit_seq));
	if (!r)
		return;
	if (done) {
		/* Of several parts the last, and any one's error. */
		if (!r->error)
			r->error =
				(int32_t)log_get(log, rec, LF_disk_done_error);
		join_touch(m, r, STAGE_DONE, rec->t_ns, at);
	} else {
		join_touch(m, r,
			   r->t[STAGE_SUBMIT] == MODEL_NEVER ? STAGE_SUBMIT
							     : STAGE_COUNT,
			   rec->t_ns, at);
	}
}

static int on_respond(struct model *m, struct model_queue *q, uint32_t at)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];
	uint64_t seq = (uint64_t)log_get(log, rec, LF_request_respond_seq);
	uint32_t idx = (uint32_t)log_get(log, rec, LF_request_respond_idx);
	struct join *j = q->join;
	struct request *r = join_find_bseq(m, j, seq);

	q->responded++;
	join_flight(j, rec->t_ns, 0, -1);
	if (r && r->flags & REQUEST_RESPONDED) {
		r->flags |= REQUEST_TWICE;
		join_touch(m, r, STAGE_COUNT, rec->t_ns, at);
		return 0;
	}
	if (!r) {
		r = join_request_new(m, (uint32_t)(q - m->queue), at);
		if (!r)
			return -ENOMEM;
		r->flags |= REQUEST_ORPHAN;
		r->bseq = seq;
		r->id = (uint64_t)log_get(log, rec, LF_request_respond_id);
		r->op = claimed(log_get(log, rec, LF_request_respond_op));
	}
	r->flags |= REQUEST_RESPONDED;
	r->status = (int8_t)log_get(log, rec, LF_request_respond_status);
	r->rsp_idx = idx;
	j->by_rsp[idx & (j->slots - 1)] = (uint32_t)(r - m->request);
	join_touch(m, r, STAGE_RESPOND, rec->t_ns, at);
	if (r->status)
		q->failed++;
	return 0;
}

static int on_complete(struct model *m, struct model_queue *q, uint32_t at)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];
	uint64_t seq = (uint64_t)log_get(log, rec, LF_request_complete_seq);
	uint32_t idx = (uint32_t)log_get(log, rec, LF_request_complete_idx);
	struct join *j = q->join;
	struct request *r = join_find_fseq(m, j, seq);

	q->completed++;
	join_flight(j, rec->t_ns, -1, 0);
	if (!r) {
		/* Its push was lost: the response's index still joins. */
		r = join_find_index(m, j->by_rsp, j, idx, true);
		if (r && r->flags & REQUEST_COMPLETED)
			r = NULL;
	}
	if (!r) {
		r = join_request_new(m, (uint32_t)(q - m->queue), at);
		if (!r)
			return -ENOMEM;
		r->flags |= REQUEST_ORPHAN | REQUEST_RESPONDED;
		r->id = (uint64_t)log_get(log, rec, LF_request_complete_id);
		r->status =
			(int8_t)log_get(log, rec, LF_request_complete_status);
		r->rsp_idx = idx;
		r->fseq = seq;
	}
	if (r->flags & REQUEST_COMPLETED) {
		r->flags |= REQUEST_TWICE;
		join_touch(m, r, STAGE_COUNT, rec->t_ns, at);
		return 0;
	}
	if (!(r->flags & REQUEST_RESPONDED)) {
		/* The backend's side is not in the trace. */
		r->status =
			(int8_t)log_get(log, rec, LF_request_complete_status);
		r->rsp_idx = idx;
		if (r->status)
			q->failed++;
	}
	r->fseq = seq;
	r->flags |= REQUEST_COMPLETED;
	join_touch(m, r, STAGE_COMPLETE, rec->t_ns, at);
	return 0;
}

static void on_produce(struct model *m, struct model_queue *q, uint32_t at)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];
	bool rsp = log_get(log, rec, LF_ring_produce_side) == EV_SIDE_RESPONSE;
	uint32_t from =
		(uint32_t)log_get(log, rec, LF_ring_produce_prod_before);
	uint32_t to = (uint32_t)log_get(log, rec, LF_ring_produce_prod_after);
	enum stage stage = rsp ? STAGE_PRODUCE : STAGE_PUBLISH;
	struct join *j = q->join;
	struct request *r;

	/* A hostile frontend may claim any number. */
	if (to - from > j->slots)
		return;
	for (; from != to; from++) {
		r = join_find_index(m, rsp ? j->by_rsp : j->by_idx, j, from,
				    rsp);
		if (r && r->t[stage] == MODEL_NEVER)
			join_touch(m, r, stage, rec->t_ns, at);
	}
}

static void on_notify_decision(struct model *m, struct model_queue *q,
			       uint32_t at)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];
	struct notify_count *n =
		log_get(log, rec, LF_ring_notify_side) == EV_SIDE_RESPONSE
			? &q->to_frontend
			: &q->to_backend;

	*(log_get(log, rec, LF_ring_notify_needed) ? &n->needed : &n->saved) +=
		1;
}

/*
 * A ring is made anew: nothing of the old one will be answered.  The frontend
 * makes it, and may have pushed before a backend maps it; a backend that only
 * takes up where one died maps it again.
 */
static int on_ring(struct model *m, struct model_queue *q, uint32_t at)
{
	const struct trace_log *log = m->log;
	const struct log_rec *rec = &log->rec[at];
	bool frontend = rec->actor == EV_ACTOR_FRONTEND;
	struct join *j = q->join;
	uint32_t entries;

	entries = (uint32_t)log_get(log, rec,
				    rec->kind == EV_KIND_ring_map
					    ? LF_ring_map_entries
					    : LF_queue_start_ring_entries);
	if (entries)
		q->entries = entries;
	if (q->ring_rec == MODEL_NONE)
		q->ring_rec = at;
	if (!frontend && q->pushed != j->pushed && j->slots / 2 >= entries)
		return 0;
	j->pushed = q->pushed;
	return join_reset(j, entries);
}

int requests_event(struct model *m, uint32_t queue, uint32_t at)
{
	struct model_queue *q = &m->queue[queue];
	const struct log_rec *rec = &m->log->rec[at];
	struct notify_count *in, *out;
	int rc;

	rc = join_make(q);
	if (rc)
		return rc;
	if (rec->kind >= EV_KIND_request_push) {
		if (!q->first_ns)
			q->first_ns = rec->t_ns;
		q->last_ns = rec->t_ns;
	}
	out = rec->actor == EV_ACTOR_FRONTEND ? &q->to_backend
					      : &q->to_frontend;
	in = rec->actor == EV_ACTOR_FRONTEND ? &q->to_frontend : &q->to_backend;
	switch ((enum ev_kind)rec->kind) {
	case EV_KIND_request_push:
		return on_push(m, q, at);
	case EV_KIND_request_take:
		return on_take(m, q, at);
	case EV_KIND_request_check:
		on_check(m, q, at);
		break;
	case EV_KIND_request_refuse:
		on_refuse(m, q, at);
		break;
	case EV_KIND_request_list:
		join_note(m, q->join, at, LF_request_list_seq);
		break;
	case EV_KIND_request_tolerate:
		join_note(m, q->join, at, LF_request_tolerate_seq);
		break;
	case EV_KIND_grant_map:
	case EV_KIND_grant_unmap:
	case EV_KIND_grant_reuse:
	case EV_KIND_grant_copy:
		on_grant(m, q, at);
		break;
	case EV_KIND_disk_submit:
	case EV_KIND_disk_done:
		on_disk(m, q, at, rec->kind == EV_KIND_disk_done);
		break;
	case EV_KIND_request_respond:
		return on_respond(m, q, at);
	case EV_KIND_request_complete:
		return on_complete(m, q, at);
	case EV_KIND_ring_produce:
		on_produce(m, q, at);
		break;
	case EV_KIND_ring_notify:
		on_notify_decision(m, q, at);
		break;
	case EV_KIND_evtchn_notify:
		out->sent++;
		break;
	case EV_KIND_evtchn_wakeup:
		in->wakeups++;
		break;
	case EV_KIND_evtchn_spurious:
		in->spurious++;
		break;
	case EV_KIND_ring_map:
	case EV_KIND_queue_start:
		return on_ring(m, q, at);
	case EV_KIND_ring_unmap:
	case EV_KIND_queue_stop:
		q->end_rec = at;
		break;
	default:
		break;
	}
	return 0;
}
