/* SPDX-License-Identifier: MIT */
/*
 * Logs by hand, for the tests of viz/: records with the fields that matter,
 * the others zero.
 *
 *	struct rig r;
 *	rig_open(&r);
 *	rig_push(&r, 10, 1, 0, EV_OP_READ);	  at 10 ns: seq 1, index 0
 *	...
 *	rig_build(&r);
 *	rig_close(&r);
 */
#ifndef TESTS_UNIT_VIZ_RIG_H
#define TESTS_UNIT_VIZ_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "viz/model/model.h"

struct rig {
	struct trace_log log;
	struct model model;
	uint16_t domid;
	uint32_t devid;
	uint16_t queue;
};

static inline void rig_open(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	assert_int_equal(log_init(&r->log), 0);
	r->domid = 1;
	r->devid = 51712;
}

static inline void rig_build(struct rig *r)
{
	assert_int_equal(model_build(&r->model, &r->log), 0);
}

static inline void rig_close(struct rig *r)
{
	model_free(&r->model);
	log_free(&r->log);
}

/* A record of the rig's device and queue; fields follow by rig_set(). */
static inline void rig_event(struct rig *r, int64_t t_ns, int actor,
			     enum ev_kind kind)
{
	struct log_rec *rec;
	uint32_t *words;

	assert_int_equal(log_append(&r->log, kind, &rec, &words), 0);
	rec->t_ns = 1000000 + t_ns;
	rec->domid = r->domid;
	rec->devid = r->devid;
	rec->queue = r->queue;
	rec->actor = (uint8_t)actor;
}

/* A field of the last record. */
static inline void rig_set(struct rig *r, enum log_field f, uint64_t v)
{
	struct log_rec *rec = &r->log.rec[r->log.n - 1];
	uint32_t *w = &r->log.word[rec->words + log_places[f].word];

	assert_int_equal(log_places[f].kind, rec->kind);
	w[0] = (uint32_t)v;
	if (log_places[f].wide)
		w[1] = (uint32_t)(v >> 32);
}

static inline void rig_text(struct rig *r, enum log_field f, const char *s)
{
	uint32_t number;

	assert_int_equal(strings_add(&r->log.strings, s, strlen(s), &number),
			 0);
	rig_set(r, f, number);
}

/* The ring is made, or mapped; and is no more. */
static inline void rig_ring(struct rig *r, int64_t t, int actor,
			    uint32_t entries)
{
	rig_event(r, t, actor, EV_KIND_ring_map);
	rig_set(r, LF_ring_map_entries, entries);
}

static inline void rig_stop(struct rig *r, int64_t t)
{
	rig_event(r, t, EV_ACTOR_BACKEND, EV_KIND_queue_stop);
}

static inline void rig_push(struct rig *r, int64_t t, uint64_t seq,
			    uint32_t idx, int op)
{
	rig_event(r, t, EV_ACTOR_FRONTEND, EV_KIND_request_push);
	rig_set(r, LF_request_push_seq, seq);
	rig_set(r, LF_request_push_idx, idx);
	rig_set(r, LF_request_push_op, (uint64_t)op);
	rig_set(r, LF_request_push_len, 4096);
}

static inline void rig_take(struct rig *r, int64_t t, uint64_t seq,
			    uint32_t idx, int op)
{
	rig_event(r, t, EV_ACTOR_BACKEND, EV_KIND_request_take);
	rig_set(r, LF_request_take_seq, seq);
	rig_set(r, LF_request_take_idx, idx);
	rig_set(r, LF_request_take_op, (uint64_t)op);
}

static inline void rig_disk(struct rig *r, int64_t from, int64_t to,
			    uint64_t seq, int error)
{
	rig_event(r, from, EV_ACTOR_BACKEND, EV_KIND_disk_submit);
	rig_set(r, LF_disk_submit_seq, seq);
	rig_event(r, to, EV_ACTOR_BACKEND, EV_KIND_disk_done);
	rig_set(r, LF_disk_done_seq, seq);
	rig_set(r, LF_disk_done_error, (uint64_t)(int64_t)error);
}

static inline void rig_respond(struct rig *r, int64_t t, uint64_t seq,
			       uint32_t idx, int status)
{
	rig_event(r, t, EV_ACTOR_BACKEND, EV_KIND_request_respond);
	rig_set(r, LF_request_respond_seq, seq);
	rig_set(r, LF_request_respond_idx, idx);
	rig_set(r, LF_request_respond_status, (uint64_t)(int64_t)status);
}

static inline void rig_produce(struct rig *r, int64_t t, int side,
			       uint32_t from, uint32_t to)
{
	rig_event(r, t, side ? EV_ACTOR_BACKEND : EV_ACTOR_FRONTEND,
		  EV_KIND_ring_produce);
	rig_set(r, LF_ring_produce_side, (uint64_t)side);
	rig_set(r, LF_ring_produce_prod_before, from);
	rig_set(r, LF_ring_produce_prod_after, to);
}

static inline void rig_complete(struct rig *r, int64_t t, uint64_t seq,
				uint32_t idx, int status)
{
	rig_event(r, t, EV_ACTOR_FRONTEND, EV_KIND_request_complete);
	rig_set(r, LF_request_complete_seq, seq);
	rig_set(r, LF_request_complete_idx, idx);
	rig_set(r, LF_request_complete_status, (uint64_t)(int64_t)status);
}

/* A request that goes well, 100 ns long from `t` on. */
static inline void rig_whole(struct rig *r, int64_t t, uint64_t seq,
			     uint32_t idx, int op)
{
	rig_push(r, t, seq, idx, op);
	rig_produce(r, t + 5, EV_SIDE_REQUEST, idx, idx + 1);
	rig_take(r, t + 20, seq, idx, op);
	rig_disk(r, t + 30, t + 60, seq, 0);
	rig_respond(r, t + 70, seq, idx, 0);
	rig_produce(r, t + 80, EV_SIDE_RESPONSE, idx, idx + 1);
	rig_complete(r, t + 100, seq, idx, 0);
}

#endif
