/* SPDX-License-Identifier: MIT */
/*
 * Turns of a queue over a ring in this process and a storage that does what
 * the test says, when it says so: which requests start, and in which order.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "backend/turn.h"
#include "request_rig.h"
#include "ring/front.h"

/* ---- the storage -------------------------------------------------------- */

static struct disk_op *has[64]; /* in the order they came */
static unsigned nhas, nready;	/* of these, finished */

static int fake_queue_open(struct disk *d, unsigned depth,
			   struct disk_queue **out, struct why *why)
{
	(void)d;
	(void)depth;
	(void)why;
	*out = (struct disk_queue *)has; /* anything but NULL */
	return 0;
}

static void fake_queue_close(struct disk_queue *q)
{
	(void)q;
}

static void fake_submit(struct disk_queue *q, struct disk_op *op)
{
	(void)q;
	assert_true(nhas < 64);
	op->error = 0;
	has[nhas++] = op;
}

static void fake_kick(struct disk_queue *q)
{
	(void)q;
}

static unsigned fake_reap(struct disk_queue *q, struct disk_op **done,
			  unsigned max)
{
	unsigned n = nready < max ? nready : max;

	(void)q;
	memcpy(done, has, n * sizeof(*done));
	memmove(has, has + n, (nhas - n) * sizeof(*has));
	nhas -= n;
	nready -= n;
	return n;
}

static const struct disk_ops fake_disk_ops = {
	.queue_open = fake_queue_open,
	.queue_close = fake_queue_close,
	.submit = fake_submit,
	.kick = fake_kick,
	.reap = fake_reap,
};
static struct disk disk = { .ops = &fake_disk_ops,
			    .size_bytes = 1 << 20,
			    .sector_bytes = 512 };

/* ---- the rest of the world ---------------------------------------------- */

static int fake_notify(struct xen_evtchn *e, uint32_t port)
{
	(void)e;
	(void)port;
	return 0;
}

static const struct xen_evtchn_ops evtchn_ops = { .notify = fake_notify };
static struct channel channel = { .ops = &evtchn_ops };
static struct ring_front front;
static struct turn turn;
static uint64_t id;

static int fresh(void **state)
{
	const struct queue_setup setup = {
		.host = &host,
		.disk = &disk,
		.domid = 1,
		.abi = RING_ABI_X86_64,
		.ring_pages = 1,
		.limits = { .size_bytes = 1 << 20,
			    .sector_bytes = 512,
			    .flush = true,
			    .barrier = true,
			    .discard = true,
			    .indirect_segs = 256 },
		.grant_path = GRANT_PATH_MAP,
	};
	struct ev_origin ev = { .domid = 1 };

	(void)state;
	live_maps = calls = nhas = nready = 0;
	id = 0;
	memset(ring_page, 0, sizeof(ring_page));
	memset(&turn, 0, sizeof(turn));
	ring_front_init(&front, ring_page, 1, RING_ABI_X86_64, &ev);
	return turn_open(&turn, &setup, NULL, &channel, ring_page, NULL);
}

static int done(void **state)
{
	(void)state;
	turn_close(&turn);
	return live_maps ? -1 : 0;
}

static void put(uint8_t op, unsigned segs, uint32_t gref)
{
	struct ring_request_x86_64 r = { .operation = op,
					 .id = ++id,
					 .nr_segments = (uint8_t)segs };
	unsigned i;

	for (i = 0; i < segs; i++)
		r.seg[i] = (struct ring_segment){ .gref = gref };
	ring_front_put(&front, &r);
	ring_front_push(&front);
}

/* An indirect read of 256 pages, its list in page 15. */
static void put_large(void)
{
	union {
		struct ring_indirect_x86_64 indirect;
		struct ring_request_x86_64 slot;
	} u = { .indirect = { .operation = RING_OP_INDIRECT,
			      .inner_op = RING_OP_READ,
			      .nr_segments = 256,
			      .id = ++id,
			      .list_gref = { 15 } } };
	struct ring_segment *list = (void *)(guest + 15 * XEN_PAGE_SIZE);
	unsigned i;

	for (i = 0; i < 256; i++)
		list[i] = (struct ring_segment){ .gref = i % 15 };
	ring_front_put(&front, &u.slot);
	ring_front_push(&front);
}

/* The ids of the responses that are there, in their order. */
static unsigned taken(uint64_t *ids, int16_t *status)
{
	int i, n = ring_front_ready(&front);

	assert_true(n >= 0);
	for (i = 0; i < n; i++) {
		struct ring_response rsp;

		ring_front_take(&front, &rsp);
		ids[i] = rsp.id;
		*status = rsp.status;
	}
	return (unsigned)n;
}

/* ---- the tests ---------------------------------------------------------- */

static void RQ_42_a_barrier_divides_what_is_before_from_what_is_after(void **s)
{
	uint64_t ids[32];
	int16_t status = 0;

	(void)s;
	put(RING_OP_WRITE, 1, 1);
	put(RING_OP_WRITE, 1, 2);
	put(RING_OP_BARRIER, 1, 3);
	put(RING_OP_WRITE, 1, 4);
	turn_run(&turn, true);
	assert_int_equal(nhas, 2); /* the barrier waits */
	nready = 1;
	turn_run(&turn, true);
	assert_int_equal(nhas, 1);
	nready = 1;
	turn_run(&turn, true);
	assert_int_equal(nhas, 1); /* its flush, and nothing after it */
	assert_int_equal(has[0]->kind, DISK_FLUSH);
	nready = 1;
	turn_run(&turn, true);
	assert_int_equal(nhas, 1);
	assert_int_equal(has[0]->kind, DISK_WRITE);
	nready = 1;
	turn_run(&turn, true);
	assert_int_equal(nhas, 1);
	assert_int_equal(has[0]->kind, DISK_FLUSH);
	nready = 1;
	turn_run(&turn, true);
	assert_int_equal(nhas, 1); /* what came after */
	assert_int_equal(has[0]->kind, DISK_WRITE);
	nready = 1;
	turn_run(&turn, true);
	assert_int_equal(taken(ids, &status), 4);
	assert_int_equal(ids[2], 3);
	assert_int_equal(ids[3], 4);
	assert_int_equal(turn_in_flight(&turn), 0);
}

static void a_barrier_that_fails_holds_nobody_up(void **state)
{
	uint64_t ids[32];
	int16_t status = 0;

	(void)state;
	put(RING_OP_BARRIER, 1, BAD_GREF);
	put(RING_OP_WRITE, 1, 4);
	while (turn_run(&turn, true))
		;
	assert_int_equal(nhas, 1);
	nready = 1;
	while (turn_run(&turn, true))
		;
	assert_int_equal(taken(ids, &status), 2);
	assert_int_equal(status, RING_STATUS_OKAY);

	put(RING_OP_BARRIER, 1, 3);
	put(RING_OP_WRITE, 1, 4);
	turn_run(&turn, true);
	has[0]->error = -EIO; /* its flush */
	nready = 1;
	while (turn_run(&turn, true))
		;
	assert_int_equal(nhas, 1);
	assert_int_equal(has[0]->kind, DISK_WRITE);
	nready = 1;
	while (turn_run(&turn, true))
		;
	assert_int_equal(turn_in_flight(&turn), 0);
}

static void a_refused_request_keeps_its_place_behind_a_barrier(void **state)
{
	uint64_t ids[32];
	int16_t status = 0;

	(void)state;
	put(RING_OP_BARRIER, 0, 0);
	put(RING_OP_READ, 0, 0); /* RQ-35 */
	turn_run(&turn, true);
	assert_int_equal(nhas, 1);
	nready = 1;
	while (turn_run(&turn, true))
		;
	assert_int_equal(taken(ids, &status), 2);
	assert_int_equal(status, RING_STATUS_ERROR);
}

/* 32 requests of 1 MiB are more than a queue holds; none is lost. */
static void data_in_memory_is_bounded(void **state)
{
	unsigned i, most = 0, answered = 0;
	uint64_t ids[32];
	int16_t status = 0;

	(void)state;
	for (i = 0; i < 32; i++)
		put_large();
	for (i = 0; i < 1000 && answered < 32; i++) {
		turn_run(&turn, true);
		if (nhas > most)
			most = nhas;
		assert_true(turn.pages <= turn.pages_max);
		assert_int_equal(live_maps, nhas);
		nready = nhas ? 1 : 0;
		answered += taken(ids, &status);
		assert_int_equal(status, RING_STATUS_OKAY);
	}
	assert_int_equal(answered, 32);
	assert_int_equal(most, turn.pages_max / 256);
	assert_int_equal(turn.pages, 0);
	turn_publish(&turn);
	assert_int_equal(turn.stats->indirect, 32);
}

/* Of one that has left: what the storage has is done, and no more of it. */
static void what_waits_is_abandoned(void **state)
{
	uint64_t ids[32];
	int16_t status = 0;
	unsigned i;

	(void)state;
	put(RING_OP_BARRIER, 1, 3);
	for (i = 0; i < 8; i++)
		put(i % 2 ? RING_OP_BARRIER : RING_OP_WRITE, 1, 4);
	put(RING_OP_READ, 0, 0); /* RQ-35 */
	turn_run(&turn, true);
	assert_int_equal(nhas, 1);
	turn.abandon = true;
	turn_run(&turn, false);
	assert_int_equal(taken(ids, &status), 9);
	assert_int_equal(status, RING_STATUS_ERROR);
	assert_int_equal(turn_in_flight(&turn), 1);
	for (i = 0; i < 3; i++) { /* flush, write, flush */
		assert_int_equal(nhas, 1);
		nready = 1;
		turn_run(&turn, false);
	}
	assert_int_equal(nhas, 0);
	assert_int_equal(taken(ids, &status), 1);
	assert_int_equal(status, RING_STATUS_OKAY);
	assert_int_equal(turn_in_flight(&turn), 0);
}

static void what_waits_is_published(void **state)
{
	struct stats_queue *st = turn.stats;
	uint64_t ids[32], first;
	int16_t status = 0;
	unsigned i, sum = 0;

	(void)state;
	turn_publish(&turn);
	assert_int_equal(st->still_ns, 0);
	put(RING_OP_WRITE, 1, 4);
	put(RING_OP_WRITE, 1, 5);
	turn_publish(&turn);
	assert_int_equal(st->pending, 2);
	assert_int_equal(st->in_flight, 0);
	turn_run(&turn, true);
	turn_publish(&turn);
	assert_int_equal(st->pending, 0);
	assert_int_equal(st->in_flight, 2);
	first = st->still_ns;
	assert_int_equal(first, turn.taken_ns);

	/* Another one that comes is no answer. */
	put(RING_OP_WRITE, 1, 6);
	turn_run(&turn, true);
	turn_publish(&turn);
	assert_int_equal(st->still_ns, first);
	nready = 1;
	turn_run(&turn, true);
	assert_int_equal(st->still_ns, turn.answered_ns);
	nready = 2;
	turn_run(&turn, true);
	assert_int_equal(st->still_ns, 0);
	assert_int_equal(taken(ids, &status), 3);
	for (i = 0; i < STATS_LATENCIES; i++)
		sum += (unsigned)st->latency[i];
	assert_int_equal(sum, 3);

	/* More than the ring holds is the frontend's lie. */
	front.shared->req_prod += 1000;
	turn_publish(&turn);
	assert_int_equal(st->pending, 32);
}

static void RG_20_a_fault_is_told_and_what_is_in_flight_ends(void **state)
{
	uint64_t ids[32];
	int16_t status = 0;

	(void)state;
	put(RING_OP_WRITE, 1, 4);
	turn_run(&turn, true);
	assert_null(turn.fault.text);
	front.shared->req_prod += 1000;
	turn_run(&turn, true);
	assert_string_equal(turn.fault.rule, "RG-20");
	assert_int_equal(turn.fault.err, -EPROTO);
	nready = 1;
	while (turn_run(&turn, true))
		;
	assert_int_equal(turn_in_flight(&turn), 0);
	assert_int_equal(taken(ids, &status), 1);
}

/* ---- storage that changes ----------------------------------------------- */

static int16_t read_at(uint64_t sector)
{
	struct ring_request_x86_64 r = { .operation = RING_OP_READ,
					 .id = ++id,
					 .nr_segments = 1,
					 .sector_number = sector };
	int16_t status = 99;
	uint64_t ids[32];

	ring_front_put(&front, &r);
	ring_front_push(&front);
	do {
		turn_run(&turn, true);
		nready = nhas;
	} while (!taken(ids, &status));
	return status;
}

static void XB_18_requests_are_checked_by_the_size_of_now(void **state)
{
	(void)state;
	assert_int_equal(read_at(2047), RING_STATUS_OKAY);
	assert_int_equal(read_at(2048), RING_STATUS_ERROR);
	turn.size_bytes = 2 << 20;
	assert_int_equal(read_at(4095), RING_STATUS_OKAY);
	assert_int_equal(read_at(4096), RING_STATUS_ERROR);
	turn.size_bytes = 0; /* CVE-2010-4238 */
	assert_int_equal(read_at(0), RING_STATUS_ERROR);
	assert_int_equal(turn.table.refused, 3);
}

static void storage_changes_when_the_old_one_has_nothing(void **state)
{
	static struct disk other = { .ops = &fake_disk_ops,
				     .size_bytes = 4096,
				     .sector_bytes = 512 };
	struct turn_storage change = { .disk = &other,
				       .queue = (struct disk_queue *)&other,
				       .size_bytes = 4096 };
	struct disk_queue *first = turn.storage;
	uint64_t ids[32];
	int16_t status = 0;

	(void)state;
	put(RING_OP_BARRIER, 0, 0);
	put(RING_OP_READ, 1, 1); /* it waits for the barrier */
	turn_run(&turn, true);
	turn.change = &change;
	put(RING_OP_READ, 1, 2); /* for the new one */
	turn_run(&turn, true);
	assert_int_equal(nhas, 1);
	nready = 1;
	turn_run(&turn, true);
	assert_int_equal(nhas, 1);
	assert_true(turn_changing(&turn));
	assert_ptr_equal(turn.disk, &disk);
	assert_int_equal(turn.table.taken, 2);
	nready = 1;
	turn_run(&turn, true);
	assert_false(turn_changing(&turn));
	assert_ptr_equal(turn.disk, &other);
	assert_ptr_equal(turn.storage, &other);
	assert_ptr_equal(change.disk, &disk);
	assert_ptr_equal(change.queue, first);
	assert_int_equal(turn.table.taken, 2);
	turn_run(&turn, true);
	assert_int_equal(turn.table.taken, 3);
	nready = 1;
	turn_run(&turn, true);
	assert_int_equal(taken(ids, &status), 3);
	assert_int_equal(status, RING_STATUS_OKAY);
	assert_int_equal(read_at(8), RING_STATUS_ERROR); /* it is smaller */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			RQ_42_a_barrier_divides_what_is_before_from_what_is_after,
			fresh, done),
		cmocka_unit_test_setup_teardown(
			a_barrier_that_fails_holds_nobody_up, fresh, done),
		cmocka_unit_test_setup_teardown(
			a_refused_request_keeps_its_place_behind_a_barrier,
			fresh, done),
		cmocka_unit_test_setup_teardown(data_in_memory_is_bounded,
						fresh, done),
		cmocka_unit_test_setup_teardown(what_waits_is_abandoned, fresh,
						done),
		cmocka_unit_test_setup_teardown(what_waits_is_published, fresh,
						done),
		cmocka_unit_test_setup_teardown(
			RG_20_a_fault_is_told_and_what_is_in_flight_ends, fresh,
			done),
		cmocka_unit_test_setup_teardown(
			XB_18_requests_are_checked_by_the_size_of_now, fresh,
			done),
		cmocka_unit_test_setup_teardown(
			storage_changes_when_the_old_one_has_nothing, fresh,
			done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
