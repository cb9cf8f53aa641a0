/* SPDX-License-Identifier: MIT */
/*
 * What ringsided is told by a file, and by the switches of one disk: each word
 * that counts, and the sentence for each that does not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "backend/config.h"

static struct options o;
static struct grant_budget budget;
static struct why why;
static char path[] = "/tmp/rs-config-XXXXXX";

static int fresh(void **state)
{
	(void)state;
	options_default(&o, &budget);
	why.text[0] = 0;
	return 0;
}

static int read_text(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return config_read(path, &o, &why);
}

static void accepted(const char *text)
{
	if (read_text(text))
		fail_msg("%s", why.text);
}

/* The sentence begins with file and line, and has `words`. */
static void refused(const char *text, int line, const char *words)
{
	char where[64];

	options_default(&o, &budget);
	assert_int_not_equal(read_text(text), 0);
	snprintf(where, sizeof(where), "%s:%d: ", path, line);
	if (strncmp(why.text, where, strlen(where)) || !strstr(why.text, words))
		fail_msg("\"%s\" and not \"%s...%s\"", why.text, where, words);
}

static void every_option_has_its_long_name(void **state)
{
	(void)state;
	accepted("# a comment\n"
		 "host = desk:/tmp/d\n"
		 "all = yes\n"
		 "  direct=on  ; why not\n"
		 "no-uring = 1\n"
		 "queues = 3\n"
		 "ring-order = 2\n"
		 "indirect = 64\n"
		 "poll = 0\n"
		 "grace = 10\n"
		 "grants = copy\n"
		 "lock = /tmp/lock\n"
		 "stats = /tmp/stats\n"
		 "quiet = true\n");
	assert_string_equal(o.host, "desk:/tmp/d");
	assert_string_equal(o.lock, "/tmp/lock");
	assert_string_equal(o.vbd.stats_dir, "/tmp/stats");
	assert_true(o.vbd.all && o.vbd.disk.direct && o.vbd.disk.no_uring);
	assert_int_equal(o.vbd.offer.queues_max, 3);
	assert_int_equal(o.vbd.offer.ring_order_max, 2);
	assert_int_equal(o.vbd.offer.indirect_segs, 64);
	assert_int_equal(o.vbd.poll_us, 0);
	assert_int_equal(o.vbd.grace_ms, 10);
	assert_int_equal(o.vbd.features.path, GRANT_PATH_COPY);
	assert_false(o.vbd.features.persistent);
	assert_int_equal(o.level, LOG_LEVEL_WARN);
}

static void an_empty_file_changes_nothing(void **state)
{
	struct options before = o;

	(void)state;
	accepted("");
	accepted("\n# nothing\n\n[features]\n");
	assert_memory_equal(&o, &before, sizeof(o));
}

static void every_feature_has_a_switch(void **state)
{
	static const char *const names[] = { "persistent", "indirect",
					     "barrier",	   "flush",
					     "discard",	   "multi-queue",
					     "ring-order" };
	struct negotiate_offer all, offer;
	struct features f;
	unsigned i;

	(void)state;
	all = o.vbd.offer;
	all.queues_max = 4;
	all.secure = true;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		f = features_default;
		offer = all;
		assert_int_equal(features_set(&f, names[i], "no", &why), 0);
		features_apply(&f, &offer);
		assert_int_equal(offer.persistent, i != 0);
		assert_int_equal(offer.indirect_segs, i == 1 ? 0 : 256);
		assert_int_equal(offer.barrier, i != 2);
		assert_int_equal(offer.flush, i != 3);
		assert_int_equal(offer.discard, i != 4);
		assert_int_equal(offer.secure, i != 4);
		assert_int_equal(offer.queues_max, i == 5 ? 1 : 4);
		assert_int_equal(offer.ring_order_max, i == 6 ? 0 : 4);
		/* And back, as the store may do for one disk. */
		offer = all;
		assert_int_equal(features_set(&f, names[i], "yes", &why), 0);
		features_apply(&f, &offer);
		assert_memory_equal(&offer, &all, sizeof(all));
	}
}

static void how_grants_are_reached(void **state)
{
	struct features f = features_default;

	(void)state;
	assert_int_equal(features_set(&f, "grants", "copy", &why), 0);
	assert_int_equal(f.path, GRANT_PATH_COPY);
	assert_false(f.persistent);
	assert_int_equal(features_set(&f, "grants", "keep", &why), 0);
	assert_int_equal(f.path, GRANT_PATH_MAP);
	assert_true(f.persistent);
	assert_int_equal(features_set(&f, "grants", "map", &why), 0);
	assert_false(f.persistent);
	assert_int_equal(features_set(&f, "grants", "steal", &why), -EINVAL);
	assert_non_null(strstr(why.text, "\"steal\""));
	assert_int_equal(f.path, GRANT_PATH_MAP);
}

/* The command line is read over the file, with the same function. */
static void a_number_on_the_command_line_beats_a_switch(void **state)
{
	struct negotiate_offer offer;

	(void)state;
	accepted("[features]\nindirect = no\nmulti-queue = no\n"
		 "ring-order = no\n");
	options_set(&o, "indirect", "32", &why);
	options_set(&o, "queues", "2", &why);
	options_set(&o, "ring-order", "1", &why);
	offer = o.vbd.offer;
	features_apply(&o.vbd.features, &offer);
	assert_int_equal(offer.indirect_segs, 32);
	assert_int_equal(offer.queues_max, 2);
	assert_int_equal(offer.ring_order_max, 1);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
	char line[700];

	(void)state;
	refused("queues = 2\nqueus = 3\n", 2, "\"queus\"");
	refused("\n\nqueues = 17\n", 3, "from 1 to 16, not \"17\"");
	refused("queues =\n", 1, "not \"\"");
	refused("direct = perhaps\n", 1, "yes or no, not \"perhaps\"");
	refused("just words\n", 1, "name = value");
	refused("[features]\npersistent\n", 2, "name = value");
	refused("[features]\nteleport = yes\n", 2, "\"teleport\"");
	refused("[features]\nqueues = 2\n", 2, "\"queues\"");
	refused("[features]\nflush = 2\n", 2, "flush takes yes or no");
	refused("[disks]\nx = 1\n", 2, "[disks]");
	refused("config = other\n", 1, "cannot name another");
	refused("grants = steal\n", 1, "\"steal\"");
	refused("stats =\n", 1, "directory");
	/* The first one is told. */
	refused("a = 1\nb = 2\n", 1, "\"a\"");
	memset(line, 'x', sizeof(line));
	memcpy(line, "host = ", 7);
	line[sizeof(line) - 1] = 0;
	refused(line, 1, "too long");
}

static void a_file_that_is_not_there(void **state)
{
	(void)state;
	assert_int_equal(config_read("/tmp/rs-none/x", &o, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/tmp/rs-none/x: No such file"));
	assert_int_not_equal(config_read("/tmp", &o, &why), 0);
	assert_non_null(strstr(why.text, "/tmp"));
}

static int begin(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int end(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_option_has_its_long_name, fresh),
		cmocka_unit_test_setup(an_empty_file_changes_nothing, fresh),
		cmocka_unit_test_setup(every_feature_has_a_switch, fresh),
		cmocka_unit_test_setup(how_grants_are_reached, fresh),
		cmocka_unit_test_setup(
			a_number_on_the_command_line_beats_a_switch, fresh),
		cmocka_unit_test_setup(what_is_wrong_is_told_with_its_line,
				       fresh),
		cmocka_unit_test_setup(a_file_that_is_not_there, fresh),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
