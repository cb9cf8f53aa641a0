/* SPDX-License-Identifier: MIT */
/* Numbers from untrusted text, sentences, and log lines. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/asleep.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/number.h"
#include "base/stats.h"
#include "base/why.h"

static void number_is(const char *text, uint64_t min, uint64_t max, int err,
		      uint64_t value)
{
	uint64_t out = 4711;
	int got = number_parse(text, min, max, &out);

	if (got != err || out != (err ? 4711 : value))
		fail_msg("\"%s\": %d, %llu", text, got,
			 (unsigned long long)out);
}

static void test_number(void **state)
{
	(void)state;
	number_is("0", 0, UINT64_MAX, 0, 0);
	number_is("51712", 0, UINT64_MAX, 0, 51712);
	number_is("007", 0, 10, 0, 7);
	number_is("18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX);
	number_is("18446744073709551616", 0, UINT64_MAX, -ERANGE, 0);
	number_is("99999999999999999999999", 0, UINT64_MAX, -ERANGE, 0);
	number_is("4", 5, 10, -ERANGE, 0);
	number_is("5", 5, 10, 0, 5);
	number_is("10", 5, 10, 0, 10);
	number_is("11", 5, 10, -ERANGE, 0);
}

/* XB-08: decimal digits and nothing else. */
static void test_number_refused(void **state)
{
	static const char *const bad[] = { "",	  " ",	 " 1",	"1 ",  "+1",
					   "-1",  "0x1", "1k",	"1.0", "1\n",
					   "one", "1 2", "--1", "\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		number_is(bad[i], 0, UINT64_MAX, -EINVAL, 0);
}

static void size_is(const char *text, int err, uint64_t value)
{
	uint64_t out = 4711;
	int got = number_parse_size(text, 1, UINT64_MAX, &out);

	if (got != err || out != (err ? 4711 : value))
		fail_msg("\"%s\": %d, %llu", text, got,
			 (unsigned long long)out);
}

static void test_size(void **state)
{
	(void)state;
	size_is("512", 0, 512);
	size_is("64k", 0, 65536);
	size_is("64K", 0, 65536);
	size_is("1M", 0, 1u << 20);
	size_is("3G", 0, 3ull << 30);
	size_is("2T", 0, 2ull << 40);
	size_is("16777215T", 0, 16777215ull << 40);
	size_is("16777216T", -ERANGE, 0); /* 2^64 */
	size_is("16777217T", -ERANGE, 0);
	size_is("0", -ERANGE, 0);
	size_is("0k", -ERANGE, 0);
	size_is("", -EINVAL, 0);
	size_is("k", -EINVAL, 0);
	size_is("1kk", -EINVAL, 0);
	size_is("1kB", -EINVAL, 0);
	size_is("1P", -EINVAL, 0);
	size_is("1 k", -EINVAL, 0);
	size_is("-1k", -EINVAL, 0);
}

static void test_why(void **state)
{
	struct why why;
	char longer[1000];

	(void)state;
	assert_int_equal(why_set(&why, -ENOENT, "%s is %d", "it", 7), -ENOENT);
	assert_string_equal(why.text, "it is 7");
	assert_int_equal(why_set(NULL, -EIO, "nobody asks"), -EIO);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(why_set(&why, -1, "%s", longer), -1);
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);

	/* A guest's words stay in their line and leave a terminal alone. */
	why_set(&why, -1, "\"%s\"", "\xc3\xa9\nringsided: \x1b[2J\x7f");
	assert_string_equal(why.text, "\"\xc3\xa9?ringsided: ?[2J?\"");
	/* Nor by a control character of eight bits, in UTF-8 or not. */
	why_set(&why, -1, "%s", "\xc2\x9b\x32J \x9b\x32J");
	assert_string_equal(why.text, "??2J ?2J");
}

/* ---- what comes out on stderr ---- */

static int saved_stderr, capture[2];

static int capture_start(void **state)
{
	(void)state;
	saved_stderr = dup(STDERR_FILENO);
	return pipe2(capture, O_CLOEXEC | O_NONBLOCK) ||
	       dup2(capture[1], STDERR_FILENO) < 0;
}

static int capture_stop(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(capture[0]);
	close(capture[1]);
	log_open("ringside", LOG_LEVEL_INFO);
	return 0;
}

static const char *captured(void)
{
	static char text[8192];
	ssize_t n = read(capture[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_log_levels(void **state)
{
	(void)state;
	log_open("prog", LOG_LEVEL_WARN);
	log_error("one %d", 1);
	log_warn("two");
	log_info("three");
	log_debug("four");
	assert_string_equal(captured(),
			    "prog: error: one 1\nprog: warning: two\n");
	log_open("prog", LOG_LEVEL_DEBUG);
	log_info("three");
	log_debug("four");
	assert_string_equal(captured(), "prog: three\nprog: four\n");
}

/* A line of any length stays one line, and ends. */
static void test_log_long(void **state)
{
	char longer[4000];
	const char *text;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	log_open("prog", LOG_LEVEL_INFO);
	log_info("%s", longer);
	text = captured();
	assert_in_range(strlen(text), 500, 1024);
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	log_info("next");
	assert_string_equal(captured(), "prog: next\n");
}

static void test_log_limit(void **state)
{
	struct log_limit limit = { 0 };
	unsigned passed = 0;

	(void)state;
	log_open("prog", LOG_LEVEL_INFO);
	for (int i = 0; i < 100; i++)
		passed += log_limit_pass(&limit) != 0;
	assert_int_equal(passed, LOG_LIMIT_BURST);
	assert_string_equal(captured(), "");
	/* A window later, what was held back is told, and it passes again. */
	limit.window_ns -= 11000000000u;
	assert_true(log_limit_pass(&limit));
	assert_non_null(strstr(captured(), " 95 further lines"));
	limit.window_ns -= 11000000000u;
	assert_true(log_limit_pass(&limit));
	assert_string_equal(captured(), "");
}

static void test_clock(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint64_t now = clock_now_ns();

		assert_true(now && now >= last);
		last = now;
	}
}

#define captured_test(f)                                                       \
	cmocka_unit_test_setup_teardown(f, capture_start, capture_stop)

static void test_latency_slots(void **state)
{
	unsigned i;

	(void)state;
	assert_int_equal(stats_latency_slot(0), 0);
	assert_int_equal(stats_latency_slot(1023), 0);
	assert_int_equal(stats_latency_slot(1024), 1);
	assert_int_equal(stats_latency_slot(1280), 2);
	assert_int_equal(stats_latency_slot(2047), 4);
	assert_int_equal(stats_latency_slot(2048), 5);
	assert_int_equal(stats_latency_slot(UINT64_MAX), STATS_LATENCIES - 1);
	for (i = 1; i < STATS_LATENCIES; i++) {
		uint64_t ns = stats_latency_from_ns(i);

		assert_int_equal(stats_latency_slot(ns), i);
		assert_int_equal(stats_latency_slot(ns - 1), i - 1);
	}
}

/* ---- another program ----------------------------------------------------- */

enum doing { DO_SLEEP, DO_WAKE_UP, DO_START_ONE, DO_END_ONE };

static void *compute(void *unused)
{
	volatile unsigned long i;
	clock_t until = clock() + CLOCKS_PER_SEC / 10;

	for (i = 0; clock() < until; i++)
		;
	usleep(100000);
	return unused;
}

/*
 * A process that sleeps; or wakes up now and then; or whose child does; or
 * one of whose threads computes, sleeps, and ends.
 */
static pid_t program_start(enum doing what)
{
	pid_t pid = fork();
	pthread_t thread;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (what == DO_START_ONE && !fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		what = DO_WAKE_UP;
	}
	if (what == DO_END_ONE)
		pthread_create(&thread, NULL, compute, NULL);
	for (;;)
		usleep(what == DO_WAKE_UP ? 50000 : 100000000);
}

/* What is seen of it at last, when it was looked at for long enough. */
static enum asleep seen_of(enum doing what)
{
	pid_t pid = program_start(what);
	struct asleep_watch w;
	enum asleep how = ASLEEP_NO;
	unsigned i;

	usleep(50000);
	asleep_open(&w, pid);
	assert_int_equal(w.pids, what == DO_START_ONE ? 2 : 1);
	for (i = 0; i < 3 * ASLEEP_LOOKS && how == ASLEEP_NO; i++) {
		usleep(ASLEEP_LOOK_NS / 1000);
		how = asleep_look(&w);
	}
	if (how == ASLEEP_SLEEPS)
		assert_true(i >= ASLEEP_LOOKS);
	/* Another wait begins, and has seen nothing yet. */
	asleep_begin(&w);
	usleep(ASLEEP_LOOK_NS / 1000);
	assert_int_equal(asleep_look(&w), ASLEEP_NO);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return how;
}

static void test_asleep(void **state)
{
	struct asleep_watch w;

	(void)state;
	assert_int_equal(seen_of(DO_SLEEP), ASLEEP_SLEEPS);
	assert_int_equal(seen_of(DO_WAKE_UP), ASLEEP_NO);
	assert_int_equal(seen_of(DO_START_ONE), ASLEEP_NO);
	assert_int_equal(seen_of(DO_END_ONE), ASLEEP_SLEEPS);
	asleep_open(&w, 0);
	usleep(ASLEEP_LOOK_NS / 1000);
	assert_int_equal(asleep_look(&w), ASLEEP_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_number_refused),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_why),
		captured_test(test_log_levels),
		captured_test(test_log_long),
		captured_test(test_log_limit),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_latency_slots),
		cmocka_unit_test(test_asleep),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
