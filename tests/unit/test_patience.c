/* SPDX-License-Identifier: MIT */
/* How long a queue looks at its ring before it sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/patience.h"

#define US 1000u

static void learn(struct patience *p, uint64_t waited_ns, unsigned times)
{
	while (times--)
		patience_learn(p, waited_ns);
}

static void test_begins_without(void **state)
{
	struct patience p;

	(void)state;
	patience_init(&p, 100);
	assert_int_equal(patience_ns(&p), 0);
}

static void test_requests_that_come_soon(void **state)
{
	struct patience p;

	(void)state;
	patience_init(&p, 100);
	learn(&p, 20 * US, 100);
	/* Longer than they take, and not much longer. */
	assert_in_range(patience_ns(&p), 21 * US, 60 * US);
	learn(&p, 80 * US, 100);
	assert_in_range(patience_ns(&p), 81 * US, 100 * US);
}

static void test_idle(void **state)
{
	struct patience p;

	(void)state;
	patience_init(&p, 100);
	learn(&p, 20 * US, 100);
	/* One pause does not make it forget, some do. */
	learn(&p, UINT64_MAX, 1);
	assert_true(patience_ns(&p) > 0);
	learn(&p, UINT64_MAX, 10);
	assert_int_equal(patience_ns(&p), 0);
	/* And it comes back in time. */
	learn(&p, 20 * US, 30);
	assert_true(patience_ns(&p) > 0);
}

static void test_seldom(void **state)
{
	struct patience p;

	(void)state;
	patience_init(&p, 100);
	learn(&p, 150 * US, 1000);
	assert_int_equal(patience_ns(&p), 0);
}

static void test_bounds(void **state)
{
	static const unsigned max_us[] = { 0, 1, 200, PATIENCE_MAX_US };

	(void)state;
	for (size_t i = 0; i < sizeof(max_us) / sizeof(max_us[0]); i++) {
		struct patience p;
		uint64_t waited = 1;

		patience_init(&p, max_us[i]);
		for (int n = 0; n < 2000; n++) {
			learn(&p, waited, 1 + n % 7);
			waited = waited * 6364136223846793005u + n;
			if (n & 1)
				learn(&p, waited % (2 * p.max_ns + 1), 5);
			assert_true(patience_ns(&p) <= p.max_ns);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins_without),
		cmocka_unit_test(test_requests_that_come_soon),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_seldom),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
