/* SPDX-License-Identifier: MIT */
/* What --verify writes and finds, the latencies, and the disks' names. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "frontend/latency.h"
#include "frontend/pattern.h"
#include "frontend/transport.h"
#include "frontend/vdev.h"

#define SEED 77u

/* ---- patterns --------------------------------------------------------------
 */

static uint8_t buf[8 * 512];

static void expect_wrong(uint64_t sector, uint32_t gen, const char *words)
{
	struct why why = { "" };

	assert_int_equal(
		pattern_check(buf, sizeof(buf), sector, gen, SEED, &why),
		-EILSEQ);
	if (!strstr(why.text, words))
		fail_msg("\"%s\" does not say \"%s\"", why.text, words);
}

static void test_pattern_right(void **state)
{
	(void)state;
	pattern_fill(buf, sizeof(buf), 1000, 3, SEED);
	assert_int_equal(pattern_check(buf, sizeof(buf), 1000, 3, SEED, NULL),
			 0);
	assert_int_equal(
		pattern_check(buf, sizeof(buf), 1000, PATTERN_ANY, SEED, NULL),
		0);
	/* A part of it is right in its own place. */
	assert_int_equal(pattern_check(buf + 512, 1024, 1001, 3, SEED, NULL),
			 0);
}

static void test_pattern_stale(void **state)
{
	(void)state;
	pattern_fill(buf, sizeof(buf), 1000, 3, SEED);
	expect_wrong(1000, 4, "a write was lost or came late");
	pattern_fill(buf, sizeof(buf), 1000, 5, SEED);
	expect_wrong(1000, 4, "was not asked for");
	/* Only the third sector is old. */
	pattern_fill(buf, sizeof(buf), 1000, 4, SEED);
	pattern_fill(buf + 1024, 512, 1002, 3, SEED);
	expect_wrong(1000, 4, "sector 1002 holds its writing 3");
}

static void test_pattern_misplaced(void **state)
{
	(void)state;
	pattern_fill(buf, sizeof(buf), 1008, 4, SEED);
	expect_wrong(1000, 4, "the data of sector 1008");
	expect_wrong(1000, PATTERN_ANY, "the data of sector 1008");
}

static void test_pattern_foreign(void **state)
{
	(void)state;
	pattern_fill(buf, sizeof(buf), 1000, 4, SEED + 1);
	expect_wrong(1000, 4, "another run");
	memset(buf, 0, sizeof(buf));
	expect_wrong(1000, 4, "nothing that --verify writes");
	expect_wrong(1000, PATTERN_ANY, "nothing that --verify writes");
	memset(buf, 0xa5, sizeof(buf));
	expect_wrong(1000, PATTERN_ANY, "nothing that --verify writes");
}

static void test_pattern_torn(void **state)
{
	unsigned at;

	(void)state;
	/* Any byte that is wrong is seen, wherever it is. */
	for (at = 0; at < sizeof(buf); at++) {
		pattern_fill(buf, sizeof(buf), 1000, 4, SEED);
		buf[at] ^= 1;
		assert_int_equal(
			pattern_check(buf, sizeof(buf), 1000, 4, SEED, NULL),
			-EILSEQ);
		assert_int_equal(pattern_check(buf, sizeof(buf), 1000,
					       PATTERN_ANY, SEED, NULL),
				 -EILSEQ);
	}
	pattern_fill(buf, sizeof(buf), 1000, 4, SEED);
	memset(buf + 512 + 128, 0, 384);
	expect_wrong(1000, 4, "sector 1001 is torn: it differs from byte 128");
}

/* ---- latencies --------------------------------------------------------------
 */

static void test_latency_empty(void **state)
{
	static struct latency l;

	(void)state;
	assert_int_equal(latency_percentile(&l, 50), 0);
	assert_int_equal(latency_percentile(&l, 100), 0);
}

static void test_latency_exact(void **state)
{
	static struct latency l;
	unsigned i;

	(void)state;
	for (i = 1; i <= 50; i++)
		latency_add(&l, i);
	assert_int_equal(l.min_ns, 1);
	assert_int_equal(l.max_ns, 50);
	assert_int_equal(latency_percentile(&l, 50), 25);
	assert_int_equal(latency_percentile(&l, 99), 50);
	assert_int_equal(latency_percentile(&l, 2), 1);
	assert_int_equal(latency_percentile(&l, 0), 1);
}

static void test_latency_wide(void **state)
{
	uint64_t ns;

	(void)state;
	/* Alone, between two extremes, each value is found to 1/32. */
	for (ns = 3; ns < UINT64_MAX / 16; ns += ns / 3 + 1) {
		struct latency l = { 0 };
		uint64_t median;

		latency_add(&l, 1);
		latency_add(&l, ns);
		latency_add(&l, UINT64_MAX);
		median = latency_percentile(&l, 50);
		assert_true(median >= ns);
		assert_true(median - ns <= ns / 32);
		assert_true(latency_percentile(&l, 100) == UINT64_MAX);
	}
}

static void test_latency_one(void **state)
{
	struct latency l = { 0 };

	(void)state;
	latency_add(&l, 1000001);
	assert_int_equal(latency_percentile(&l, 50), 1000001);
	assert_int_equal(latency_percentile(&l, 99), 1000001);
}

/* Of two queues: as if one had seen all. */
static void test_latency_merge(void **state)
{
	static struct latency a, b, all, sum;

	(void)state;
	for (unsigned i = 1; i <= 60; i++) {
		latency_add(i & 1 ? &a : &b, i * 1000);
		latency_add(&all, i * 1000);
	}
	latency_merge(&sum, &a);
	latency_merge(&sum, &b);
	assert_memory_equal(&sum, &all, sizeof(sum));
	memset(&b, 0, sizeof(b)); /* one that did nothing */
	latency_merge(&sum, &b);
	assert_memory_equal(&sum, &all, sizeof(sum));
}

static void test_abi_names(void **state)
{
	enum ring_abi abi = RING_ABI_X86_32;

	(void)state;
	assert_true(front_abi_parse("x86_64", &abi));
	assert_int_equal(abi, RING_ABI_X86_64);
	assert_true(front_abi_parse("x86_32", &abi));
	assert_int_equal(abi, RING_ABI_X86_32);
	assert_string_equal(front_abi_protocol(abi), "x86_32-abi");
	assert_true(front_abi_parse("native", &abi));
	assert_int_equal(abi, sizeof(void *) == 8 ? RING_ABI_X86_64
						  : RING_ABI_X86_32);
	assert_string_equal(front_abi_name(RING_ABI_X86_64), "x86_64");
	assert_false(front_abi_parse("x86_64-abi", &abi));
	assert_false(front_abi_parse("", &abi));
}

/* ---- names
 * -------------------------------------------------------------------- */

static void test_vdev_names(void **state)
{
	static const struct {
		const char *name;
		uint32_t devid;
	} cases[] = {
		{ "xvda", 51712 },
		{ "xvdb", 51728 },
		{ "xvda1", 51713 },
		{ "xvdp15", 51967 },
		{ "xvdq", (1u << 28) + (16 << 8) },
		{ "xvda16", (1u << 28) + 16 },
		{ "xvdaa", (1u << 28) + (26 << 8) },
		{ "xvdzz3", (1u << 28) + (701 << 8) + 3 },
		{ "hda", 768 },
		{ "hdb2", 768 + 66 },
		{ "sda", 2048 },
		{ "sdb1", 2065 },
	};
	char name[FRONT_VDEV_NAME_MAX];
	uint32_t devid;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(front_vdev_parse(cases[i].name, &devid, NULL),
				 0);
		assert_int_equal(devid, cases[i].devid);
		front_vdev_name(devid, name);
		assert_string_equal(name, cases[i].name);
	}
	assert_int_equal(front_vdev_parse("51712", &devid, NULL), 0);
	assert_int_equal(devid, 51712);
	front_vdev_name(5, name);
	assert_string_equal(name, "5");
	assert_int_equal(front_vdev_parse("5", &devid, NULL), 0);
	assert_int_equal(devid, 5);
}

static void test_vdev_nonsense(void **state)
{
	static const char *const bad[] = {
		"",	  "xvd",     "xvd1",	"xvdA",	       "xvda0",
		"xvda01", "xvda256", "xvda1x",	"xvda 1",      "vda",
		"0",	  "-1",	     "12x",	"hdc",	       "hda64",
		"sdq",	  "sda16",   "xvdzzzz", "99999999999",
	};
	uint32_t devid = 9;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct why why = { "" };

		if (front_vdev_parse(bad[i], &devid, &why) != -EINVAL)
			fail_msg("'%s' was taken for a disk", bad[i]);
		assert_non_null(strstr(why.text, "such as xvda"));
	}
	assert_int_equal(devid, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern_right),
		cmocka_unit_test(test_pattern_stale),
		cmocka_unit_test(test_pattern_misplaced),
		cmocka_unit_test(test_pattern_foreign),
		cmocka_unit_test(test_pattern_torn),
		cmocka_unit_test(test_latency_empty),
		cmocka_unit_test(test_latency_exact),
		cmocka_unit_test(test_latency_wide),
		cmocka_unit_test(test_latency_one),
		cmocka_unit_test(test_latency_merge),
		cmocka_unit_test(test_abi_names),
		cmocka_unit_test(test_vdev_names),
		cmocka_unit_test(test_vdev_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
