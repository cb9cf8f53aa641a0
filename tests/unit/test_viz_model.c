/* SPDX-License-Identifier: MIT */
/* What the model makes of records, sound and broken ones. */
#include "viz_rig.h"

#include <errno.h>

#include <stdlib.h>

#include "viz/model/episode.h"
#include "viz/model/handshake.h"
#include "viz/model/latency.h"
#include "viz/model/story.h"

static void joins_both_sides(void **state)
{
	const struct request *q;
	struct rig r;

	(void)state;
	rig_open(&r);
	/* The two sides count from different numbers. */
	rig_push(&r, 0, 7, 40, EV_OP_WRITE);
	rig_produce(&r, 5, EV_SIDE_REQUEST, 40, 41);
	rig_take(&r, 20, 3, 40, EV_OP_WRITE);
	rig_disk(&r, 30, 60, 3, 0);
	rig_respond(&r, 70, 3, 90, 0);
	rig_produce(&r, 80, EV_SIDE_RESPONSE, 90, 91);
	rig_complete(&r, 100, 7, 90, 0);
	rig_build(&r);
	assert_int_equal(r.model.requests, 1);
	q = &r.model.request[0];
	assert_int_equal(q->flags, REQUEST_PUSHED | REQUEST_TAKEN |
					   REQUEST_RESPONDED |
					   REQUEST_COMPLETED);
	assert_int_equal(q->bseq, 3);
	assert_int_equal(q->fseq, 7);
	assert_int_equal(request_seq(q), 3);
	assert_int_equal(q->op, EV_OP_WRITE);
	assert_int_equal(span_of(q, SPAN_RING), 20);
	assert_int_equal(span_of(q, SPAN_PREPARE), 10);
	assert_int_equal(span_of(q, SPAN_STORAGE), 30);
	assert_int_equal(span_of(q, SPAN_RESPOND), 20);
	assert_int_equal(span_of(q, SPAN_COMPLETE), 20);
	assert_int_equal(span_of(q, SPAN_TOTAL), 100);
	assert_int_equal(r.model.unanswered + r.model.orphans, 0);
	rig_close(&r);
}

/* The backend's event may come before the frontend's of the same moment. */
static void take_before_push_joins(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_take(&r, 10, 1, 0, EV_OP_READ);
	rig_push(&r, 11, 1, 0, EV_OP_READ);
	rig_respond(&r, 30, 1, 0, 0);
	rig_complete(&r, 40, 1, 0, 0);
	rig_build(&r);
	assert_int_equal(r.model.requests, 1);
	assert_int_equal(span_of(&r.model.request[0], SPAN_RING), 0);
	assert_int_equal(request_total(&r.model.request[0]), 30);
	rig_close(&r);
}

static void indices_wrap(void **state)
{
	struct rig r;
	uint32_t idx = UINT32_MAX - 4;
	unsigned i;

	(void)state;
	rig_open(&r);
	for (i = 0; i < 10; i++)
		rig_push(&r, i, 1 + i, idx + i, EV_OP_READ);
	rig_produce(&r, 15, EV_SIDE_REQUEST, idx, idx + 10);
	for (i = 0; i < 10; i++)
		rig_take(&r, 20 + i, 1 + i, idx + i, EV_OP_READ);
	for (i = 0; i < 10; i++)
		rig_respond(&r, 40 + i, 1 + i, idx + i, 0);
	rig_produce(&r, 55, EV_SIDE_RESPONSE, idx, idx + 10);
	for (i = 0; i < 10; i++)
		rig_complete(&r, 60 + i, 1 + i, idx + i, 0);
	rig_build(&r);
	assert_int_equal(r.model.requests, 10);
	for (i = 0; i < 10; i++) {
		const struct request *q = &r.model.request[i];

		assert_int_equal(q->idx, (uint32_t)(idx + i));
		assert_int_equal(span_of(q, SPAN_RING), 20);
		assert_int_equal(q->t[STAGE_PUBLISH], 1000015);
		assert_int_equal(q->t[STAGE_PRODUCE], 1000055);
	}
	assert_int_equal(r.model.queue[0].in_flight_max, 10);
	rig_close(&r);
}

static void never_answered(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_push(&r, 0, 1, 0, EV_OP_READ);
	rig_take(&r, 5, 1, 0, EV_OP_READ);
	rig_whole(&r, 10, 2, 1, EV_OP_READ);
	rig_stop(&r, 200);
	rig_build(&r);
	assert_int_equal(r.model.requests, 2);
	assert_int_equal(r.model.unanswered, 1);
	/* Nothing was lost: it is sure. */
	assert_int_equal(r.model.unsure, 0);
	assert_int_equal(span_of(&r.model.request[0], SPAN_STORAGE), -1);
	rig_close(&r);
}

static void response_without_request(void **state)
{
	const struct request *q;
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_ring(&r, 0, EV_ACTOR_BACKEND, 32);
	rig_whole(&r, 0, 1, 0, EV_OP_READ);
	rig_respond(&r, 200, 77, 1, EV_STATUS_ERROR);
	rig_build(&r);
	assert_int_equal(r.model.requests, 2);
	q = &r.model.request[1];
	assert_true(q->flags & REQUEST_ORPHAN);
	assert_false(q->flags & REQUEST_UNSURE);
	assert_int_equal(q->bseq, 77);
	assert_int_equal(r.model.orphans, 1);
	assert_int_equal(r.model.unanswered, 0);
	rig_close(&r);
}

static void answered_twice(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_push(&r, 0, 1, 0, EV_OP_READ);
	rig_take(&r, 5, 1, 0, EV_OP_READ);
	rig_respond(&r, 10, 1, 0, 0);
	rig_respond(&r, 20, 1, 1, EV_STATUS_ERROR);
	rig_build(&r);
	assert_int_equal(r.model.requests, 1);
	assert_true(r.model.request[0].flags & REQUEST_TWICE);
	/* The first one counts. */
	assert_int_equal(r.model.request[0].status, 0);
	assert_int_equal(r.model.twice, 1);
	rig_close(&r);
}

static void loses_are_doubts(void **state)
{
	struct log_loss loss = { .count = 5 };
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_push(&r, 0, 1, 0, EV_OP_READ);
	rig_whole(&r, 10, 2, 1, EV_OP_READ);
	loss.from_ns = 1000020;
	loss.to_ns = 1000030;
	assert_int_equal(log_append_loss(&r.log, &loss), 0);
	rig_push(&r, 300, 3, 2, EV_OP_READ);
	rig_stop(&r, 400);
	rig_build(&r);
	assert_int_equal(r.log.lost_events, 5);
	/* The gap's effect is no fault. */
	assert_int_equal(r.model.unanswered, 1);
	assert_int_equal(r.model.unsure, 1);
	/* The gap is in the first one's time, not in the third one's. */
	assert_true(r.model.request[0].flags & REQUEST_UNSURE);
	assert_false(r.model.request[1].flags & REQUEST_UNSURE);
	assert_false(r.model.request[2].flags & REQUEST_UNSURE);
	rig_close(&r);
}

/* A flight recorder's: begun before it, and cut short by its end. */
static void snapshot_edges_are_doubts(void **state)
{
	struct log_loss loss = { .from_ns = LOG_EVER,
				 .to_ns = 1000000,
				 .count = 7,
				 .packets = true,
				 .overwritten = true };
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_int_equal(log_append_loss(&r.log, &loss), 0);
	r.log.snapshot = true;
	rig_respond(&r, 0, 4, 9, 0);
	rig_whole(&r, 10, 5, 10, EV_OP_READ);
	rig_push(&r, 300, 6, 11, EV_OP_READ);
	rig_build(&r);
	assert_int_equal(r.model.requests, 3);
	assert_int_equal(r.model.unanswered + r.model.orphans, 0);
	assert_int_equal(r.model.unsure, 2);
	assert_true(r.model.request[0].flags & REQUEST_UNSURE);
	assert_false(r.model.request[1].flags & REQUEST_UNSURE);
	assert_true(r.model.request[2].flags & REQUEST_UNSURE);
	/* They are no losses of the recorder. */
	assert_int_equal(r.log.lost_packets, 0);
	rig_close(&r);
}

static void lost_push_is_joined_by_the_response(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_take(&r, 5, 4, 9, EV_OP_READ);
	rig_respond(&r, 10, 4, 9, 0);
	rig_complete(&r, 20, 12, 9, 0);
	rig_build(&r);
	assert_int_equal(r.model.requests, 1);
	assert_true(r.model.request[0].flags & REQUEST_COMPLETED);
	assert_int_equal(r.model.request[0].fseq, 12);
	rig_close(&r);
}

/* Only one side was recorded. */
static void one_side_alone(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_push(&r, 0, 1, 0, EV_OP_READ);
	rig_complete(&r, 50, 1, 0, EV_STATUS_ERROR);
	rig_build(&r);
	assert_int_equal(r.model.requests, 1);
	assert_int_equal(r.model.unanswered + r.model.orphans, 0);
	assert_true(request_failed(&r.model.request[0]));
	assert_int_equal(r.model.queue[0].failed, 1);
	rig_close(&r);

	rig_open(&r);
	rig_take(&r, 0, 1, 0, EV_OP_READ);
	rig_take(&r, 1, 2, 1, EV_OP_READ);
	rig_respond(&r, 50, 1, 0, 0);
	rig_respond(&r, 51, 2, 1, 0);
	rig_build(&r);
	assert_int_equal(r.model.requests, 2);
	assert_int_equal(r.model.unanswered, 0);
	assert_int_equal(r.model.queue[0].in_flight_max, 2);
	rig_close(&r);
}

/*
 * A new backend takes the same slots again under new numbers, some of which
 * fall on the same chain as the old ones.
 */
static void taken_again(void **state)
{
	struct rig r;
	unsigned i;

	(void)state;
	rig_open(&r);
	rig_ring(&r, 0, EV_ACTOR_FRONTEND, 32);
	for (i = 0; i < 8; i++)
		rig_push(&r, i, 1 + i, i, EV_OP_READ);
	rig_ring(&r, 9, EV_ACTOR_BACKEND, 32);
	for (i = 0; i < 8; i++)
		rig_take(&r, 10 + i, 1 + i * 1024, i, EV_OP_READ);
	rig_disk(&r, 18, 19, 1, -EIO);
	rig_ring(&r, 19, EV_ACTOR_BACKEND, 32);
	for (i = 0; i < 8; i++)
		rig_take(&r, 20 + i, 1 + (7 - i) * 1024, i, EV_OP_READ);
	for (i = 0; i < 8; i++)
		rig_respond(&r, 30 + i, 1 + (7 - i) * 1024, i, 0);
	/* Numbers that nobody has must not be looked for for ever. */
	rig_respond(&r, 40, 1 + 99 * 1024, 8, 0);
	rig_build(&r);
	assert_int_equal(r.model.requests, 9);
	assert_int_equal(r.model.queue[0].in_flight_max, 8);
	/* What the first backend did with it is over. */
	assert_int_equal(r.model.request[0].error, 0);
	assert_int_equal(r.model.request[0].t[STAGE_SUBMIT], MODEL_NEVER);
	for (i = 0; i < 8; i++) {
		assert_true(r.model.request[i].flags & REQUEST_RETAKEN);
		assert_int_equal(r.model.request[i].t[STAGE_RESPOND],
				 1000030 + i);
	}
	assert_int_equal(r.model.orphans, 1);
	rig_close(&r);
}

/* What was in flight when a recording began, or when it ended, is no fault. */
static void edges_are_no_faults(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_respond(&r, 0, 4, 9, 0);
	rig_whole(&r, 10, 5, 10, EV_OP_READ);
	rig_push(&r, 300, 6, 11, EV_OP_READ);
	rig_build(&r);
	assert_int_equal(r.model.requests, 3);
	assert_int_equal(r.model.edge, 2);
	assert_int_equal(r.model.unanswered + r.model.orphans, 0);
	assert_true(r.model.request[0].flags & REQUEST_EDGE);
	assert_false(r.model.request[1].flags & REQUEST_EDGE);
	assert_true(r.model.request[2].flags & REQUEST_EDGE);
	rig_close(&r);
}

/* But when its slot is used again, nobody will answer it. */
static void a_slot_used_again(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_ring(&r, 0, EV_ACTOR_BACKEND, 32);
	rig_take(&r, 1, 1, 7, EV_OP_READ);
	rig_take(&r, 2, 2, 8, EV_OP_READ);
	rig_take(&r, 3, 3, 39, EV_OP_READ);
	rig_build(&r);
	assert_int_equal(r.model.unanswered, 1);
	assert_int_equal(r.model.edge, 2);
	assert_false(r.model.request[0].flags & REQUEST_EDGE);
	rig_close(&r);
}

/* Of a guest that is not traced: another connection has nothing of the last. */
static void another_connection(void **state)
{
	struct rig r;
	unsigned i;

	(void)state;
	rig_open(&r);
	rig_ring(&r, 0, EV_ACTOR_BACKEND, 32);
	for (i = 0; i < 4; i++)
		rig_take(&r, 1 + i, 1 + i, i, EV_OP_READ);
	rig_ring(&r, 10, EV_ACTOR_BACKEND, 32);
	for (i = 0; i < 3; i++)
		rig_take(&r, 11 + i, 1 + i, i, EV_OP_READ);
	for (i = 0; i < 3; i++)
		rig_respond(&r, 21 + i, 1 + i, i, 0);
	rig_build(&r);
	assert_int_equal(r.model.requests, 7);
	assert_int_equal(r.model.queue[0].in_flight_max, 4);
	for (i = 0; i < 7; i++) {
		assert_false(r.model.request[i].flags & REQUEST_RETAKEN);
		assert_int_equal(
			!(r.model.request[i].flags & REQUEST_RESPONDED), i < 4);
	}
	rig_close(&r);
}

/* A hostile index may claim anything. */
static void absurd_produce(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_push(&r, 0, 1, 0, EV_OP_READ);
	rig_produce(&r, 1, EV_SIDE_REQUEST, 0, UINT32_MAX);
	rig_build(&r);
	assert_int_equal(r.model.request[0].t[STAGE_PUBLISH], MODEL_NEVER);
	rig_close(&r);
}

static void queues_and_devices_are_apart(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_push(&r, 0, 1, 0, EV_OP_READ);
	r.queue = 1;
	rig_push(&r, 1, 1, 0, EV_OP_WRITE);
	r.devid = 51728;
	r.queue = 0;
	rig_push(&r, 2, 1, 0, EV_OP_FLUSH);
	rig_take(&r, 3, 1, 0, EV_OP_FLUSH);
	rig_build(&r);
	assert_int_equal(r.model.devices, 2);
	assert_int_equal(r.model.queues, 3);
	assert_int_equal(r.model.requests, 3);
	assert_true(r.model.request[2].flags & REQUEST_TAKEN);
	assert_false(r.model.request[0].flags & REQUEST_TAKEN);
	assert_non_null(model_device_find(&r.model, 1, 51728));
	assert_null(model_device_find(&r.model, 2, 51728));
	assert_int_equal(model_queue_find(&r.model, &r.model.device[0], 1), 1);
	assert_int_equal(model_queue_find(&r.model, &r.model.device[1], 1),
			 MODEL_NONE);
	rig_close(&r);
}

static void lives_of_a_device(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.queue = LOG_QUEUE_NONE;
	rig_event(&r, 0, EV_ACTOR_BACKEND, EV_KIND_device_create);
	r.queue = 0;
	rig_whole(&r, 10, 1, 0, EV_OP_READ);
	r.queue = LOG_QUEUE_NONE;
	rig_event(&r, 200, EV_ACTOR_BACKEND, EV_KIND_device_destroy);
	/* The frontend still has something to say about the first life. */
	rig_event(&r, 210, EV_ACTOR_FRONTEND, EV_KIND_state_switch);
	rig_set(&r, LF_state_switch_from, EV_STATE_CLOSING);
	rig_set(&r, LF_state_switch_to, EV_STATE_CLOSED);
	rig_event(&r, 300, EV_ACTOR_BACKEND, EV_KIND_device_create);
	r.queue = 0;
	rig_whole(&r, 310, 1, 0, EV_OP_READ);
	rig_build(&r);
	assert_int_equal(r.model.devices, 2);
	assert_int_equal(r.model.device[0].life, 1);
	assert_int_equal(r.model.device[1].life, 2);
	assert_int_equal(r.model.device[0].steps, 3);
	assert_int_equal(r.model.device[0].requests, 1);
	assert_int_equal(r.model.device[1].requests, 1);
	rig_close(&r);
}

static void notifications_are_counted_by_direction(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_event(&r, 0, EV_ACTOR_FRONTEND, EV_KIND_ring_notify);
	rig_set(&r, LF_ring_notify_needed, 1);
	rig_event(&r, 1, EV_ACTOR_FRONTEND, EV_KIND_evtchn_notify);
	rig_event(&r, 2, EV_ACTOR_BACKEND, EV_KIND_evtchn_wakeup);
	rig_event(&r, 3, EV_ACTOR_BACKEND, EV_KIND_evtchn_spurious);
	rig_event(&r, 4, EV_ACTOR_BACKEND, EV_KIND_ring_notify);
	rig_set(&r, LF_ring_notify_side, EV_SIDE_RESPONSE);
	rig_build(&r);
	assert_int_equal(r.model.queue[0].to_backend.needed, 1);
	assert_int_equal(r.model.queue[0].to_backend.sent, 1);
	assert_int_equal(r.model.queue[0].to_backend.wakeups, 1);
	assert_int_equal(r.model.queue[0].to_backend.spurious, 1);
	assert_int_equal(r.model.queue[0].to_frontend.saved, 1);
	assert_int_equal(r.model.queue[0].to_frontend.sent, 0);
	rig_close(&r);
}

/* ---- quantiles ---------------------------------------------------------- */

static void quantiles_are_nearest_ranks(void **state)
{
	uint64_t v[100], one = 5;
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++)
		v[i] = i + 1;
	assert_int_equal(latency_quantile(v, 100, 500), 50);
	assert_int_equal(latency_quantile(v, 100, 900), 90);
	assert_int_equal(latency_quantile(v, 100, 990), 99);
	assert_int_equal(latency_quantile(v, 100, 1000), 100);
	assert_int_equal(latency_quantile(v, 3, 500), 2);
	assert_int_equal(latency_quantile(v, 2, 500), 1);
	assert_int_equal(latency_quantile(&one, 1, 990), 5);
	assert_int_equal(latency_quantile(&one, 1, 0), 5);
}

static void buckets_have_no_holes(void **state)
{
	unsigned b;

	(void)state;
	for (b = 1; b < LATENCY_BUCKETS; b++) {
		uint64_t from = latency_bucket_from(b);

		assert_true(from > latency_bucket_from(b - 1));
		assert_int_equal(latency_bucket(from), b);
		assert_int_equal(latency_bucket(from - 1), b - 1);
	}
	assert_int_equal(latency_bucket(0), 0);
	assert_int_equal(latency_bucket(UINT64_MAX), LATENCY_BUCKETS - 1);
}

static void latencies_by_operation(void **state)
{
	struct latencies l;
	struct rig r;
	size_t i;

	(void)state;
	rig_open(&r);
	for (i = 0; i < 10; i++)
		rig_whole(&r, (int64_t)(i * 1000), 1 + i, (uint32_t)i,
			  i < 7 ? EV_OP_READ : EV_OP_WRITE);
	/* Not answered: not measured. */
	rig_push(&r, 20000, 11, 10, EV_OP_READ);
	rig_build(&r);
	assert_int_equal(latencies_make(&r.model, MODEL_NONE, MODEL_NONE, &l),
			 0);
	assert_int_equal(l.n, 2 * SPAN_COUNT);
	assert_int_equal(l.row[0].op, EV_OP_READ);
	assert_int_equal(l.row[0].count, 7);
	assert_int_equal(l.row[SPAN_COUNT].op, EV_OP_WRITE);
	assert_int_equal(l.row[SPAN_COUNT].count, 3);
	for (i = 0; i < l.n; i++) {
		assert_true(l.row[i].min_ns <= l.row[i].median_ns);
		assert_true(l.row[i].p99_ns <= l.row[i].max_ns);
	}
	assert_int_equal(l.row[SPAN_STORAGE].median_ns, 30);
	assert_int_equal(l.row[SPAN_TOTAL].max_ns, 100);
	latencies_free(&l);
	assert_int_equal(latencies_make(&r.model, 5, MODEL_NONE, &l), 0);
	assert_int_equal(l.n, 0);
	latencies_free(&l);
	rig_close(&r);
}

/* ---- stories, episodes, handshakes -------------------------------------- */

static void a_story_has_what_carried_it(void **state)
{
	enum ev_kind want[] = {
		EV_KIND_request_push,	 EV_KIND_ring_produce,
		EV_KIND_ring_notify,	 EV_KIND_evtchn_notify,
		EV_KIND_evtchn_wakeup,	 EV_KIND_ring_consume,
		EV_KIND_request_take,	 EV_KIND_request_respond,
		EV_KIND_request_complete
	};
	struct story story;
	struct rig r;
	size_t i;

	(void)state;
	rig_open(&r);
	rig_push(&r, 0, 1, 0, EV_OP_READ);
	rig_push(&r, 1, 2, 1, EV_OP_READ);
	rig_produce(&r, 2, EV_SIDE_REQUEST, 0, 1); /* only the first */
	rig_produce(&r, 3, EV_SIDE_REQUEST, 1, 2);
	rig_event(&r, 4, EV_ACTOR_FRONTEND, EV_KIND_ring_notify);
	rig_set(&r, LF_ring_notify_prod_before, 1);
	rig_set(&r, LF_ring_notify_prod_after, 2);
	rig_set(&r, LF_ring_notify_needed, 1);
	rig_event(&r, 5, EV_ACTOR_FRONTEND, EV_KIND_evtchn_notify);
	rig_event(&r, 6, EV_ACTOR_BACKEND, EV_KIND_evtchn_wakeup);
	rig_event(&r, 7, EV_ACTOR_BACKEND, EV_KIND_ring_consume);
	rig_set(&r, LF_ring_consume_cons_before, 0);
	rig_set(&r, LF_ring_consume_cons_after, 2);
	rig_take(&r, 8, 1, 0, EV_OP_READ);
	rig_take(&r, 9, 2, 1, EV_OP_READ);
	rig_respond(&r, 10, 1, 0, 0);
	rig_respond(&r, 11, 2, 1, 0);
	rig_complete(&r, 12, 1, 0, 0);
	rig_complete(&r, 13, 2, 1, 0);
	rig_build(&r);
	assert_int_equal(story_make(&r.model, &r.model.request[1], &story), 0);
	assert_int_equal(story.n, sizeof(want) / sizeof(want[0]));
	for (i = 0; i < story.n; i++)
		assert_int_equal(r.log.rec[story.rec[i]].kind, want[i]);
	assert_int_equal(story.rec[1], 3);
	story_free(&story);
	rig_close(&r);
}

static void episodes_end_when_nothing_is_in_flight(void **state)
{
	struct episodes e;
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_whole(&r, 0, 1, 0, EV_OP_READ);
	rig_whole(&r, 1000, 2, 1, EV_OP_READ);
	rig_whole(&r, 2000, 3, 2, EV_OP_WRITE);
	/* Two at once. */
	rig_push(&r, 3000, 4, 3, EV_OP_READ);
	rig_push(&r, 3001, 5, 4, EV_OP_READ);
	rig_complete(&r, 3050, 4, 3, 0);
	rig_complete(&r, 3060, 5, 4, 0);
	rig_build(&r);
	assert_int_equal(episodes_make(&r.model, 0, &e), 0);
	assert_int_equal(e.n, 4);
	assert_int_equal(e.ep[0].kind, e.ep[1].kind);
	assert_int_not_equal(e.ep[0].kind, e.ep[2].kind);
	assert_int_not_equal(e.ep[0].kind, e.ep[3].kind);
	assert_int_equal(e.ep[3].requests, 2);
	assert_int_equal(e.ep[0].rec_to, e.ep[1].rec_from);
	assert_int_equal(e.ep[0].max_ns, 100);
	episodes_free(&e);
	rig_close(&r);
}

static void key(struct rig *r, int64_t t, int actor, const char *path,
		const char *value)
{
	rig_event(r, t, actor, EV_KIND_store_write);
	rig_text(r, LF_store_write_path, path);
	rig_text(r, LF_store_write_value, value);
}

static void move(struct rig *r, int64_t t, int actor, int from, int to)
{
	rig_event(r, t, actor, EV_KIND_state_switch);
	rig_set(r, LF_state_switch_from, (uint64_t)from);
	rig_set(r, LF_state_switch_to, (uint64_t)to);
}

static void keys_stand_at_their_state(void **state)
{
	struct handshake h;
	struct rig r;

	(void)state;
	rig_open(&r);
	r.queue = LOG_QUEUE_NONE;
	key(&r, 0, EV_ACTOR_BACKEND,
	    "/local/domain/0/backend/vbd/1/51712/"
	    "feature-flush-cache",
	    "1");
	key(&r, 1, EV_ACTOR_BACKEND,
	    "/local/domain/0/backend/vbd/1/51712/"
	    "state",
	    "2");
	move(&r, 2, EV_ACTOR_BACKEND, 1, 2);
	rig_event(&r, 3, EV_ACTOR_FRONTEND, EV_KIND_state_seen);
	rig_set(&r, LF_state_seen_state, 2);
	rig_event(&r, 4, EV_ACTOR_FRONTEND, EV_KIND_state_seen);
	rig_set(&r, LF_state_seen_state, 2);
	key(&r, 5, EV_ACTOR_FRONTEND,
	    "/local/domain/1/device/vbd/51712/"
	    "queue-0/ring-ref",
	    "8");
	move(&r, 6, EV_ACTOR_FRONTEND, 1, 3);
	key(&r, 7, EV_ACTOR_BACKEND,
	    "/local/domain/0/backend/vbd/1/51712/"
	    "sectors",
	    "64");
	move(&r, 8, EV_ACTOR_BACKEND, 2, 99); /* nonsense is no state */
	rig_build(&r);
	assert_int_equal(handshake_make(&r.model, &r.model.device[0], &h), 0);
	assert_int_equal(h.n, 6);
	assert_int_equal(h.step[0].kind, STEP_WRITE);
	assert_int_equal(h.step[0].from, 1);
	assert_string_equal(h.step[0].key, "feature-flush-cache");
	assert_int_equal(h.step[1].kind, STEP_MOVE);
	assert_int_equal(h.step[2].kind, STEP_SEEN);
	assert_int_equal(h.step[2].number, 2);
	assert_string_equal(h.step[3].key, "queue-0/ring-ref");
	assert_int_equal(h.step[5].from, 2);
	assert_true(h.visited[SIDE_FRONTEND][3]);
	assert_false(h.visited[SIDE_FRONTEND][2]);
	assert_true(h.recorded[SIDE_FRONTEND] && h.recorded[SIDE_BACKEND]);
	handshake_free(&h);
	rig_close(&r);
}

/* A real guest emits nothing: it is known by what the backend saw. */
static void a_side_may_be_seen_only(void **state)
{
	struct handshake h;
	struct rig r;
	int i;

	(void)state;
	rig_open(&r);
	r.queue = LOG_QUEUE_NONE;
	for (i = 0; i < 2; i++) {
		rig_event(&r, i, EV_ACTOR_BACKEND, EV_KIND_state_seen);
		rig_set(&r, LF_state_seen_state, i ? 0 : 3);
	}
	move(&r, 2, EV_ACTOR_BACKEND, 2, 4);
	rig_build(&r);
	assert_int_equal(handshake_make(&r.model, &r.model.device[0], &h), 0);
	assert_false(h.recorded[SIDE_FRONTEND]);
	assert_true(h.recorded[SIDE_BACKEND]);
	assert_true(h.seen[SIDE_FRONTEND][3]);
	assert_false(h.seen[SIDE_FRONTEND][4]);
	assert_false(h.seen[SIDE_FRONTEND][0]); /* gone: that is no state */
	assert_false(h.visited[SIDE_FRONTEND][3]);
	handshake_free(&h);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_both_sides),
		cmocka_unit_test(take_before_push_joins),
		cmocka_unit_test(indices_wrap),
		cmocka_unit_test(never_answered),
		cmocka_unit_test(response_without_request),
		cmocka_unit_test(answered_twice),
		cmocka_unit_test(loses_are_doubts),
		cmocka_unit_test(snapshot_edges_are_doubts),
		cmocka_unit_test(lost_push_is_joined_by_the_response),
		cmocka_unit_test(one_side_alone),
		cmocka_unit_test(edges_are_no_faults),
		cmocka_unit_test(a_slot_used_again),
		cmocka_unit_test(another_connection),
		cmocka_unit_test(taken_again),
		cmocka_unit_test(absurd_produce),
		cmocka_unit_test(queues_and_devices_are_apart),
		cmocka_unit_test(lives_of_a_device),
		cmocka_unit_test(notifications_are_counted_by_direction),
		cmocka_unit_test(quantiles_are_nearest_ranks),
		cmocka_unit_test(buckets_have_no_holes),
		cmocka_unit_test(latencies_by_operation),
		cmocka_unit_test(a_story_has_what_carried_it),
		cmocka_unit_test(episodes_end_when_nothing_is_in_flight),
		cmocka_unit_test(keys_stand_at_their_state),
		cmocka_unit_test(a_side_may_be_seen_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
