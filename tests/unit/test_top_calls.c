/* SPDX-License-Identifier: MIT */
/* The kernel's work for a daemon: differences, text, JSON. */
#include "top/calls.h"
#include "top/hist.h"
#include "top_rig.h"

static struct top_calls was, is, d;

static int calls_fresh(void **state)
{
	const struct timing_seen all = { true, true, true };

	memset(&was, 0, sizeof(was));
	memset(&is, 0, sizeof(is));
	is.seen = was.seen = all;
	return fresh(state);
}

/* So many calls of so many ns each. */
static void called(struct top_calls *c, unsigned kind, unsigned n, uint64_t ns)
{
	c->of[kind].slot[timing_slot(ns)] += n;
	c->of[kind].sum_ns += n * ns;
}

/* 200 requests, of two disks. */
static void requests(void)
{
	moment_init(&a, 10 * S, 2);
	moment_init(&b, 12 * S, 2);
	b.queue[0][0].requests[STATS_READ] = 150;
	b.queue[1][1].requests[STATS_WRITE] = 50;
	between();
}

static void an_interval_is_what_came_since(void **state)
{
	(void)state;
	called(&was, TIMING_PREAD, 3, 1000);
	called(&is, TIMING_PREAD, 5, 1000);
	called(&is, TIMING_URING, 7, 5000);
	is.seen.evtchn = false;
	top_calls_differ(&was, &is, &d);
	assert_int_equal(top_hist_count(&d.of[TIMING_PREAD]), 2);
	assert_int_equal(d.of[TIMING_PREAD].sum_ns, 2000);
	assert_int_equal(top_hist_count(&d.of[TIMING_URING]), 7);
	assert_true(d.seen.gntdev && !d.seen.evtchn && d.seen.uring);
}

static char *text_of(void (*write)(FILE *to))
{
	static char text[4096];
	FILE *to = fmemopen(text, sizeof(text), "w");

	assert_non_null(to);
	write(to);
	fclose(to);
	return text;
}

static void write_table(FILE *to)
{
	top_calls_table(to, &rates, &is);
}

static void write_lines(FILE *to)
{
	top_calls_lines(to, "12:00:00", &is);
}

/* 200 requests took 40 us of the kernel each, all of them io_uring's, too. */
static void work(void)
{
	called(&is, TIMING_GNTDEV_MAP, 100, 10000);
	called(&is, TIMING_EVTCHN_NOTIFY, 50, 2000);
	called(&is, TIMING_URING_ENTER, 345, 20000);
	called(&is, TIMING_URING, 200, 100000);
}

static void the_part_of_each_request(void **state)
{
	(void)state;
	requests();
	work();
	assert_string_equal(
		text_of(write_table),
		"CALL                N /REQUEST    MEAN     P99 A REQUEST\n"
		"gntdev_map        100     0.50  10.0us  16.3us     5.0us\n"
		"evtchn_notify      50     0.25   2.0us   2.0us     0.5us\n"
		"io_uring_enter    345     1.73  20.0us  32.6us    34.5us\n"
		"together          495     2.48  16.2us  32.5us    40.0us\n"
		"\n"
		"io_uring          200     1.00   100us   130us     100us\n"
		"  an operation, from submitted to completed\n");
}

static void without_requests_there_is_no_part(void **state)
{
	(void)state;
	between();
	called(&is, TIMING_READ, 2, 600);
	is.seen = (struct timing_seen){ .evtchn = true };
	assert_string_equal(
		text_of(write_table),
		"CALL                N /REQUEST    MEAN     P99 A REQUEST\n"
		"read                2        -   0.6us   1.0us         -\n"
		"together            2        -   0.6us   1.0us         -\n"
		"\n"
		"Not to be seen here: /dev/xen/gntdev, missing as on a desk; "
		"io_uring, of which this kernel does not tell\n");
}

static void unseen_is(bool gntdev, bool evtchn, bool uring, const char *want)
{
	const struct timing_seen seen = { gntdev, evtchn, uring };
	char text[200];

	top_calls_unseen(&seen, text, sizeof(text));
	assert_string_equal(text, want);
}

static void what_cannot_be_seen_is_told(void **state)
{
	(void)state;
	unseen_is(true, true, true, "");
	unseen_is(false, false, true,
		  "Not to be seen here: /dev/xen/gntdev and /dev/xen/evtchn, "
		  "missing as on a desk");
	unseen_is(true, false, true,
		  "Not to be seen here: /dev/xen/evtchn, missing as on a desk");
	unseen_is(true, true, false,
		  "Not to be seen here: io_uring, of which this kernel does "
		  "not tell");
}

static void a_line_for_each_kind_that_was(void **state)
{
	(void)state;
	requests();
	called(&is, TIMING_MUNMAP, 9, 1500);
	called(&is, TIMING_URING, 4, 1500);
	assert_string_equal(
		text_of(write_lines),
		"12:00:00 kernel     munmap               9   1.5us   1.5us"
		"   2.0us  1.0us:9\n"
		"12:00:00 kernel     io_uring             4   1.5us   1.5us"
		"   2.0us  1.0us:4\n");
}

static uint64_t number_in(struct json_object *o, const char *name)
{
	return json_object_get_uint64(json_object_object_get(o, name));
}

static void json_has_all_kinds(void **state)
{
	struct json_object *o, *calls, *of;

	(void)state;
	requests();
	work();
	is.seen.gntdev = false;
	o = top_calls_json(&rates, &is);
	assert_int_equal(number_in(o, "requests"), 200);
	calls = json_object_object_get(o, "calls");
	assert_int_equal(json_object_object_length(calls), TIMING_CALLS);
	of = json_object_object_get(calls, "gntdev_map");
	assert_string_equal(
		json_object_to_json_string_ext(of, JSON_C_TO_STRING_PLAIN),
		"{\"calls\":100,\"mean_us\":10.0,\"p50_us\":12.288,"
		"\"p99_us\":16.30208,\"buckets\":[[8192,100]],"
		"\"ns\":1000000,\"us_per_request\":5.0}");
	of = json_object_object_get(o, "together");
	assert_int_equal(number_in(of, "calls"), 495);
	assert_int_equal(number_in(of, "ns"), 8000000);
	of = json_object_object_get(o, "io_uring");
	assert_int_equal(number_in(of, "operations"), 200);
	assert_string_equal(json_object_to_json_string_ext(
				    json_object_object_get(o, "unseen"),
				    JSON_C_TO_STRING_PLAIN),
			    "[\"gntdev\"]");
	json_object_put(o);
}

#define C_T(name) cmocka_unit_test_setup_teardown(name, calls_fresh, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		C_T(an_interval_is_what_came_since),
		C_T(the_part_of_each_request),
		C_T(without_requests_there_is_no_part),
		C_T(what_cannot_be_seen_is_told),
		C_T(a_line_for_each_kind_that_was),
		C_T(json_has_all_kinds),
	};

	return cmocka_run_group_tests_name("top_calls", tests, NULL, NULL);
}
