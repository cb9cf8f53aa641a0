/* SPDX-License-Identifier: MIT */
/* The layer that makes storage slow, wrong or failing, and holds it to rates.
 */
#include "disk_rig.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "disk/inject.h"

#define MS 1000000u

static struct inject_rules rules;
static struct disk *disk;
static struct disk_queue *queue;
static struct why why;

/* A disk under these rules. */
static void open_with(const char *target, const char *text, const char *limit)
{
	struct disk_options opt = { .inject = &rules };

	memset(&rules, 0, sizeof(rules));
	assert_int_equal(inject_parse(text, &rules, &why), 0);
	assert_int_equal(inject_limit_parse(limit, &rules, &why), 0);
	assert_int_equal(disk_open(target, &opt, &disk, &why), 0);
	assert_string_equal(disk->ops->name, "inject");
	assert_string_equal(disk->target, target);
	assert_int_equal(disk->ops->queue_open(disk, 64, &queue, &why), 0);
}

static void close_all(void)
{
	disk->ops->queue_close(queue);
	disk_close(disk);
}

static int run(enum disk_op_kind kind, uint64_t sector, void *buf, size_t len)
{
	return rig_io(disk, queue, kind, sector * 512, buf, len);
}

/* ---- texts -------------------------------------------------------------- */

static void refused(const char *text, const char *says)
{
	memset(&rules, 0, sizeof(rules));
	assert_int_equal(inject_parse(text, &rules, &why), -EINVAL);
	if (!strstr(why.text, says) || strchr(why.text, '\n'))
		fail_msg("\"%s\" -> \"%s\"", text, why.text);
}

static void rules_are_read(void **state)
{
	const struct inject_rule *r = rules.rule;

	(void)state;
	memset(&rules, 0, sizeof(rules));
	assert_false(inject_wanted(&rules));
	assert_int_equal(inject_parse(" ; ", &rules, &why), 0);
	assert_int_equal(rules.count, 0);
	assert_int_equal(inject_parse("op=read sector=2048+8 errno=EIO "
				      "rate=0.5 delay=5ms; short,reorder "
				      "corrupt",
				      &rules, &why),
			 0);
	assert_int_equal(inject_parse("op=flush delay=2s", &rules, &why), 0);
	assert_int_equal(rules.count, 3);
	assert_int_equal(r[0].ops, 1u << DISK_READ);
	assert_int_equal(r[0].off_bytes, 2048 * 512);
	assert_int_equal(r[0].len_bytes, 4096);
	assert_int_equal(r[0].error, -EIO);
	assert_int_equal(r[0].delay_ns, 5 * MS);
	assert_in_range(r[0].rate, UINT32_MAX / 2 - 2, UINT32_MAX / 2 + 2);
	assert_true(r[1].cut && r[1].reorder && r[1].corrupt);
	assert_int_equal(r[1].ops, 15);
	assert_int_equal(r[1].rate, UINT32_MAX);
	assert_int_equal(r[2].delay_ns, 2000000000);
	assert_int_equal(inject_limit_parse("iops=1000 bps=10M", &rules, &why),
			 0);
	assert_int_equal(rules.iops, 1000);
	assert_int_equal(rules.bps, 10 << 20);
	assert_true(inject_wanted(&rules));
}

static void what_is_no_rule_is_told(void **state)
{
	char many[200] = "", large[2000];
	unsigned i;

	(void)state;
	refused("op=read", "does nothing");
	refused("delay=5ms; op=write rate=1",
		"\"op=write rate=1\" does nothing");
	refused("op=trim errno=EIO", "op=read, write, flush or discard");
	refused("op errno=EIO", "op=read, write, flush or discard");
	refused("errno=5", "errno=EIO");
	refused("errno=EIO rate=0", "more than 0 and at most 1");
	refused("errno=EIO rate=1.1", "more than 0 and at most 1");
	refused("errno=EIO rate=nan", "more than 0 and at most 1");
	refused("errno=EIO rate=", "more than 0 and at most 1");
	refused("delay=5", "delay=5ms");
	refused("delay=61s", "up to 60s");
	refused("delay=ms", "delay=5ms");
	refused("delay=99999999999999999999999999us", "delay=5ms");
	refused("errno=EIO sector=x", "sector=2048+8");
	refused("errno=EIO sector=8+0", "sector=2048+8");
	refused("errno=EIO sector=8+", "sector=2048+8");
	refused("errno=EIO sector=+8", "sector=2048+8");
	refused("errno=EIO sector=36028797018963967+1", "sector=2048+8");
	refused("short=1", "\"short\" is no word");
	refused("slow", "\"slow\" is no word");
	for (i = 0; i < 17; i++)
		strcat(many, "short;");
	refused(many, "more than 16");
	memset(large, ';', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	refused(large, "longer than 1023");
	assert_int_equal(inject_limit_parse("iops=0", &rules, &why), -EINVAL);
	assert_int_equal(inject_limit_parse("iops=9 bps=511", &rules, &why),
			 -EINVAL);
	assert_non_null(strstr(why.text, "\"bps=511\""));
	assert_int_equal(inject_limit_parse("speed=1", &rules, &why), -EINVAL);
}

/* ---- what they do ------------------------------------------------------- */

static void an_error_where_it_is_said(void **state)
{
	char buf[4096] = "";

	(void)state;
	open_with("mem:64k", "op=read sector=16+8 errno=ENOSPC", "");
	assert_int_equal(run(DISK_READ, 16, buf, 512), -ENOSPC);
	assert_int_equal(run(DISK_READ, 23, buf, 512), -ENOSPC);
	assert_int_equal(run(DISK_READ, 9, buf, 4096), -ENOSPC);
	assert_int_equal(run(DISK_READ, 8, buf, 4096), 0);
	assert_int_equal(run(DISK_READ, 24, buf, 512), 0);
	assert_int_equal(run(DISK_WRITE, 16, buf, 512), 0);
	assert_int_equal(run(DISK_FLUSH, 0, NULL, 0), 0);
	close_all();
}

static void a_rate_is_kept(void **state)
{
	unsigned i, failed = 0;
	char buf[512];

	(void)state;
	open_with("mem:64k", "errno=EIO rate=0.1", "");
	for (i = 0; i < 2000; i++)
		failed += run(DISK_READ, 0, buf, 512) != 0;
	assert_in_range(failed, 150, 250);
	close_all();
}

static void a_delay_holds_back_what_it_names(void **state)
{
	char buf[2][512] = { "" };
	struct iovec iov[2] = { { buf[0], 512 }, { buf[1], 512 } };
	struct disk_op op[2] = {
		{ .iov_count = 1, .iov = &iov[0], .len_bytes = 512 },
		{ .iov_count = 1,
		  .iov = &iov[1],
		  .off_bytes = 512,
		  .len_bytes = 512 },
	};
	struct disk_op *done[2];
	uint64_t start = clock_now_ns();

	(void)state;
	open_with("mem:64k", "sector=0 delay=30ms", "");
	disk->ops->submit(queue, &op[0]);
	disk->ops->submit(queue, &op[1]);
	disk->ops->kick(queue);
	assert_int_equal(rig_reap(disk, queue, done, 2), 1);
	assert_ptr_equal(done[0], &op[1]);
	assert_int_equal(op[1].injected, 0);
	assert_int_equal(op[1].held_ns, 0);
	assert_int_equal(rig_reap(disk, queue, done, 2), 1);
	assert_ptr_equal(done[0], &op[0]);
	assert_true(clock_now_ns() - start >= 30 * MS);
	assert_int_equal(op[0].injected, DISK_INJECTED_DELAY);
	assert_int_equal(op[0].inject_rules, 1);
	assert_true(op[0].held_ns >= 30 * MS);
	close_all();
}

/* Three operations whose delays end in another order than they came. */
static void nothing_is_held_back_in_a_hurry(void **state)
{
	char buf[2][512] = { "" };
	struct iovec iov[2] = { { buf[0], 512 }, { buf[1], 512 } };
	struct disk_op op[2] = {
		{ .iov_count = 1, .iov = &iov[0], .len_bytes = 512 },
		{ .iov_count = 1, .iov = &iov[1], .len_bytes = 512 },
	};
	struct disk_op *done[2];
	unsigned n = 0;

	(void)state;
	open_with("mem:64k", "delay=60s", "bps=512");
	disk->ops->submit(queue, &op[0]);
	disk->ops->kick(queue);
	assert_int_equal(disk->ops->reap(queue, done, 2), 0);
	disk->ops->hurry(queue, false);
	disk->ops->submit(queue, &op[1]);
	disk->ops->kick(queue);
	while (n < 2)
		n += rig_reap(disk, queue, done + n, 2 - n);
	assert_int_equal(op[0].error, 0);
	assert_int_equal(op[1].error, 0);
	close_all();
}

/* Or a guest would have what its limit holds back, by closing. */
static void what_is_held_back_is_abandoned(void **state)
{
	char buf[512] = "x";
	struct iovec iov = { buf, 512 };
	struct disk_op op[4], *done[4];
	unsigned n = 0, i;

	(void)state;
	open_with("mem:64k", "op=read delay=60s", "bps=512");
	for (i = 0; i < 4; i++) {
		op[i] = (struct disk_op){ .kind = DISK_WRITE,
					  .iov_count = 1,
					  .iov = &iov,
					  .len_bytes = 512 };
		disk->ops->submit(queue, &op[i]);
	}
	disk->ops->kick(queue);
	while (!n)
		n = rig_reap(disk, queue, done, 4);
	disk->ops->hurry(queue, true);
	while (n < 4)
		n += rig_reap(disk, queue, done + n, 4 - n);
	assert_int_equal(op[0].error, 0);
	assert_int_equal(op[2].error, -ECANCELED);
	assert_int_equal(op[3].error, -ECANCELED);
	close_all();
}

static void delays_end_in_their_own_order(void **state)
{
	static const unsigned order[] = { 1, 2, 0 };
	struct disk_op op[3], *done[1];
	char buf[512];
	struct iovec iov = { buf, 512 };
	unsigned i;

	(void)state;
	open_with("mem:64k",
		  "sector=0 delay=60ms; sector=1 delay=10ms; "
		  "sector=2 delay=30ms errno=EIO",
		  "");
	for (i = 0; i < 3; i++) {
		op[i] = (struct disk_op){ .iov_count = 1,
					  .iov = &iov,
					  .off_bytes = i * 512,
					  .len_bytes = 512 };
		disk->ops->submit(queue, &op[i]);
	}
	disk->ops->kick(queue);
	for (i = 0; i < 3; i++) {
		assert_int_equal(rig_reap(disk, queue, done, 1), 1);
		assert_ptr_equal(done[0], &op[order[i]]);
		assert_int_equal(done[0]->error, order[i] == 2 ? -EIO : 0);
	}
	close_all();
}

static void half_of_a_short_transfer(void **state)
{
	char a[1024], b[1024], c[1024];
	struct iovec iov[2] = { { a, 1024 }, { b, 1024 } };
	struct disk_op op = { .kind = DISK_WRITE,
			      .iov_count = 2,
			      .iov = iov,
			      .len_bytes = 2048 };

	(void)state;
	open_with("mem:64k", "sector=0+4 short", "");
	memset(a, 1, sizeof(a));
	memset(b, 2, sizeof(b));
	memset(c, 3, sizeof(c));
	assert_int_equal(rig_run(disk, queue, &op), -EIO);
	assert_int_equal(op.injected, DISK_INJECTED_SHORT);
	op.kind = DISK_READ;
	memset(a, 0, sizeof(a));
	assert_int_equal(rig_run(disk, queue, &op), -EIO);
	assert_int_equal(a[0], 1);
	assert_int_equal(b[0], 2); /* as it was */
	/* One vector is cut in two; half a sector is nothing. */
	assert_int_equal(run(DISK_READ, 0, c, 1024), -EIO);
	assert_int_equal(c[511], 1);
	assert_int_equal(c[512], 3);
	memset(c, 3, sizeof(c));
	assert_int_equal(run(DISK_READ, 0, c, 512), -EIO);
	assert_int_equal(c[0], 3);
	/* None of the second half of what was written is there. */
	assert_int_equal(run(DISK_READ, 4, c, 512), 0);
	close_all();
}

static unsigned differences(const char *a, const char *b, size_t len)
{
	unsigned n = 0;

	while (len--)
		n += a[len] != b[len];
	return n;
}

static void a_byte_of_what_is_corrupted(void **state)
{
	char a[4096], b[4096], c[4096];

	(void)state;
	memset(a, 7, sizeof(a));
	memset(b, 7, sizeof(b));
	open_with("mem:64k", "op=read corrupt; op=write sector=8+8 corrupt",
		  "");
	assert_int_equal(run(DISK_WRITE, 0, a, 4096), 0);
	assert_int_equal(run(DISK_READ, 0, c, 4096), 0);
	assert_int_equal(differences(a, c, 4096), 1);
	close_all();

	open_with(rig_image("c", 65536), "op=write corrupt", "");
	assert_int_equal(run(DISK_WRITE, 8, a, 4096), 0);
	assert_memory_equal(a, b, 4096); /* a guest's page is only read */
	assert_int_equal(run(DISK_READ, 8, c, 4096), 0);
	assert_int_equal(differences(a, c, 512), 1);
	assert_memory_equal(a + 512, c + 512, 4096 - 512);
	assert_int_equal(run(DISK_FLUSH, 0, NULL, 0), 0);
	close_all();
}

static void one_overtakes_another(void **state)
{
	char buf[3][512];
	struct iovec iov[3];
	struct disk_op op[3], *done[3];
	unsigned i;

	(void)state;
	open_with("mem:64k", "reorder", "");
	for (i = 0; i < 3; i++) {
		iov[i] = (struct iovec){ buf[i], 512 };
		op[i] = (struct disk_op){ .iov_count = 1,
					  .iov = &iov[i],
					  .off_bytes = i * 512,
					  .len_bytes = 512 };
		disk->ops->submit(queue, &op[i]);
	}
	disk->ops->kick(queue);
	assert_int_equal(rig_reap(disk, queue, done, 3), 2);
	assert_ptr_equal(done[0], &op[1]);
	assert_ptr_equal(done[1], &op[0]);
	assert_int_equal(op[0].injected, DISK_INJECTED_REORDER);
	assert_int_equal(op[1].injected, 0);
	/* Nobody comes that could overtake the last one: it goes all the same.
	 */
	assert_int_equal(rig_reap(disk, queue, done, 3), 1);
	assert_ptr_equal(done[0], &op[2]);
	assert_true(op[2].held_ns >= INJECT_REORDER_NS);
	close_all();
}

static void rates_are_held(void **state)
{
	uint64_t start;
	char buf[4096];
	unsigned i;

	(void)state;
	/* The bucket holds 20, and 30 more take 150 ms. */
	open_with("mem:64k", "", "iops=200");
	start = clock_now_ns();
	for (i = 0; i < 50; i++)
		assert_int_equal(run(DISK_READ, 0, buf, 512), 0);
	assert_in_range(clock_now_ns() - start, 140 * MS, 2000 * MS);
	close_all();
	/* It holds 10 of these; 15 more take 150 ms. */
	open_with("mem:64k", "", "bps=409600");
	start = clock_now_ns();
	for (i = 0; i < 25; i++)
		assert_int_equal(run(DISK_WRITE, 0, buf, 4096), 0);
	assert_in_range(clock_now_ns() - start, 140 * MS, 2000 * MS);
	close_all();
}

static void the_size_passes_through(void **state)
{
	const char *path = rig_image("m", 1 << 20);
	char buf[512] = "";
	uint64_t size;

	(void)state;
	open_with(path, "sector=0 errno=EIO", "");
	assert_int_equal(truncate(path, 2 << 20), 0);
	assert_int_equal(disk_measure(disk, 4096, &size), 0);
	assert_int_equal(size, 2 << 20);
	assert_int_equal(run(DISK_WRITE, 4095, buf, 512), 0);
	close_all();
	open_with("null:1M", "short", "");
	assert_int_equal(disk_measure(disk, 4096, &size), -EOPNOTSUPP);
	close_all();
}

static void words_for_a_trace(void **state)
{
	char words[DISK_INJECTED_WORDS];

	(void)state;
	disk_injected_words(DISK_INJECTED_DELAY | DISK_INJECTED_ERROR, words);
	assert_string_equal(words, "delay,error");
	disk_injected_words(63, words);
	assert_string_equal(words, "delay,error,short,reorder,corrupt,limit");
	disk_injected_words(0, words);
	assert_string_equal(words, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_read),
		cmocka_unit_test(what_is_no_rule_is_told),
		cmocka_unit_test(an_error_where_it_is_said),
		cmocka_unit_test(a_rate_is_kept),
		cmocka_unit_test(a_delay_holds_back_what_it_names),
		cmocka_unit_test(delays_end_in_their_own_order),
		cmocka_unit_test(nothing_is_held_back_in_a_hurry),
		cmocka_unit_test(what_is_held_back_is_abandoned),
		cmocka_unit_test(half_of_a_short_transfer),
		cmocka_unit_test(a_byte_of_what_is_corrupted),
		cmocka_unit_test(one_overtakes_another),
		cmocka_unit_test(rates_are_held),
		cmocka_unit_test(the_size_passes_through),
		cmocka_unit_test(words_for_a_trace),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	rig_remove();
	return failed;
}
