/* SPDX-License-Identifier: MIT */
/*
 * The catalogue: the reader's tables agree with themselves and with the
 * protocol, and trace-gen refuses what is wrong with the line's number.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "ring/abi.h"
#include "trace/desc.h"
#include "trace/emit.h"
#include "xenbus/state.h"

static void test_descriptors(void **state)
{
	(void)state;
	for (int i = 0; i < EV_KIND_COUNT; i++) {
		const struct ev_desc *d = &ev_descs[i];
		char full[128];

		assert_int_equal(d->kind, i);
		assert_int_equal(ev_kind_find(d->name), i);
		snprintf(full, sizeof(full), "ringside:%s", d->name);
		assert_int_equal(ev_kind_find(full), i);
		assert_true(*d->doc && *d->layer && *d->section);
		assert_true(d->level <= EV_LEVEL_FULL);
		assert_true(d->fields > 0);
		for (size_t f = 0; f < d->fields; f++) {
			const struct ev_field *field = &d->field[f];

			assert_int_equal(ev_field_find(d, field->name), f);
			assert_true(*field->doc);
			assert_int_equal(!!field->words,
					 field->type == EV_TYPE_ENUM);
		}
	}
	assert_int_equal(ev_kind_find("no_such_event"), -ENOENT);
	assert_int_equal(ev_kind_find("ringside:"), -ENOENT);
	assert_int_equal(ev_kind_find("other:request_take"), -ENOENT);
}

static void test_fields(void **state)
{
	const struct ev_desc *map = &ev_descs[EV_KIND_grant_map];
	const struct ev_desc *take = &ev_descs[EV_KIND_request_take];
	const struct ev_desc *slot = &ev_descs[EV_KIND_ring_slot];
	int at;

	(void)state;
	at = ev_field_find(map, "gref");
	assert_true(at >= 0);
	assert_true(map->field[at].array);
	assert_int_equal(map->field[at].type, EV_TYPE_U32);
	at = ev_field_find(map, "writable");
	assert_int_equal(map->field[at].type, EV_TYPE_BOOL);
	assert_false(map->field[at].array);
	assert_int_equal(ev_field_find(map, "nothing"), -ENOENT);

	at = ev_field_find(take, "op");
	assert_ptr_equal(take->field[at].words, &ev_words_op);
	at = ev_field_find(take, "sector");
	assert_string_equal(take->field[at].unit, "sectors");
	assert_string_equal(take->field[0].unit, "");
	assert_string_equal(take->clause, "RG-24");
	assert_string_equal(take->layer, "request");

	assert_string_equal(ev_level_name(map->level), "protocol");
	assert_string_equal(ev_level_name(slot->level), "full");
	assert_string_equal(
		ev_level_name(ev_descs[EV_KIND_program_start].level),
		"control");
	assert_string_equal(ev_descs[EV_KIND_program_start].section,
			    "life cycle");
}

static void test_words(void **state)
{
	int64_t value = 99;

	(void)state;
	assert_string_equal(ev_word_find(&ev_words_status, -2), "eopnotsupp");
	assert_string_equal(ev_word_find(&ev_words_state, 2), "initwait");
	assert_null(ev_word_find(&ev_words_op, 77));
	assert_int_equal(ev_word_value(&ev_words_op, "discard", &value), 0);
	assert_int_equal(value, 5);
	assert_int_equal(ev_word_value(&ev_words_status, "error", &value), 0);
	assert_int_equal(value, -1);
	assert_int_equal(ev_word_value(&ev_words_op, "nonsense", &value),
			 -ENOENT);
	assert_int_equal(value, -1);
}

/* The catalogue's numbers are the protocol's. */
static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(EV_OP_READ, RING_OP_READ);
	assert_int_equal(EV_OP_WRITE, RING_OP_WRITE);
	assert_int_equal(EV_OP_BARRIER, RING_OP_BARRIER);
	assert_int_equal(EV_OP_FLUSH, RING_OP_FLUSH);
	assert_int_equal(EV_OP_DISCARD, RING_OP_DISCARD);
	assert_int_equal(EV_OP_INDIRECT, RING_OP_INDIRECT);
	assert_int_equal(EV_STATUS_OKAY, RING_STATUS_OKAY);
	assert_int_equal(EV_STATUS_ERROR, RING_STATUS_ERROR);
	assert_int_equal(EV_STATUS_EOPNOTSUPP, RING_STATUS_EOPNOTSUPP);
	assert_int_equal(EV_STATE_UNKNOWN, XENBUS_UNKNOWN);
	assert_int_equal(EV_STATE_INITWAIT, XENBUS_INIT_WAIT);
	assert_int_equal(EV_STATE_CONNECTED, XENBUS_CONNECTED);
	assert_int_equal(EV_STATE_CLOSED, XENBUS_CLOSED);
	assert_int_equal(EV_STATE_RECONFIGURED, XENBUS_RECONFIGURED);
}

/* Off, an event must not look at what it is given. */
static void test_off(void **state)
{
	const struct ev_origin *nobody = NULL;

	(void)state;
	assert_false(ev_ring_slot_on());
	ev_ring_slot(nobody, 0, NULL, 1000);
	ev_store_write(nobody, NULL, NULL);
}

/* ---- trace-gen ---------------------------------------------------------- */

static char gen[4096]; /* the program, beside this one's folder */
static char dir[] = "/tmp/ringside-catalogue-XXXXXX";

/* Runs trace-gen on `text`; its exit status, and stderr in `err`. */
static int generate(const char *text, char *err, size_t size)
{
	char def[64], said[64];
	int status, fd;
	ssize_t len;
	FILE *f;
	pid_t pid;

	snprintf(def, sizeof(def), "%s/x.def", dir);
	snprintf(said, sizeof(said), "%s/stderr", dir);
	f = fopen(def, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		fd = open(said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 2);
		execl(gen, gen, def, dir, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	fd = open(said, O_RDONLY);
	len = read(fd, err, size - 1);
	assert_true(len >= 0);
	err[len] = '\0';
	close(fd);
	return WEXITSTATUS(status);
}

#define HEAD  "enum actor: a=0\nenum op: r=0 w=1\n"
#define EVENT HEAD "event e control ring -\n"

static void test_gen_refuses(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *says;
	} bad[] = {
		{ "bogus x\n", 1, "begins with enum, event" },
		{ "", 0, "no events" },
		{ "enum actor a=0\n", 1, "colon" },
		{ "enum actor:\n", 1, "no words" },
		{ "enum actor: a\n", 1, "word=value" },
		{ "enum actor: a=0x\n", 1, "not a 32-bit number" },
		{ "enum actor: a=99999999999\n", 1, "not a 32-bit number" },
		{ "enum actor: a=0 b=0\n", 1, "twice" },
		{ "enum actor: a=0 a=1\n", 1, "twice" },
		{ HEAD "enum op: x=1\n", 3, "twice" },
		{ "enum kind: a=0\n", 1, "taken" },
		{ "  u8 x - \"y\"\n", 1, "before the first event" },
		{ HEAD "event Big control ring -\n", 3, "a-z" },
		{ HEAD "event e loud ring -\n", 3, "level \"loud\"" },
		{ HEAD "event e control\n", 3, "layer is missing" },
		{ HEAD "event e control ring\n", 3, "clause" },
		{ HEAD "event e control ring - more\n", 3, "behind" },
		{ EVENT "  u8 x - \"y\"\n", 4, "before the fields" },
		{ EVENT, 3, "what has happened" },
		{ EVENT "  \"d\"\n", 4, "no fields" },
		{ EVENT "  \"d\"\n  \"d\"\n", 5, "second text" },
		{ EVENT "  \"d\n", 4, "double quotes" },
		{ EVENT "  \"d \\ d\"\n", 4, "may not hold" },
		{ EVENT "  \"d\"\n  u9 x - \"y\"\n", 5, "\"u9\"" },
		{ EVENT "  \"d\"\n  u8\n", 5, "name is missing" },
		{ EVENT "  \"d\"\n  u8 x\n", 5, "the unit, or - is missing" },
		{ EVENT "  \"d\"\n  u8 x -\n", 5, "double quotes" },
		{ EVENT "  \"d\"\n  u8 x - y\n", 5, "double quotes" },
		{ EVENT "  \"d\"\n  u8 domid - \"y\"\n", 5, "taken" },
		{ EVENT "  \"d\"\n  u8 int - \"y\"\n", 5, "taken" },
		{ EVENT "  \"d\"\n  enum:no x - \"y\"\n", 5, "\"no\"" },
		{ EVENT "  \"d\"\n  u8 x - \"y\"\n  u8 x - \"y\"\n", 6,
		  "twice" },
		{ EVENT "  \"d\"\n  u8 x - \"y\"\nevent e control ring -\n", 6,
		  "twice" },
		/* the origin and twelve more */
		{ EVENT "  \"d\"\n  u8[] a - \"y\"\n  u8[] b - \"y\"\n"
			"  u8[] c - \"y\"\n  u8[] d - \"y\"\n"
			"  u8[] f - \"y\"\n  u8[] g - \"y\"\n",
		  10, "13 arguments" },
		{ "enum op: r=0\nevent e control ring -\n \"d\"\n"
		  "  u8 x - \"y\"\n",
		  4, "must be actor" },
	};
	char err[512], at[32];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int status = generate(bad[i].text, err, sizeof(err));

		snprintf(at, sizeof(at), "x.def:%d: ", bad[i].line);
		if (status != 2 || !strstr(err, at) ||
		    !strstr(err, bad[i].says))
			fail_msg("for\n%s\nstatus %d, said: %s\nexpected "
				 "\"%s...%s\"",
				 bad[i].text, status, err, at, bad[i].says);
	}
}

static void test_gen_takes(void **state)
{
	char err[512], path[64];

	(void)state;
	assert_int_equal(
		generate("# a comment\n" HEAD "\n# ---- part ----\n"
			 "event e full ring RG-01,RG-02\n  \"d\"\n"
			 "\tenum:op x - \"y\"\n  u8[] bytes bytes \"y\"\n",
			 err, sizeof(err)),
		0);
	assert_string_equal(err, "");
	snprintf(path, sizeof(path), "%s/desc.c", dir);
	assert_int_equal(access(path, R_OK), 0);
	snprintf(path, sizeof(path), "%s/desc.c.new", dir);
	assert_int_equal(access(path, F_OK), -1);
}

static int start(void **state)
{
	char self[2048];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	if (len < 0 || !mkdtemp(dir))
		return -1;
	self[len] = '\0';
	snprintf(gen, sizeof(gen), "%s/../gen/trace-gen", dirname(self));
	return access(gen, X_OK);
}

static int finish(void **state)
{
	static const char *const files[] = {
		"x.def",      "stderr", "enums.h", "events.h",	 "provider.h",
		"provider.c", "desc.h", "desc.c",  "probes.inc",
	};
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_gen_refuses),
		cmocka_unit_test(test_gen_takes),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
