/* SPDX-License-Identifier: MIT */
/* From two samples to rates: differences, latencies, stuck rings. */
#include "top_rig.h"

static void near(double got, double want)
{
	if (got < want * 0.999 - 1e-9 || got > want * 1.001 + 1e-9)
		fail_msg("%g instead of %g", got, want);
}

static void text_is(const struct top_row *disk, const char *want)
{
	char text[200];

	top_stuck_text(disk, text, sizeof(text));
	assert_string_equal(text, want);
}

/* ---- rates --------------------------------------------------------------- */

static void rates_are_differences_by_time(void **state)
{
	const struct top_row *r;

	(void)state;
	a.queue[0][0].requests[STATS_READ] = 100;
	b.queue[0][0].requests[STATS_READ] = 300;
	b.queue[0][1].requests[STATS_WRITE] = 50;
	a.queue[0][0].bytes[STATS_READ] = 4096;
	b.queue[0][0].bytes[STATS_READ] = 4096 + (2u << 20);
	a.queue[0][0].waited_ns[STATS_READ] = 7 * S;
	b.queue[0][0].waited_ns[STATS_READ] = 7 * S + 200 * MS;
	a.queue[0][0].errors[STATS_READ] = 2;
	b.queue[0][0].errors[STATS_READ] = 5;
	a.queue[0][0].pushes = 10;
	b.queue[0][0].pushes = 30;
	a.queue[0][0].notifies = 8;
	b.queue[0][0].notifies = 13;
	b.queue[0][0].in_flight = 3;
	a.queue[0][0].in_flight = 30; /* is "now", and may fall */
	a.queue[0][1].kept_pages = 9;
	b.queue[0][1].in_flight = 4;
	b.queue[0][0].refused = 2;
	r = between();

	assert_int_equal(rates.nrows, 3);
	assert_int_equal(r[0].queue, TOP_DISK_ROW);
	assert_int_equal(r[2].queue, 1);
	assert_true(r[0].known);
	assert_int_equal(r[0].ns, 2 * S);
	near(r[0].iops, 125);
	near(r[1].iops, 100);
	near(r[2].iops, 25);
	near(r[0].bytes_s, 1 << 20);
	near(r[1].mean_ns, 1 * MS);
	near(r[0].mean_ns, 200 * MS / 250.0);
	near(r[2].mean_ns, 0);
	assert_int_equal(r[0].errors, 3);
	assert_int_equal(r[0].total_errors, 5);
	assert_int_equal(r[0].total.refused, 2);
	assert_int_equal(r[0].d.notifies, 5);
	assert_int_equal(top_suppressed(&r[0].d), 15);
	assert_int_equal(r[0].in_flight, 7);
	assert_int_equal(r[0].entries, 64);
	assert_int_equal(r[1].entries, 32);
}

static void the_first_sample_has_no_rates(void **state)
{
	char line[TOP_LINE_MAX];

	(void)state;
	b.queue[0][0].requests[STATS_READ] = 300;
	b.queue[0][0].in_flight = 3;
	assert_int_equal(top_rates_make(NULL, &b.sample, NULL, S, &rates), 0);
	assert_false(rates.rows[0].known);
	near(rates.rows[0].iops, 0);
	assert_int_equal(rates.rows[0].in_flight, 3);
	assert_int_equal(rates.rows[0].total.requests[STATS_READ], 300);
	top_line(rates.rows, 30, line);
	assert_string_equal(line, "1/xvda        3/64      -");
}

/* A disk that is new, came again, or whose counters went back. */
static void counters_that_begin_anew_count_from_0(void **state)
{
	const struct top_row *r;

	(void)state;
	a.queue[0][0].requests[STATS_READ] = 1000;
	b.queue[0][0].requests[STATS_READ] = 50;
	a.sample.ndisks = 0;
	b.disk[0].file.header.since_ns = 11 * S;
	near(between()->iops, 50);
	a.sample.ndisks = 1;
	near(between()->iops, 50); /* another connection */
	b.disk[0].file.header.since_ns = 1 * S;
	a.queue[0][0].requests[STATS_READ] = 10;
	near(between()->iops, 20);
	b.disk[0].file.header.pid = 8;
	near(between()->iops, 50 / 11.0); /* another daemon */
	b.disk[0].file.header.pid = 7;
	a.queue[0][0].requests[STATS_READ] = 1000;
	r = between(); /* that should not be, but what went back is no 2^64 */
	near(r->iops, 50 / 11.0);
	assert_int_equal(r->requests, 50);
	/* Fewer queues are another connection, too. */
	a.queue[0][0].requests[STATS_READ] = 10;
	b.disk[0].file.header.queues = 1;
	near(between()->iops, 50 / 11.0);
	assert_int_equal(rates.nrows, 2);
	/* No time at all is no division by zero. */
	b.disk[0].file.header.since_ns = 12 * S;
	near(between()->iops, 0);
}

static void disks_come_and_go(void **state)
{
	const struct top_row *r;

	(void)state;
	moment_init(&a, 10 * S, 2); /* 1 and 2 */
	moment_init(&b, 12 * S, 3);
	b.sample.disks = &b.disk[1]; /* 2 and 3 */
	b.sample.ndisks = 2;
	a.queue[0][0].requests[STATS_READ] = 500;
	a.queue[1][0].requests[STATS_READ] = 100;
	b.queue[1][0].requests[STATS_READ] = 120;
	b.queue[2][0].requests[STATS_READ] = 4;
	b.disk[2].file.header.since_ns = 11 * S;
	r = between();
	assert_int_equal(rates.nrows, 6);
	assert_int_equal(r[0].domid, 2);
	near(r[0].iops, 10);
	assert_int_equal(r[3].domid, 3);
	near(r[3].iops, 4);
	b.sample.ndisks = 0;
	between();
	assert_int_equal(rates.nrows, 0);
}

/* ---- latencies ----------------------------------------------------------- */

static void quantiles_lie_in_their_slot(void **state)
{
	uint64_t l[STATS_LATENCIES] = { 0 };
	double p;

	(void)state;
	near(top_latency_quantile(l, 0.5), 0);
	l[stats_latency_slot(100 * US)] = 98;
	l[stats_latency_slot(7 * MS)] = 2;
	p = top_latency_quantile(l, 0.5);
	assert_int_equal(stats_latency_slot((uint64_t)p),
			 stats_latency_slot(100 * US));
	near(p, 98304 + 16384 * 50 / 98.0);
	p = top_latency_quantile(l, 0.99);
	assert_int_equal(stats_latency_slot((uint64_t)p),
			 stats_latency_slot(7 * MS));
	l[STATS_LATENCIES - 1] = 1000; /* which has no end */
	near(top_latency_quantile(l, 0.99),
	     (double)stats_latency_from_ns(STATS_LATENCIES - 1));
}

static void quantiles_are_of_what_is_new(void **state)
{
	const struct top_row *r;

	(void)state;
	a.queue[0][0].latency[40] = 1000000;
	b.queue[0][0].latency[40] = 1000000;
	b.queue[0][0].latency[10] = 5;
	b.queue[0][1].latency[20] = 5;
	r = between();
	assert_int_equal(stats_latency_slot((uint64_t)r[1].p99_ns), 10);
	assert_int_equal(stats_latency_slot((uint64_t)r[0].p99_ns), 20);
	/* An older daemon has none. */
	b.queue[0][0].latency[10] = b.queue[0][1].latency[20] = 0;
	b.queue[0][0].requests[STATS_READ] = 9;
	near(between()->p99_ns, 0);
}

/* ---- stuck rings --------------------------------------------------------- */

static void requests_that_nobody_answers_are_stuck(void **state)
{
	(void)state;
	b.queue[0][1].in_flight = 3;
	b.queue[0][1].still_ns = 8 * S; /* 4 s */
	assert_int_equal(between()->stuck, TOP_NOT_STUCK);
	text_is(rates.rows, "");
	b.queue[0][1].still_ns = 7 * S;
	assert_int_equal(between()->stuck, TOP_STUCK_SILENT);
	assert_int_equal(rates.rows[1].stuck, TOP_NOT_STUCK);
	assert_int_equal(rates.rows[2].stuck, TOP_STUCK_SILENT);
	text_is(rates.rows,
		"queue 1: 3 requests in flight, none answered for 5 s");
	b.queue[0][1].in_flight = 0;
	assert_int_equal(between()->stuck, TOP_NOT_STUCK);
	/* With the first sample it is known as well. */
	b.queue[0][1].in_flight = 3;
	top_rates_free(&rates);
	top_rates_make(NULL, &b.sample, NULL, 5 * S, &rates);
	assert_int_equal(rates.rows[0].stuck, TOP_STUCK_SILENT);
}

/* The next sample, 2 s later, in which nothing has happened. */
static const struct top_row *later(void)
{
	top_rates_free(&last);
	last = rates;
	memset(&rates, 0, sizeof(rates));
	memcpy(a.queue, b.queue, sizeof(a.queue));
	a.disk[0].at_ns = b.disk[0].at_ns;
	b.disk[0].at_ns += 2 * S;
	return between();
}

static void requests_that_nobody_takes_are_stuck(void **state)
{
	(void)state;
	b.disk[0].file.header.queues = 1;
	a.disk[0].file.header.queues = 1;
	b.queue[0][0].pending = 2; /* seen for the first time */
	assert_int_equal(between()->untaken_ns, 0);
	assert_int_equal(later()->untaken_ns, 2 * S);
	assert_int_equal(later()->stuck, TOP_NOT_STUCK);
	assert_int_equal(later()->stuck, TOP_STUCK_UNTAKEN);
	text_is(rates.rows, "2 requests in the ring, none taken for 6 s");

	/* One is taken, others are in the ring still. */
	later();
	b.queue[0][0].in_flight = 1;
	assert_int_equal(between()->untaken_ns, 0);
	assert_int_equal(later()->untaken_ns, 2 * S);
	b.queue[0][0].in_flight = 0;
	b.queue[0][0].requests[STATS_FLUSH] = 1;
	assert_int_equal(between()->untaken_ns, 0);
	assert_int_equal(later()->untaken_ns, 2 * S);
	b.queue[0][0].requests[STATS_FLUSH] = 2;
	assert_int_equal(between()->untaken_ns, 0);
	assert_int_equal(later()->untaken_ns, 2 * S);
	b.queue[0][0].refused = 1;
	assert_int_equal(between()->untaken_ns, 0);
}

static void a_stopped_daemon_has_stuck_rings(void **state)
{
	(void)state;
	b.sample.stopped = true;
	assert_int_equal(between()->stuck, TOP_STUCK_STOPPED);
	text_is(rates.rows, "the process of ringsided is stopped");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rates_are_differences_by_time),
		T(the_first_sample_has_no_rates),
		T(counters_that_begin_anew_count_from_0),
		T(disks_come_and_go),
		T(quantiles_lie_in_their_slot),
		T(quantiles_are_of_what_is_new),
		T(requests_that_nobody_answers_are_stuck),
		T(requests_that_nobody_takes_are_stuck),
		T(a_stopped_daemon_has_stuck_rings),
	};

	return cmocka_run_group_tests_name("top", tests, NULL, NULL);
}
