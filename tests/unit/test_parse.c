/* SPDX-License-Identifier: MIT */
/* The trust boundary: each rule once kept at its edge and once broken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "request/parse.h"

#define SECTORS 2048u

static const struct request_limits small = { .size_bytes = SECTORS * 512u,
					     .sector_bytes = 512,
					     .flush = true };
static struct request_raw raw;
static struct request_checked out;
static struct grant_seg segs[1024];
static struct request_refusal why;

static int good(void **state)
{
	(void)state;
	memset(&raw, 0, sizeof(raw));
	raw.op = RING_OP_READ;
	raw.nr_segments = 1;
	raw.id = 42;
	raw.sector = 8;
	raw.seg[0] = (struct ring_segment){ .gref = 9, .last_sect = 7 };
	return 0;
}

static void accepted(const struct request_limits *limits)
{
	assert_int_equal(request_check(&raw, limits, &out, segs, &why), 0);
}

static void refused(const struct request_limits *limits, const char *rule,
		    enum ring_status status)
{
	assert_int_equal(request_check(&raw, limits, &out, segs, &why),
			 -EINVAL);
	assert_string_equal(why.rule, rule);
	assert_int_equal(why.status, status);
	assert_true(strlen(why.detail) > 10);
}

static void a_good_request_is_what_it_says(void **state)
{
	(void)state;
	raw.nr_segments = 2;
	raw.seg[1] = (struct ring_segment){ .gref = 10,
					    .first_sect = 2,
					    .last_sect = 3 };
	accepted(&small);
	assert_int_equal(out.kind, REQUEST_READ);
	assert_int_equal(out.off_bytes, 4096);
	assert_int_equal(out.len_bytes, 4096 + 1024);
	assert_int_equal(out.pieces, 2);
	assert_int_equal(segs[1].gref, 10);
	assert_int_equal(segs[1].off_bytes, 1024);
	assert_int_equal(segs[1].len_bytes, 1024);
}

static void RQ_33_unknown_operation(void **state)
{
	unsigned op;

	(void)state;
	for (op = 0; op < 256; op++) {
		raw.op = (uint8_t)op;
		if (op <= 3 || op == 5 || op == 6)
			continue;
		refused(&small, "RQ-33", RING_STATUS_EOPNOTSUPP);
	}
}

/* Everything is offered. */
static struct request_limits all(void)
{
	struct request_limits limits = small;

	limits.barrier = limits.discard = limits.secure = true;
	limits.indirect_segs = 1024;
	limits.discard_granularity = 4096;
	return limits;
}

static void RQ_34_operation_that_was_not_offered(void **state)
{
	struct request_limits no_flush = small;

	(void)state;
	raw.op = RING_OP_BARRIER;
	refused(&small, "RQ-34", RING_STATUS_EOPNOTSUPP);
	raw.op = RING_OP_DISCARD;
	refused(&small, "RQ-34", RING_STATUS_EOPNOTSUPP);
	raw.op = RING_OP_INDIRECT;
	refused(&small, "RQ-34", RING_STATUS_EOPNOTSUPP);
	raw.op = RING_OP_FLUSH;
	raw.nr_segments = 0;
	accepted(&small);
	no_flush.flush = false;
	refused(&no_flush, "RQ-34", RING_STATUS_EOPNOTSUPP);
}

static void RQ_35_number_of_segments(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < RING_SEGS_MAX; i++)
		raw.seg[i].last_sect = 7;
	raw.nr_segments = 11;
	accepted(&small);
	assert_int_equal(out.len_bytes, 11 * 4096);
	raw.nr_segments = 12;
	refused(&small, "RQ-35", RING_STATUS_ERROR);
	raw.nr_segments = 255; /* CVE-2007-5498 */
	refused(&small, "RQ-35", RING_STATUS_ERROR);
	raw.nr_segments = 0;
	refused(&small, "RQ-35", RING_STATUS_ERROR);
	raw.op = RING_OP_WRITE;
	refused(&small, "RQ-35", RING_STATUS_ERROR);
	raw.op = RING_OP_FLUSH;
	accepted(&small);
	assert_int_equal(out.len_bytes, 0);
	raw.nr_segments = 12;
	refused(&small, "RQ-35", RING_STATUS_ERROR);
}

static void RQ_35_a_barrier_may_be_empty(void **state)
{
	const struct request_limits limits = all();

	(void)state;
	raw.op = RING_OP_BARRIER;
	accepted(&limits);
	assert_int_equal(out.kind, REQUEST_BARRIER);
	assert_int_equal(out.pieces, 1);
	raw.nr_segments = 0;
	accepted(&limits);
	assert_int_equal(out.len_bytes, 0);
	raw.nr_segments = 12;
	refused(&limits, "RQ-35", RING_STATUS_ERROR);
}

static void indirect(uint8_t op, unsigned n)
{
	raw.op = RING_OP_INDIRECT;
	raw.inner_op = op;
	raw.nr_segments = (uint16_t)n;
	raw.list_gref[0] = 77;
	raw.list_gref[1] = 78;
}

static void RQ_36_what_an_indirect_slot_may_say(void **state)
{
	struct request_limits limits = all();
	unsigned op;

	(void)state;
	indirect(RING_OP_WRITE, 512);
	accepted(&limits);
	assert_int_equal(out.kind, REQUEST_WRITE);
	assert_int_equal(out.pieces, 512);
	assert_int_equal(out.list_pages, 1);
	assert_int_equal(segs[0].gref, 77);
	assert_int_equal(segs[0].off_bytes, 0);
	assert_int_equal(segs[0].len_bytes, 4096);
	indirect(RING_OP_READ, 513);
	accepted(&limits);
	assert_int_equal(out.kind, REQUEST_READ);
	assert_int_equal(out.list_pages, 2);
	assert_int_equal(segs[1].gref, 78);
	assert_int_equal(segs[1].len_bytes, 8);

	indirect(RING_OP_READ, 0);
	refused(&limits, "RQ-36", RING_STATUS_ERROR);
	indirect(RING_OP_READ, 1025);
	refused(&limits, "RQ-36", RING_STATUS_ERROR);
	indirect(RING_OP_READ, 65535);
	refused(&limits, "RQ-36", RING_STATUS_ERROR);
	for (op = 2; op < 256; op++) {
		indirect((uint8_t)op, 1);
		refused(&limits, "RQ-36", RING_STATUS_ERROR);
	}
	limits.indirect_segs = 32;
	indirect(RING_OP_READ, 32);
	accepted(&limits);
	indirect(RING_OP_READ, 33);
	refused(&limits, "RQ-36", RING_STATUS_ERROR);
}

static void indirect_segments_keep_the_rules_of_direct_ones(void **state)
{
	const struct request_limits limits = all();
	struct ring_segment list[12];
	unsigned i;

	(void)state;
	for (i = 0; i < 12; i++)
		list[i] = (struct ring_segment){ .gref = i, .last_sect = 7 };
	indirect(RING_OP_WRITE, 12);
	raw.sector = SECTORS - 12 * 8;
	accepted(&limits);
	assert_int_equal(request_check_list(list, &limits, &out, segs, &why),
			 0);
	assert_int_equal(out.off_bytes, (SECTORS - 12 * 8) * 512);
	assert_int_equal(out.len_bytes, 12 * 4096);
	assert_int_equal(out.list_pages, 0);
	assert_int_equal(segs[11].gref, 11);

	raw.sector++;
	accepted(&limits);
	assert_int_equal(request_check_list(list, &limits, &out, segs, &why),
			 -EINVAL);
	assert_string_equal(why.rule, "RQ-38");
	raw.sector--;
	list[11].last_sect = 8; /* XSA-155 */
	accepted(&limits);
	assert_int_equal(request_check_list(list, &limits, &out, segs, &why),
			 -EINVAL);
	assert_string_equal(why.rule, "RQ-37");
}

static void a_discard_has_a_place_and_no_data(void **state)
{
	struct request_limits limits = all();

	(void)state;
	raw.op = RING_OP_DISCARD;
	raw.nr_segments = 0;
	raw.discard_sectors = 16;
	accepted(&limits);
	assert_int_equal(out.kind, REQUEST_DISCARD);
	assert_int_equal(out.off_bytes, 4096);
	assert_int_equal(out.len_bytes, 8192);
	assert_int_equal(out.pieces, 0);
	assert_false(out.secure);
	raw.secure = true;
	accepted(&limits);
	assert_true(out.secure);
	limits.secure = false; /* RQ-34: ignored */
	accepted(&limits);
	assert_false(out.secure);

	raw.discard_sectors = SECTORS - 8;
	accepted(&limits);
	raw.discard_sectors = SECTORS - 7;
	refused(&limits, "RQ-38", RING_STATUS_ERROR);
	raw.discard_sectors = UINT64_MAX;
	refused(&limits, "RQ-38", RING_STATUS_ERROR);
	raw.discard_sectors = UINT64_MAX - 7; /* + 8 wraps */
	refused(&limits, "RQ-38", RING_STATUS_ERROR);
	limits.sector_bytes = 4096;
	raw.discard_sectors = 9;
	refused(&limits, "RQ-39", RING_STATUS_ERROR);
	/* CVE-2013-2140 */
	limits.readonly = true;
	raw.discard_sectors = 8;
	refused(&limits, "RQ-41", RING_STATUS_ERROR);
}

static bool fits(const struct request_limits *limits, uint64_t sector,
		 uint64_t sectors)
{
	raw.sector = sector;
	raw.discard_sectors = sectors;
	accepted(limits);
	return request_discard_fits(&out, limits, &why);
}

static void RQ_40_whole_units_of_a_discard(void **state)
{
	struct request_limits limits = all();

	(void)state;
	raw.op = RING_OP_DISCARD;
	assert_true(fits(&limits, 8, 8));
	assert_false(fits(&limits, 9, 7));
	assert_string_equal(why.rule, "RQ-40");
	assert_false(fits(&limits, 8, 9));
	limits.discard_alignment = 512;
	assert_true(fits(&limits, 9, 8));
	assert_true(fits(&limits, 1, 8));
	assert_false(fits(&limits, 8, 8));
	/* A disk need not end with a whole unit. */
	assert_true(fits(&limits, 9, SECTORS - 9));
	limits.discard_granularity = 0;
	limits.discard_alignment = 0;
	assert_true(fits(&limits, 3, 1));
}

static void RQ_37_sectors_of_a_page(void **state)
{
	(void)state;
	raw.seg[0].first_sect = 7;
	accepted(&small);
	assert_int_equal(out.len_bytes, 512);
	raw.seg[0].first_sect = 5;
	raw.seg[0].last_sect = 4;
	refused(&small, "RQ-37", RING_STATUS_ERROR);
	raw.seg[0].first_sect = 0;
	raw.seg[0].last_sect = 8;
	refused(&small, "RQ-37", RING_STATUS_ERROR);
	raw.seg[0].last_sect = 255;
	refused(&small, "RQ-37", RING_STATUS_ERROR);
	raw.seg[0].first_sect = 255;
	refused(&small, "RQ-37", RING_STATUS_ERROR);
}

static void RQ_38_end_of_the_disk(void **state)
{
	(void)state;
	raw.sector = SECTORS - 8;
	accepted(&small);
	raw.sector = SECTORS - 7;
	refused(&small, "RQ-38", RING_STATUS_ERROR);
	raw.sector = SECTORS;
	refused(&small, "RQ-38", RING_STATUS_ERROR);
	raw.sector = UINT64_MAX;
	refused(&small, "RQ-38", RING_STATUS_ERROR);
	raw.sector = UINT64_MAX - 7; /* + 8 wraps to 0 */
	refused(&small, "RQ-38", RING_STATUS_ERROR);
	raw.sector = UINT64_MAX / 512 + 1; /* * 512 wraps to 0 */
	refused(&small, "RQ-38", RING_STATUS_ERROR);
}

static void RQ_39_whole_sectors(void **state)
{
	struct request_limits big = small;

	(void)state;
	big.sector_bytes = 4096;
	accepted(&big);
	raw.sector = 9;
	refused(&big, "RQ-39", RING_STATUS_ERROR);
	raw.sector = 8;
	raw.seg[0].last_sect = 3;
	refused(&big, "RQ-39", RING_STATUS_ERROR);
}

/* Sectors counted in sector-size, as headers before 2024 have it. */
static void the_older_units(void **state)
{
	struct request_limits old = all();

	(void)state;
	old.sector_bytes = 4096;
	old.unit_shift = 3;
	raw.sector = SECTORS / 8 - 1;
	raw.seg[0].last_sect = 0;
	accepted(&old);
	assert_int_equal(out.off_bytes, (SECTORS - 8) * 512);
	assert_int_equal(out.len_bytes, 4096);
	assert_int_equal(segs[0].off_bytes, 0);
	assert_int_equal(segs[0].len_bytes, 4096);
	raw.sector++;
	refused(&old, "RQ-38", RING_STATUS_ERROR);
	raw.sector = UINT64_MAX / 4096 + 1; /* * 4096 wraps to 0 */
	refused(&old, "RQ-38", RING_STATUS_ERROR);
	raw.sector = 1;
	raw.seg[0].last_sect = 1;
	refused(&old, "RQ-37", RING_STATUS_ERROR);

	raw.op = RING_OP_DISCARD;
	raw.nr_segments = 0;
	raw.discard_sectors = 2;
	accepted(&old);
	assert_int_equal(out.off_bytes, 4096);
	assert_int_equal(out.len_bytes, 8192);
	raw.discard_sectors = SECTORS / 8;
	refused(&old, "RQ-38", RING_STATUS_ERROR);
}

static void RQ_41_read_only(void **state)
{
	struct request_limits ro = small;

	(void)state;
	ro.readonly = true;
	accepted(&ro);
	raw.op = RING_OP_WRITE;
	refused(&ro, "RQ-41", RING_STATUS_ERROR);
	raw.op = RING_OP_FLUSH; /* with data */
	refused(&ro, "RQ-41", RING_STATUS_ERROR);
	raw.nr_segments = 0;
	accepted(&ro);

	ro = all();
	ro.readonly = true;
	raw.op = RING_OP_BARRIER;
	accepted(&ro);
	raw.nr_segments = 1;
	refused(&ro, "RQ-41", RING_STATUS_ERROR);
	indirect(RING_OP_WRITE, 12);
	refused(&ro, "RQ-41", RING_STATUS_ERROR);
	indirect(RING_OP_READ, 12);
	accepted(&ro);
}

static void RQ_45_handle_is_ignored(void **state)
{
	(void)state;
	raw.handle = 0xffff;
	accepted(&small);
}

static void both_layouts_decode_alike(void **state)
{
	struct ring_request_x86_64 a = { .operation = 1,
					 .nr_segments = 2,
					 .handle = 3,
					 .id = 4,
					 .sector_number = 5 };
	struct ring_request_x86_32 b = { .operation = 1,
					 .nr_segments = 2,
					 .handle = 3,
					 .id = 4,
					 .sector_number = 5 };
	struct request_raw ra = { 0 }, rb = { 0 };

	(void)state;
	a.seg[10].gref = b.seg[10].gref = 6;
	request_decode(RING_ABI_X86_64, &a, &ra);
	request_decode(RING_ABI_X86_32, &b, &rb);
	assert_memory_equal(&ra, &rb, sizeof(ra));
	assert_int_equal(ra.id, 4);
	assert_int_equal(ra.sector, 5);
	assert_int_equal(ra.handle, 3);
	assert_int_equal(ra.seg[10].gref, 6);
}

static void RG_27_indirect_is_answered_with_what_is_inside(void **state)
{
	struct ring_indirect_x86_64 a = { .operation = RING_OP_INDIRECT,
					  .inner_op = RING_OP_WRITE,
					  .nr_segments = 300,
					  .id = 4,
					  .sector_number = 5,
					  .handle = 6,
					  .list_gref = { 7, 8 } };
	struct ring_indirect_x86_32 b = { .operation = RING_OP_INDIRECT,
					  .inner_op = RING_OP_WRITE,
					  .nr_segments = 300,
					  .id = 4,
					  .sector_number = 5,
					  .handle = 6,
					  .list_gref = { 7, 8 } };
	uint8_t slot[RING_SLOT_MAX] = { 0 };
	struct request_raw ra, rb;

	(void)state;
	memcpy(slot, &b, sizeof(b));
	request_decode(RING_ABI_X86_32, slot, &rb);
	memcpy(slot, &a, sizeof(a));
	request_decode(RING_ABI_X86_64, slot, &ra);
	assert_memory_equal(&ra, &rb, sizeof(ra));
	assert_int_equal(ra.op, RING_OP_INDIRECT);
	assert_int_equal(ra.inner_op, RING_OP_WRITE);
	assert_int_equal(ra.answer_op, RING_OP_WRITE);
	assert_int_equal(ra.nr_segments, 300);
	assert_int_equal(ra.id, 4);
	assert_int_equal(ra.sector, 5);
	assert_int_equal(ra.handle, 6);
	assert_int_equal(ra.list_gref[1], 8);
}

static void a_discard_decodes_alike(void **state)
{
	struct ring_discard_x86_64 a = { .operation = RING_OP_DISCARD,
					 .flag = RING_DISCARD_SECURE,
					 .id = 4,
					 .sector_number = 5,
					 .nr_sectors = 6 };
	struct ring_discard_x86_32 b = { .operation = RING_OP_DISCARD,
					 .flag = RING_DISCARD_SECURE,
					 .id = 4,
					 .sector_number = 5,
					 .nr_sectors = 6 };
	uint8_t slot[RING_SLOT_MAX] = { 0 };
	struct request_raw ra, rb;

	(void)state;
	memcpy(slot, &b, sizeof(b));
	request_decode(RING_ABI_X86_32, slot, &rb);
	memcpy(slot, &a, sizeof(a));
	request_decode(RING_ABI_X86_64, slot, &ra);
	assert_memory_equal(&ra, &rb, sizeof(ra));
	assert_true(ra.secure);
	assert_int_equal(ra.nr_segments, 0);
	assert_int_equal(ra.id, 4);
	assert_int_equal(ra.sector, 5);
	assert_int_equal(ra.discard_sectors, 6);
	assert_int_equal(ra.answer_op, RING_OP_DISCARD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_good_request_is_what_it_says, good),
		cmocka_unit_test_setup(RQ_33_unknown_operation, good),
		cmocka_unit_test_setup(RQ_34_operation_that_was_not_offered,
				       good),
		cmocka_unit_test_setup(RQ_35_number_of_segments, good),
		cmocka_unit_test_setup(RQ_35_a_barrier_may_be_empty, good),
		cmocka_unit_test_setup(RQ_36_what_an_indirect_slot_may_say,
				       good),
		cmocka_unit_test_setup(
			indirect_segments_keep_the_rules_of_direct_ones, good),
		cmocka_unit_test_setup(a_discard_has_a_place_and_no_data, good),
		cmocka_unit_test_setup(RQ_40_whole_units_of_a_discard, good),
		cmocka_unit_test(a_discard_decodes_alike),
		cmocka_unit_test_setup(RQ_37_sectors_of_a_page, good),
		cmocka_unit_test_setup(RQ_38_end_of_the_disk, good),
		cmocka_unit_test_setup(RQ_39_whole_sectors, good),
		cmocka_unit_test_setup(the_older_units, good),
		cmocka_unit_test_setup(RQ_41_read_only, good),
		cmocka_unit_test(
			RG_27_indirect_is_answered_with_what_is_inside),
		cmocka_unit_test_setup(RQ_45_handle_is_ignored, good),
		cmocka_unit_test(both_layouts_decode_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
