/* SPDX-License-Identifier: MIT */
/*
 * A request's life through grants and table, with a gnttab that maps a
 * guest of 16 pages and refuses what the test says.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "request/request.h"
#include "ring/front.h"
#include "request_rig.h"

static const struct ev_origin ev = { .domid = 1, .devid = 51712 };
static const struct request_limits limits = { .size_bytes = 1 << 20,
					      .sector_bytes = 512,
					      .flush = true,
					      .barrier = true,
					      .discard = true,
					      .discard_granularity = 4096,
					      .indirect_segs = 64 };
static struct ring_front front;
static struct ring_back back;
static struct request_table table;
static struct grant_space *space;
static struct request_refusal refusal;

static int fresh(void **state)
{
	const struct grant_space_setup setup = {
		.host = &host,
		.domid = 1,
		.path = GRANT_PATH_MAP,
		.uses_max = 32,
		.pages_max = 32 * RING_SEGS_MAX,
		.ev = ev,
	};

	(void)state;
	live_maps = calls = 0;
	memset(ring_page, 0, sizeof(ring_page));
	ring_front_init(&front, ring_page, 1, RING_ABI_X86_64, &ev);
	ring_back_init(&back, ring_page, 1, RING_ABI_X86_64, &ev);
	assert_int_equal(request_table_open(&table, 32, &limits, &ev, NULL), 0);
	return grant_space_open(&space, &setup, NULL);
}

static int done(void **state)
{
	(void)state;
	grant_space_close(space);
	request_table_close(&table);
	return live_maps ? -1 : 0;
}

static struct request *take(uint8_t op, unsigned segs, uint32_t gref)
{
	struct ring_request_x86_64 r = { .operation = op,
					 .id = 1000 + gref,
					 .nr_segments = (uint8_t)segs };
	unsigned i;

	for (i = 0; i < segs && i < RING_SEGS_MAX; i++) {
		r.seg[i].gref = gref + i;
		r.seg[i].first_sect = 1;
		r.seg[i].last_sect = 2;
	}
	ring_front_put(&front, &r);
	ring_front_push(&front);
	assert_int_equal(ring_back_ready(&back), 1);
	return request_take(&table, &back, &refusal);
}

static struct ring_response respond(struct request *r)
{
	struct ring_response rsp;

	request_respond(&table, r, &back, 0);
	ring_back_push(&back);
	assert_int_equal(ring_front_ready(&front), 1);
	ring_front_take(&front, &rsp);
	return rsp;
}

static void a_write_from_slot_to_response(void **state)
{
	struct request *r = take(RING_OP_WRITE, 2, 4);
	struct grant_use *use = request_use(r);
	struct disk_op *op;
	struct ring_response rsp;

	(void)state;
	memset(guest + 4 * XEN_PAGE_SIZE + 512, 'a', 1024);
	memset(guest + 5 * XEN_PAGE_SIZE + 512, 'b', 1024);
	assert_int_equal(grant_space_acquire(space, &use, 1), 0);
	assert_int_equal(use->error, 0);
	assert_false(last_writable); /* GR-49 */
	request_hold(r);
	op = request_store(&table, r);
	assert_int_equal(op->kind, DISK_WRITE);
	assert_int_equal(op->len_bytes, 2048);
	assert_int_equal(op->iov_count, 2);
	assert_int_equal(op->iov[0].iov_len, 1024);
	assert_int_equal(((char *)op->iov[0].iov_base)[0], 'a');
	assert_int_equal(((char *)op->iov[1].iov_base)[1023], 'b');
	assert_ptr_equal(request_of_io(op), r);
	assert_true(request_stored(&table, r));
	assert_true(request_holds_pages(r));
	grant_space_release(space, &use, 1);
	assert_false(request_holds_pages(r));
	rsp = respond(r);
	assert_int_equal(rsp.id, 1004);
	assert_int_equal(rsp.operation, RING_OP_WRITE); /* RG-27 */
	assert_int_equal(rsp.status, RING_STATUS_OKAY);
}

static void a_read_is_mapped_writable(void **state)
{
	struct grant_use *use = request_use(take(RING_OP_READ, 1, 3));

	(void)state;
	grant_space_acquire(space, &use, 1);
	assert_true(last_writable);
	grant_space_release(space, &use, 1);
}

/* XSA-361: one bad gref in a batch spoils only its own request. */
static void a_bad_gref_spoils_only_its_request(void **state)
{
	struct request *good1 = take(RING_OP_READ, 2, 1);
	struct request *bad = take(RING_OP_READ, 2, BAD_GREF);
	struct request *good2 = take(RING_OP_READ, 1, 7);
	struct grant_use *uses[3] = { request_use(good1), request_use(bad),
				      request_use(good2) };
	struct grant_use *held[2] = { uses[0], uses[2] };

	(void)state;
	assert_int_equal(grant_space_acquire(space, uses, 3), 0);
	assert_int_equal(calls, 1); /* one batch */
	assert_int_equal(uses[0]->error, 0);
	assert_int_equal(uses[1]->error, -EFAULT);
	assert_int_equal(uses[2]->error, 0);
	assert_false(request_holds_pages(bad));
	request_fail(bad, RING_STATUS_ERROR);
	assert_int_equal(respond(bad).status, RING_STATUS_ERROR);
	grant_space_release(space, held, 2);
}

static void a_refused_request_is_answered(void **state)
{
	struct request *r = take(RING_OP_READ, 12, 1);
	struct ring_response rsp;

	(void)state;
	assert_string_equal(refusal.rule, "RQ-35");
	assert_int_equal(r->state, REQUEST_DONE);
	rsp = respond(r);
	assert_int_equal(rsp.id, 1001);
	assert_int_equal(rsp.status, RING_STATUS_ERROR);
	assert_int_equal(table.refused, 1);
}

/* A flush with data: the cache first, then the data. */
static void a_flush_with_data_has_two_steps(void **state)
{
	struct request *r = take(RING_OP_FLUSH, 1, 2);
	struct grant_use *use = request_use(r);

	(void)state;
	grant_space_acquire(space, &use, 1);
	request_hold(r);
	assert_int_equal(request_store(&table, r)->kind, DISK_FLUSH);
	assert_false(request_stored(&table, r));
	assert_int_equal(request_store(&table, r)->kind, DISK_WRITE);
	assert_int_equal(r->io.len_bytes, 1024);
	assert_true(request_stored(&table, r));
	grant_space_release(space, &use, 1);
	assert_int_equal(respond(r).operation, RING_OP_FLUSH);
}

/* RQ-42: what was written before is durable before its data, and that too. */
static void a_barrier_with_data_has_three_steps(void **state)
{
	struct request *r = take(RING_OP_BARRIER, 1, 2);
	struct grant_use *use = request_use(r);

	(void)state;
	grant_space_acquire(space, &use, 1);
	request_hold(r);
	assert_int_equal(request_store(&table, r)->kind, DISK_FLUSH);
	assert_false(request_stored(&table, r));
	assert_int_equal(request_store(&table, r)->kind, DISK_WRITE);
	assert_false(request_stored(&table, r));
	assert_int_equal(request_store(&table, r)->kind, DISK_FLUSH);
	assert_true(request_stored(&table, r));
	grant_space_release(space, &use, 1);
	assert_int_equal(respond(r).operation, RING_OP_BARRIER);

	r = take(RING_OP_BARRIER, 0, 2);
	request_hold(r);
	assert_int_equal(request_store(&table, r)->kind, DISK_FLUSH);
	assert_true(request_stored(&table, r));
	respond(r);
}

static struct request *slot_take(const void *slot)
{
	ring_front_put(&front, slot);
	ring_front_push(&front);
	assert_int_equal(ring_back_ready(&back), 1);
	return request_take(&table, &back, &refusal);
}

static void a_discard_goes_to_the_storage_without_pages(void **state)
{
	union {
		struct ring_discard_x86_64 discard;
		struct ring_request_x86_64 slot;
	} u = { .discard = { .operation = RING_OP_DISCARD,
			     .id = 5,
			     .sector_number = 8,
			     .nr_sectors = 16 } };
	struct request *r = slot_take(&u.slot);
	struct disk_op *op;

	(void)state;
	assert_null(refusal.rule);
	request_hold(r);
	op = request_store(&table, r);
	assert_int_equal(op->kind, DISK_DISCARD);
	assert_int_equal(op->off_bytes, 4096);
	assert_int_equal(op->len_bytes, 8192);
	assert_int_equal(op->iov_count, 0);
	assert_true(request_stored(&table, r));
	assert_int_equal(respond(r).operation, RING_OP_DISCARD);
	assert_int_equal(table.tolerated, 0);

	u.discard.sector_number = 9; /* RQ-40, which is lived with */
	r = slot_take(&u.slot);
	assert_null(refusal.rule);
	assert_int_equal(r->state, REQUEST_READY);
	assert_int_equal(table.tolerated, 1);
	request_fail(r, RING_STATUS_ERROR);
	respond(r);
}

/* An indirect write of `n` segments, whose list is page 15 of the guest. */
static struct request *indirect_take(unsigned n, uint32_t list_gref)
{
	union {
		struct ring_indirect_x86_64 indirect;
		struct ring_request_x86_64 slot;
	} u = { .indirect = { .operation = RING_OP_INDIRECT,
			      .inner_op = RING_OP_WRITE,
			      .nr_segments = (uint16_t)n,
			      .id = 6,
			      .list_gref = { list_gref } } };
	struct ring_segment *list = (void *)(guest + 15 * XEN_PAGE_SIZE);
	unsigned i;

	for (i = 0; i < n; i++)
		list[i] =
			(struct ring_segment){ .gref = i % 15, .last_sect = 7 };
	return slot_take(&u.slot);
}

static void an_indirect_write_reads_its_list_first(void **state)
{
	struct request *r = indirect_take(20, 15);
	struct grant_use *use;
	struct disk_op *op;
	struct ring_response rsp;

	(void)state;
	assert_int_equal(r->state, REQUEST_LISTED);
	use = request_list_use(r);
	assert_int_equal(grant_space_acquire(space, &use, 1), 0);
	assert_false(last_writable);
	request_list_read(&table, r, &refusal);
	assert_null(refusal.rule);
	assert_int_equal(r->state, REQUEST_READY);
	grant_space_release(space, &use, 1);
	assert_int_equal(live_maps, 0);

	memset(guest + 4 * XEN_PAGE_SIZE, 'q', XEN_PAGE_SIZE);
	use = request_use(r);
	assert_int_equal(grant_space_acquire(space, &use, 1), 0);
	request_hold(r);
	op = request_store(&table, r);
	assert_int_equal(op->kind, DISK_WRITE);
	assert_int_equal(op->len_bytes, 20 * 4096);
	assert_int_equal(op->iov_count, 20);
	assert_int_equal(((char *)op->iov[19].iov_base)[4095], 'q');
	assert_true(request_stored(&table, r));
	grant_space_release(space, &use, 1);
	rsp = respond(r);
	assert_int_equal(rsp.operation, RING_OP_WRITE); /* RG-27 */
	assert_int_equal(rsp.status, RING_STATUS_OKAY);
}

static void a_list_that_is_not_there_or_wrong_is_an_error(void **state)
{
	struct request *r = indirect_take(20, BAD_GREF);
	struct grant_use *use = request_list_use(r);

	(void)state;
	grant_space_acquire(space, &use, 1);
	request_list_read(&table, r, &refusal);
	assert_null(refusal.rule);
	assert_int_equal(r->state, REQUEST_DONE);
	assert_false(request_holds_pages(r));
	assert_int_equal(respond(r).status, RING_STATUS_ERROR);

	r = indirect_take(20, 15);
	guest[15 * XEN_PAGE_SIZE + 19 * 8 + 5] = 200; /* last_sect */
	use = request_list_use(r);
	grant_space_acquire(space, &use, 1);
	request_list_read(&table, r, &refusal);
	assert_string_equal(refusal.rule, "RQ-37");
	assert_int_equal(r->state, REQUEST_DONE);
	grant_space_release(space, &use, 1);
	assert_int_equal(respond(r).status, RING_STATUS_ERROR);
	assert_int_equal(table.refused, 1);
}

static void an_io_error_is_an_error_response(void **state)
{
	struct request *r = take(RING_OP_FLUSH, 0, 0);

	(void)state;
	request_hold(r);
	request_store(&table, r)->error = -EIO;
	assert_true(request_stored(&table, r));
	assert_int_equal(respond(r).status, RING_STATUS_ERROR);

	r = take(RING_OP_FLUSH, 0, 0);
	request_hold(r);
	request_store(&table, r)->error = -EOPNOTSUPP;
	assert_true(request_stored(&table, r));
	assert_int_equal(respond(r).status, RING_STATUS_EOPNOTSUPP);
}

static void sequence_numbers_never_repeat(void **state)
{
	uint64_t last = 0;
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		struct request *r = take(RING_OP_READ, 12, 0);

		assert_true(r->seq > last);
		last = r->seq;
		respond(r);
	}
	assert_int_equal(table.taken, 100);
	assert_int_equal(table.responded, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_write_from_slot_to_response,
						fresh, done),
		cmocka_unit_test_setup_teardown(a_read_is_mapped_writable,
						fresh, done),
		cmocka_unit_test_setup_teardown(
			a_bad_gref_spoils_only_its_request, fresh, done),
		cmocka_unit_test_setup_teardown(a_refused_request_is_answered,
						fresh, done),
		cmocka_unit_test_setup_teardown(a_flush_with_data_has_two_steps,
						fresh, done),
		cmocka_unit_test_setup_teardown(
			an_io_error_is_an_error_response, fresh, done),
		cmocka_unit_test_setup_teardown(
			a_barrier_with_data_has_three_steps, fresh, done),
		cmocka_unit_test_setup_teardown(
			a_discard_goes_to_the_storage_without_pages, fresh,
			done),
		cmocka_unit_test_setup_teardown(
			an_indirect_write_reads_its_list_first, fresh, done),
		cmocka_unit_test_setup_teardown(
			a_list_that_is_not_there_or_wrong_is_an_error, fresh,
			done),
		cmocka_unit_test_setup_teardown(sequence_numbers_never_repeat,
						fresh, done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
