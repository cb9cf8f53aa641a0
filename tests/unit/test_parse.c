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
	assert_int_equal(request_check(&raw, limits, &out, &why), 0);
}

static void refused(const struct request_limits *limits, const char *rule,
		    enum ring_status status)
{
	assert_int_equal(request_check(&raw, limits, &out, &why), -EINVAL);
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
	assert_int_equal(out.piece[1].gref, 10);
	assert_int_equal(out.piece[1].off_bytes, 1024);
	assert_int_equal(out.piece[1].len_bytes, 1024);
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
	/* Its second byte is the operation inside. */
	struct ring_request_x86_64 a = { .operation = RING_OP_INDIRECT,
					 .nr_segments = RING_OP_WRITE };
	struct request_raw r;

	(void)state;
	request_decode(RING_ABI_X86_64, &a, &r);
	assert_int_equal(r.op, RING_OP_INDIRECT);
	assert_int_equal(r.answer_op, RING_OP_WRITE);
	a.operation = RING_OP_READ;
	request_decode(RING_ABI_X86_64, &a, &r);
	assert_int_equal(r.answer_op, RING_OP_READ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_good_request_is_what_it_says, good),
		cmocka_unit_test_setup(RQ_33_unknown_operation, good),
		cmocka_unit_test_setup(RQ_34_operation_that_was_not_offered,
				       good),
		cmocka_unit_test_setup(RQ_35_number_of_segments, good),
		cmocka_unit_test_setup(RQ_37_sectors_of_a_page, good),
		cmocka_unit_test_setup(RQ_38_end_of_the_disk, good),
		cmocka_unit_test_setup(RQ_39_whole_sectors, good),
		cmocka_unit_test_setup(RQ_41_read_only, good),
		cmocka_unit_test(
			RG_27_indirect_is_answered_with_what_is_inside),
		cmocka_unit_test_setup(RQ_45_handle_is_ignored, good),
		cmocka_unit_test(both_layouts_decode_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
