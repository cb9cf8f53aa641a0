/* SPDX-License-Identifier: MIT */
/* The order of disks, and what stands in a line. */
#include <errno.h>

#include "top_rig.h"
#include "top/sort.h"

static void order_is(enum top_sort by, bool reverse, const char *want)
{
	char got[8] = "";
	unsigned i;

	between();
	assert_int_equal(top_sort(&rates, by, reverse), 0);
	for (i = 0; i < rates.nrows; i += 3) {
		assert_int_equal(rates.rows[i].queue, TOP_DISK_ROW);
		assert_int_equal(rates.rows[i + 2].queue, 1);
		assert_int_equal(rates.rows[i].domid, rates.rows[i + 2].domid);
		got[i / 3] = (char)('0' + rates.rows[i].domid);
	}
	assert_string_equal(got, want);
}

static void disks_are_sorted_with_their_queues(void **state)
{
	enum top_sort by;

	(void)state;
	moment_init(&a, 10 * S, 3);
	moment_init(&b, 12 * S, 3);
	b.queue[0][0].requests[STATS_READ] = 10;
	b.queue[1][0].requests[STATS_READ] = 30;
	b.queue[2][0].requests[STATS_READ] = 20;
	b.queue[2][0].bytes[STATS_READ] = 512;
	b.queue[1][1].waited_ns[STATS_READ] = 1 * S;
	b.queue[2][1].in_flight = 1;
	b.queue[1][1].refused = 1;
	order_is(TOP_SORT_DISK, false, "123");
	order_is(TOP_SORT_DISK, true, "321");
	order_is(TOP_SORT_IOPS, false, "231");
	order_is(TOP_SORT_IOPS, true, "132");
	order_is(TOP_SORT_BYTES, false, "312");
	order_is(TOP_SORT_LATENCY, false, "213");
	order_is(TOP_SORT_RING, false, "312");
	order_is(TOP_SORT_ERRORS, false, "213");
	assert_int_equal(top_sort_parse("latency", &by), 0);
	assert_int_equal(by, TOP_SORT_LATENCY);
	assert_int_equal(top_sort_parse("m", &by), 0);
	assert_int_equal(by, TOP_SORT_BYTES);
	assert_int_equal(top_sort_parse("la", &by), -EINVAL);
	assert_int_equal(top_sort_parse("", &by), -EINVAL);
}

static void number_is(double n, const char *want)
{
	char cell[TOP_CELL_MAX];

	top_number_text(n, cell);
	assert_string_equal(cell, want);
	assert_true(strlen(cell) <= 5);
}

static void numbers_fit_their_columns(void **state)
{
	(void)state;
	number_is(0, "0");
	number_is(0.04, "0.0");
	number_is(9.94, "9.9");
	number_is(9.96, "10");
	number_is(999.4, "999");
	number_is(999.6, "1.0k");
	number_is(12345, "12.3k");
	number_is(99960, "100k");
	number_is(999600, "1.0M");
	number_is(4.5e9, "4.5G");
}

/* What does not fit is left out, never cut. */
static void a_line_fits_the_screen(void **state)
{
	char line[TOP_LINE_MAX];
	int width;

	(void)state;
	b.queue[0][0].requests[STATS_READ] = 87654321;
	b.queue[0][0].waited_ns[STATS_READ] = 87654321 * (123 * MS);
	between();
	for (width = 10; width < 120; width++) {
		top_line(NULL, width, line);
		assert_true(strlen(line) <= (size_t)width);
		assert_memory_equal(line, "DISK", 4);
		top_line(rates.rows, width, line);
		assert_true(strlen(line) <= (size_t)width);
	}
	top_line(NULL, 80, line);
	assert_non_null(strstr(line, "REF"));
	assert_null(strstr(line, "P50"));
	top_line(rates.rows, 80, line);
	assert_non_null(strstr(line, " 43.8M "));
	assert_non_null(strstr(line, " 123ms "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(disks_are_sorted_with_their_queues),
		T(numbers_fit_their_columns),
		T(a_line_fits_the_screen),
	};

	return cmocka_run_group_tests_name("top_text", tests, NULL, NULL);
}
