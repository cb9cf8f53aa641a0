/* SPDX-License-Identifier: MIT */
/* Histograms of the stages of requests: differences, figures, text, JSON. */
#include "top/hist.h"
#include "top/stages.h"
#include "top_rig.h"

static struct timing_stage_row rows_a[8], rows_b[8];
static struct top_stages was = { 0, rows_a }, is = { 0, rows_b }, d;

static int stages_fresh(void **state)
{
	memset(rows_a, 0, sizeof(rows_a));
	memset(rows_b, 0, sizeof(rows_b));
	was.count = is.count = 0;
	return fresh(state);
}

static int stages_done(void **state)
{
	top_stages_free(&d);
	return done(state);
}

/* A stage of disk xvda of domain 1, or of another one. */
static struct timing_hist *row_in(struct top_stages *s, uint16_t domid,
				  enum timing_stage stage)
{
	struct timing_stage_row *r = &s->rows[s->count++];

	r->key = (struct timing_stage_key){ 51712, domid, (uint16_t)stage };
	return &r->hist;
}

static void a_slot_holds_a_power_of_two(void **state)
{
	unsigned i;

	(void)state;
	assert_int_equal(timing_slot(0), 0);
	assert_int_equal(timing_slot(1), 0);
	assert_int_equal(timing_slot_from_ns(0), 0);
	for (i = 1; i < TIMING_SLOTS; i++) {
		uint64_t from = timing_slot_from_ns(i);

		assert_int_equal(from, 1ull << i);
		assert_int_equal(timing_slot(from - 1), i - 1);
		assert_int_equal(timing_slot(from), i);
		assert_int_equal(timing_slot(from + from - 1), i);
	}
	assert_int_equal(timing_slot(UINT64_MAX), TIMING_SLOTS - 1);
}

static void figures_of_a_histogram(void **state)
{
	struct timing_hist h = { .sum_ns = 0 };

	(void)state;
	assert_int_equal(top_hist_count(&h), 0);
	assert_true(top_hist_mean_ns(&h) == 0);
	assert_true(top_hist_quantile_ns(&h, 0.5) == 0);
	h.slot[10] = 98;
	h.slot[20] = 2;
	h.sum_ns = 98 * 1500 + 2 * 1500000;
	assert_int_equal(top_hist_count(&h), 100);
	assert_true(top_hist_mean_ns(&h) == 31470);
	assert_true(top_hist_quantile_ns(&h, 0.49) == 1024 + 512);
	assert_true(top_hist_quantile_ns(&h, 0.99) == (1 << 20) * 1.5);
}

static void an_interval_is_what_came_since(void **state)
{
	struct timing_hist *h;

	(void)state;
	h = row_in(&was, 1, TIMING_STORAGE);
	h->slot[12] = 3;
	h->sum_ns = 15000;
	h = row_in(&was, 2, TIMING_STORAGE);
	h->slot[12] = 9;
	row_in(&is, 1, TIMING_CHECK)->slot[9] = 4;
	h = row_in(&is, 1, TIMING_STORAGE);
	h->slot[12] = 5;
	h->slot[13] = 1;
	h->sum_ns = 33000;
	row_in(&is, 2, TIMING_STORAGE)->slot[12] = 8;
	assert_int_equal(top_stages_differ(&was, &is, &d), 0);
	assert_int_equal(d.count, 3);
	/* It was not there before. */
	assert_int_equal(d.rows[0].key.stage, TIMING_CHECK);
	assert_int_equal(d.rows[0].hist.slot[9], 4);
	assert_int_equal(d.rows[1].key.stage, TIMING_STORAGE);
	assert_int_equal(d.rows[1].hist.slot[12], 2);
	assert_int_equal(d.rows[1].hist.slot[13], 1);
	assert_int_equal(d.rows[1].hist.sum_ns, 18000);
	/* It has begun anew. */
	assert_int_equal(d.rows[2].key.domid, 2);
	assert_int_equal(d.rows[2].hist.slot[12], 8);
}

/* 1000 requests whose storage takes 16 us, but one in two hundred 2 ms. */
static void thousand(void)
{
	struct timing_hist *h = row_in(&is, 1, TIMING_CHECK);

	h->slot[10] = 1000;
	h->sum_ns = 1000 * 1500;
	h = row_in(&is, 1, TIMING_STORAGE);
	h->slot[14] = 995;
	h->slot[21] = 5;
	h->sum_ns = 995 * 20000 + 5 * 2500000;
}

static void write_table(FILE *to)
{
	top_stages_table(to, &rates, &is);
}

static void write_lines(FILE *to)
{
	top_stages_lines(to, "12:00:00", &rates, &is);
}

static void text_is(void (*write)(FILE *to), const char *want)
{
	char *text = NULL, *end;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	write(to);
	fclose(to);
	/* Nobody sees blanks at the end of a line. */
	while ((end = strstr(text, " \n")))
		memmove(end, end + 1, strlen(end));
	assert_string_equal(text, want);
	free(text);
}

static void a_table_of_each_disk(void **state)
{
	(void)state;
	thousand();
	between();
	text_is(write_table,
		"1/xvda    CHECK       START     STORAGE      ANSWER"
		"        TELL         ALL\n"
		"      N    1.0k           0        1.0k           0"
		"           0           0\n"
		"   MEAN   1.5us           -      32.4us           -"
		"           -           -\n"
		"    P50   1.5us           -      24.6us           -"
		"           -           -\n"
		"    P99   2.0us           -      32.7us           -"
		"           -           -\n"
		"  1.0us  1.0k #####\n"
		"  2.0us\n"
		"  4.1us\n"
		"  8.2us\n"
		" 16.4us                           995 #####\n"
		" 32.8us\n"
		" 65.5us\n"
		"  131us\n"
		"  262us\n"
		"  524us\n"
		"  1.0ms\n"
		"  2.1ms                             5 #\n"
		"\n");
}

static void an_idle_disk_has_a_table_without_slots(void **state)
{
	(void)state;
	between();
	text_is(write_table,
		"1/xvda    CHECK       START     STORAGE      ANSWER"
		"        TELL         ALL\n"
		"      N       0           0           0           0"
		"           0           0\n"
		"   MEAN       -           -           -           -"
		"           -           -\n"
		"    P50       -           -           -           -"
		"           -           -\n"
		"    P99       -           -           -           -"
		"           -           -\n"
		"\n");
}

static void a_line_for_each_stage_that_was(void **state)
{
	(void)state;
	thousand();
	row_in(&is, 2, TIMING_CHECK)->slot[10] = 7; /* a disk that has gone */
	between();
	text_is(write_lines,
		"12:00:00 1/xvda     check       1000   1.5us   1.5us"
		"   2.0us  1.0us:1000\n"
		"12:00:00 1/xvda     storage     1000  32.4us  24.6us"
		"  32.7us  16.4us:995 2.1ms:5\n");
}

static void json_has_all_stages_of_a_disk(void **state)
{
	struct json_object *o;

	(void)state;
	row_in(&is, 1, TIMING_ALL)->slot[14] = 2;
	is.rows[0].hist.sum_ns = 40000;
	between();
	o = top_stages_json(rates.rows, &is);
	assert_string_equal(
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
#define NONE                                                                   \
	"{\"requests\":0,\"mean_us\":null,\"p50_us\":null,\"p99_us\":null,"    \
	"\"buckets\":[]}"
		"{\"check\":" NONE ",\"start\":" NONE ",\"storage\":" NONE
		",\"answer\":" NONE ",\"tell\":" NONE
		",\"all\":{\"requests\":2,\"mean_us\":20.0,\"p50_us\":24."
		"576000000000001,"
		"\"p99_us\":32.60416,\"buckets\":[[16384,2]]}}");
	json_object_put(o);
}

#define S_T(name)                                                              \
	cmocka_unit_test_setup_teardown(name, stages_fresh, stages_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		S_T(a_slot_holds_a_power_of_two),
		S_T(figures_of_a_histogram),
		S_T(an_interval_is_what_came_since),
		S_T(a_table_of_each_disk),
		S_T(an_idle_disk_has_a_table_without_slots),
		S_T(a_line_for_each_stage_that_was),
		S_T(json_has_all_stages_of_a_disk),
	};

	return cmocka_run_group_tests_name("top_stages", tests, NULL, NULL);
}
