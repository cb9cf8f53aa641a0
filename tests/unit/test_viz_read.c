/* SPDX-License-Identifier: MIT */
/* From bytes on a disk to records: what is checked before the decoder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "viz/guard.h"
#include "viz/read/ctf.h"
#include "viz/read/find.h"
#include "viz/text.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_viz_read.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int remove_dir(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_file(const char *name, const void *data, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

/* A packet of metadata as LTTng writes it, with padding behind. */
static size_t put_packet(uint8_t *to, const char *text, size_t packet)
{
	uint32_t magic = 0x75d11d57;
	uint32_t content = (uint32_t)(37 + strlen(text)) * 8;
	uint32_t size = (uint32_t)packet * 8;

	memset(to, 0, packet);
	memcpy(to, &magic, 4);
	memcpy(to + 24, &content, 4);
	memcpy(to + 28, &size, 4);
	memcpy(to + 37, text, strlen(text));
	return packet;
}

static const char first[] = "/* CTF 1.8 */\ntrace { uuid = "
			    "\"00112233-4455-6677-8899-aabbccddeeff\"; };\n";
static const char second[] = "event { name = \"a;b{\"; /* } */ id = 1; };\n";

static void packets_become_text(void **state)
{
	uint8_t file[1024];
	char *text;
	size_t n;
	bool cut;

	(void)state;
	n = put_packet(file, first, 256);
	n += put_packet(file + n, second, 256);
	put_file("metadata", file, n);
	assert_int_equal(trace_metadata_text(dir, &text, &cut), 0);
	assert_false(cut);
	assert_int_equal(strlen(text), strlen(first) + strlen(second));
	assert_string_equal(text + strlen(first), second);
	free(text);
}

static void cut_packets_end_with_a_declaration(void **state)
{
	uint8_t file[1024];
	char *text;
	size_t n;
	bool cut;

	(void)state;
	n = put_packet(file, first, 256);
	put_packet(file + n, second, 256);
	/* In the middle of the second packet's text. */
	put_file("metadata", file, n + 37 + 20);
	assert_int_equal(trace_metadata_text(dir, &text, &cut), 0);
	assert_true(cut);
	assert_string_equal(text + strlen(text) - 2, "};");
	assert_null(strstr(text, "event"));
	free(text);
	/* In the middle of its header. */
	put_file("metadata", file, n + 10);
	assert_int_equal(trace_metadata_text(dir, &text, &cut), 0);
	assert_true(cut);
	free(text);
	/* Whole text, but the padding is missing. */
	put_file("metadata", file, n + 37 + strlen(second));
	assert_int_equal(trace_metadata_text(dir, &text, &cut), 0);
	assert_true(cut);
	assert_non_null(strstr(text, "event"));
	free(text);
}

static void no_declaration_is_no_metadata(void **state)
{
	uint8_t file[512];
	char *text;
	bool cut;

	(void)state;
	put_file("metadata", "", 0);
	assert_int_equal(trace_metadata_text(dir, &text, &cut), -ENODATA);
	put_file("metadata", first, 20);
	assert_int_equal(trace_metadata_text(dir, &text, &cut), -ENODATA);
	put_packet(file, first, 256);
	file[24] = 1; /* content shorter than its header */
	file[25] = file[26] = 0;
	put_file("metadata", file, 256);
	assert_int_equal(trace_metadata_text(dir, &text, &cut), -ENODATA);
}

static void traces_are_found_below(void **state)
{
	struct trace_dirs dirs;
	struct why why;
	char path[128];

	(void)state;
	assert_int_equal(trace_dirs_find(dir, &dirs, &why), -ENOENT);
	assert_non_null(strstr(why.text, "no trace"));
	trace_dirs_free(&dirs);
	snprintf(path, sizeof(path), "%s/a", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/a/b", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	put_file("a/b/metadata", first, strlen(first));
	put_file("a/b/stream_0", "x", 1);
	put_file("a/b/stream_1", "", 0);
	assert_int_equal(trace_dirs_find(dir, &dirs, &why), 0);
	assert_int_equal(dirs.n, 1);
	assert_true(dirs.dir[0].has_uuid);
	assert_int_equal(dirs.dir[0].uuid[0], 0);
	assert_int_equal(dirs.dir[0].uuid[15], 0xff);
	assert_int_equal(dirs.dir[0].streams, 1);
	assert_false(dirs.dir[0].meta_cut);
	trace_dirs_free(&dirs);
	snprintf(path, sizeof(path), "%s/a/b/metadata", dir);
	assert_int_equal(trace_dirs_find(path, &dirs, &why), -ENOTDIR);
	trace_dirs_free(&dirs);
	snprintf(path, sizeof(path), "%s/nosuch", dir);
	assert_int_equal(trace_dirs_find(path, &dirs, &why), -ENOENT);
	trace_dirs_free(&dirs);
}

static void nonsense_is_refused_with_a_sentence(void **state)
{
	struct trace_log log;
	struct why why = { "" };

	(void)state;
	assert_int_equal(log_init(&log), 0);
	put_file("metadata", "\1\2\3 what is this };", 19);
	put_file("stream_0", "nothing of the kind", 19);
	assert_int_not_equal(ctf_read(dir, &log, &why), 0);
	assert_true(strlen(why.text) > 10);
	assert_int_equal(log.n, 0);
	log_free(&log);
	guard_tmp_remove();
}

static void strings_are_kept_once(void **state)
{
	struct strings s;
	uint32_t a, b, c, i, again;
	char text[32];

	(void)state;
	assert_int_equal(strings_init(&s), 0);
	assert_int_equal(strings_add(&s, "", 0, &a), 0);
	assert_int_equal(a, 0);
	assert_int_equal(strings_add(&s, "state", 5, &a), 0);
	assert_int_equal(strings_add(&s, "statement", 5, &b), 0);
	assert_int_equal(strings_add(&s, "other", 5, &c), 0);
	assert_int_equal(a, b);
	assert_int_not_equal(a, c);
	for (i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "key-%u", i);
		assert_int_equal(strings_add(&s, text, strlen(text), &b), 0);
		assert_int_equal(strings_add(&s, text, strlen(text), &again),
				 0);
		assert_int_equal(b, again);
	}
	assert_string_equal(strings_get(&s, a), "state");
	assert_string_equal(strings_get(&s, b), "key-4999");
	assert_string_equal(strings_get(&s, UINT32_MAX), "");
	/* What a guest wrote is shown, and does nothing else. */
	assert_int_equal(strings_add(&s, "a\33[2Jb\nc\xff\xc3\xa9", 11, &a), 0);
	assert_string_equal(strings_get(&s, a), "a?[2Jb?c?\xc3\xa9");
	strings_free(&s);
}

static void fields_have_their_places(void **state)
{
	struct trace_log log;
	struct log_rec *rec;
	uint32_t *words, *array, n;
	const uint32_t *got;

	(void)state;
	assert_int_equal(log_init(&log), 0);
	assert_int_equal(log_append(&log, EV_KIND_disk_done, &rec, &words), 0);
	words[0] = 0x89abcdef;
	words[1] = 0x01234567;
	words[2] = (uint32_t)-5;
	assert_int_equal(log_get(&log, &log.rec[0], LF_disk_done_seq),
			 0x0123456789abcdef);
	assert_int_equal(log_get(&log, &log.rec[0], LF_disk_done_error), -5);
	assert_int_equal(log_append(&log, EV_KIND_grant_map, &rec, &words), 0);
	assert_int_equal(log_append_array(&log, rec,
					  log_places[LF_grant_map_gref].field,
					  3, &array),
			 0);
	array[0] = 7;
	array[2] = 9;
	got = log_array(&log, &log.rec[1], LF_grant_map_gref, &n);
	assert_int_equal(n, 3);
	assert_int_equal(got[2], 9);
	log_array(&log, &log.rec[1], LF_grant_map_status, &n);
	assert_int_equal(n, 0);
	/* A u32 beyond 2^31 is no negative number. */
	assert_int_equal(log_append(&log, EV_KIND_ring_produce, &rec, &words),
			 0);
	words[log_places[LF_ring_produce_prod_after].word] = UINT32_MAX;
	assert_int_equal(log_get(&log, &log.rec[2], LF_ring_produce_prod_after),
			 UINT32_MAX);
	log_free(&log);
}

/* ---- text --------------------------------------------------------------- */

static void numbers_as_people_read_them(void **state)
{
	char t[TEXT_NS_MAX], n[TEXT_COUNT_MAX], s[TEXT_SIZE_MAX];

	(void)state;
	assert_string_equal(text_ns(t, 0), "0 ns");
	assert_string_equal(text_ns(t, 999), "999 ns");
	assert_string_equal(text_ns(t, 1000), "1.00 µs");
	assert_string_equal(text_ns(t, 12345), "12.3 µs");
	assert_string_equal(text_ns(t, 999949), "999.9 µs");
	assert_string_equal(text_ns(t, 999999), "1.00 ms");
	assert_string_equal(text_ns(t, -1500000), "-1.50 ms");
	assert_string_equal(text_ns(t, 90000000000), "90.0 s");
	assert_string_equal(text_count(n, 0), "0");
	assert_string_equal(text_count(n, 999), "999");
	assert_string_equal(text_count(n, 1234567), "1,234,567");
	assert_string_equal(text_size(s, 512), "512 B");
	assert_string_equal(text_size(s, 45056), "44 KiB");
	assert_string_equal(text_size(s, 1536), "1.5 KiB");
	assert_string_equal(text_size(s, 64 << 20), "64 MiB");
}

static void text_is_cut_at_characters(void **state)
{
	char to[8];

	(void)state;
	clean_text(to, sizeof(to), "1234567", 7);
	assert_string_equal(to, "1234567");
	clean_text(to, sizeof(to), "12345678", 8);
	assert_string_equal(to, "1234...");
	clean_text(to, sizeof(to), "123é5678", 9);
	assert_string_equal(to, "123...");
	clean_text(to, sizeof(to),
		   "\xe2\x80\xae"
		   "x",
		   4); /* turns text round */
	assert_string_equal(to, "???x");
	assert_int_equal(text_columns("µs é"), 4);
}

static void xml_is_escaped(void **state)
{
	struct text t = { 0 };

	(void)state;
	text_add_xml(&t, "<a href=\"x\">'&'</a>");
	assert_string_equal(text_str(&t), "&lt;a href=&quot;x&quot;&gt;&#39;"
					  "&amp;&#39;&lt;/a&gt;");
	text_free(&t);
	assert_string_equal(text_str(&t), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(packets_become_text, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(
			cut_packets_end_with_a_declaration, make_dir,
			remove_dir),
		cmocka_unit_test_setup_teardown(no_declaration_is_no_metadata,
						make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(traces_are_found_below,
						make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
			nonsense_is_refused_with_a_sentence, make_dir,
			remove_dir),
		cmocka_unit_test(strings_are_kept_once),
		cmocka_unit_test(fields_have_their_places),
		cmocka_unit_test(numbers_as_people_read_them),
		cmocka_unit_test(text_is_cut_at_characters),
		cmocka_unit_test(xml_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
