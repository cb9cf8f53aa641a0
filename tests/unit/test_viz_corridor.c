/* SPDX-License-Identifier: MIT */
/* Two clocks from what came before what: the line between two sets of bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "viz/read/corridor.h"

#define MS 1000000ll
#define S  1000000000ll

/* Numbers that are the same in each run. */
static uint64_t state;

static uint64_t below(uint64_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 33) % n;
}

struct truth {
	int64_t x0, offset;
	double rate;
};

static int64_t truth_at(const struct truth *t, int64_t x)
{
	return t->offset + (int64_t)(t->rate * (double)(x - t->x0));
}

/* Bounds around the truth, none nearer than 5 us, at n times in a span. */
static void bounds_around(struct corridor *c, const struct truth *t,
			  int64_t from, int64_t span, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		int64_t x = from + (int64_t)below((uint64_t)span);

		assert_int_equal(corridor_add(c, true, x,
					      truth_at(t, x) + 5000 +
						      (int64_t)below(80000)),
				 0);
		x = from + (int64_t)below((uint64_t)span);
		assert_int_equal(corridor_add(c, false, x,
					      truth_at(t, x) - 5000 -
						      (int64_t)below(80000)),
				 0);
	}
}

static void assert_true_at(const struct corridor *c, const struct truth *t,
			   int64_t x)
{
	int64_t off = corridor_at(c, x) - truth_at(t, x);

	/* The truth was rounded, too. */
	assert_true(llabs(off) <= corridor_error(c, x) + 1);
}

static void constant_offset(void **unused)
{
	struct truth t = { 5 * S, -3600 * S, 0 };
	struct corridor c = { 0 };

	(void)unused;
	state = 1;
	bounds_around(&c, &t, 5 * S, S, 2000);
	assert_int_equal(corridor_fit(&c), 0);
	assert_true(c.rate == 0);
	assert_true_at(&c, &t, 5 * S);
	assert_true_at(&c, &t, 6 * S);
	/* 2000 bounds from 5 us on leave about that, and no more. */
	assert_in_range(c.error_ns, 4000, 12000);
	corridor_free(&c);
}

static void drift_is_found(void **unused)
{
	struct truth t = { 100 * S, 77 * S, 80e-6 };
	struct corridor c = { 0 };

	(void)unused;
	state = 2;
	bounds_around(&c, &t, 100 * S, 10 * S, 2000);
	assert_int_equal(corridor_fit(&c), 0);
	assert_true(c.rate > 78e-6 && c.rate < 82e-6);
	assert_true_at(&c, &t, 100 * S);
	assert_true_at(&c, &t, 110 * S);
	assert_in_range(c.error_ns, 4000, 12000);
	corridor_free(&c);
}

/* Far from all bounds a rate that could not be seen matters. */
static void error_grows_outside(void **unused)
{
	struct truth t = { 0, 9 * S, -90e-6 };
	struct corridor c = { 0 };

	(void)unused;
	state = 3;
	bounds_around(&c, &t, 50 * S, 10 * MS, 500);
	assert_int_equal(corridor_fit(&c), 0);
	assert_true(c.error_ns < 20000);
	assert_true(corridor_error(&c, 0) > 1 * MS);
	assert_true_at(&c, &t, 0);
	assert_true_at(&c, &t, 50 * S);
	assert_true_at(&c, &t, 100 * S);
	corridor_free(&c);
}

/* Whatever the clocks, the truth is never farther off than was said. */
static void the_truth_is_within(void **unused)
{
	unsigned i;

	(void)unused;
	state = 4;
	for (i = 0; i < 200; i++) {
		struct truth t = { .offset = (int64_t)below(1 << 30) * 1000 };
		struct corridor c = { 0 };
		int64_t from = (int64_t)below(1 << 20) * MS;
		int64_t span = 1 + (int64_t)below(1u << (i % 31));
		unsigned n = 1 + (unsigned)below(i % 3 ? 5 : 500);

		t.x0 = from;
		t.rate = ((double)below(980) - 490) * 1e-6;
		bounds_around(&c, &t, from, span, n);
		assert_int_equal(corridor_fit(&c), 0);
		assert_true_at(&c, &t, from);
		assert_true_at(&c, &t, from + span);
		assert_true_at(&c, &t, from - 3 * S);
		assert_true_at(&c, &t, from + 3 * S);
		assert_true(c.error_ns < INT64_MAX);
		corridor_free(&c);
	}
}

/* An error larger than it must be would be no lie, but of no use. */
static void two_bounds_leave_their_middle(void **unused)
{
	struct corridor c = { 0 };

	(void)unused;
	assert_int_equal(corridor_add(&c, true, 1000, 500), 0);
	assert_int_equal(corridor_add(&c, false, 1000, 300), 0);
	assert_int_equal(corridor_fit(&c), 0);
	assert_int_equal(corridor_at(&c, 1000), 400);
	assert_in_range(c.error_ns, 100, 103);
	corridor_free(&c);
}

static void a_clock_that_was_set(void **unused)
{
	struct truth t = { 0, S, 0 };
	struct corridor c = { 0 };

	(void)unused;
	state = 5;
	bounds_around(&c, &t, 0, S, 200);
	t.offset += 2 * MS;
	bounds_around(&c, &t, S, S, 200);
	assert_int_equal(corridor_fit(&c), -EDOM);
	assert_true(c.gap_ns > 500000 && c.gap_ns < 2e6);
	corridor_free(&c);
}

static void one_side_is_not_enough(void **unused)
{
	struct corridor c = { 0 };

	(void)unused;
	assert_int_equal(corridor_fit(&c), -ENODATA);
	assert_int_equal(corridor_add(&c, true, 10, 500), 0);
	assert_int_equal(corridor_add(&c, true, 20, 400), 0);
	assert_int_equal(corridor_fit(&c), -ENODATA);
	assert_in_range(corridor_at(&c, 10), 399, 401);
	corridor_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constant_offset),
		cmocka_unit_test(drift_is_found),
		cmocka_unit_test(error_grows_outside),
		cmocka_unit_test(the_truth_is_within),
		cmocka_unit_test(two_bounds_leave_their_middle),
		cmocka_unit_test(a_clock_that_was_set),
		cmocka_unit_test(one_side_is_not_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
