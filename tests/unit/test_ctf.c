/* SPDX-License-Identifier: MIT */
/*
 * What is written as CTF is read back by the reader of ringside show, as it
 * is: every kind, every field, the extremes, and where events were lost.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "trace/ctf/writer.h"
#include "trace/probe/decode.h"
#include "trace/probe/note.h"
#include "trace/record/dir.h"
#include "viz/read/ctf.h"

#define START 5000000000u

static char top[64];
static const uint32_t grefs[] = { 8, 0xffffffffu, 0 };
static const int16_t statuses[] = { 0, -1, INT16_MIN };
static const uint8_t bytes[] = { 0, 255, 7 };

static int begin(void **state)
{
	(void)state;
	strcpy(top, "/tmp/ringside-ctf-XXXXXX");
	return mkdtemp(top) && !log_fields_find() ? 0 : -1;
}

static int finish(void **state)
{
	(void)state;
	record_dir_remove(top);
	return 0;
}

static struct ctf_writer *writer_open(void)
{
	struct ctf_about about = { .program = "test",
				   .pid = 42,
				   .start_ns = START };
	struct ctf_writer *w = NULL;
	char dir[128];
	struct why why;

	snprintf(dir, sizeof(dir), "%s/trace", top);
	about.dir = dir;
	assert_int_equal(ctf_writer_open(&w, &about, &why), 0);
	return w;
}

static void close_and_read(struct ctf_writer *w, uint64_t end_ns,
			   struct trace_log *log)
{
	struct why why = { "" };

	assert_int_equal(ctf_writer_close(w, end_ns, &why), 0);
	assert_int_equal(log_init(log), 0);
	if (ctf_read(top, log, &why))
		fail_msg("%s", why.text);
	assert_string_equal(log->damage, "");
	assert_false(log->snapshot);
}

/* Something else for each field, at the edge of what it can hold. */
static void value_make(const struct ev_field *field, size_t i,
		       union ctf_value *value)
{
	static const char *const texts[] = { "", "a \"text\", with \\ in it" };

	if (field->array) {
		value->array.count = 3;
		value->array.of =
			field->type == EV_TYPE_U8    ? (const void *)bytes
			: field->type == EV_TYPE_I16 ? (const void *)statuses
						     : (const void *)grefs;
	} else if (field->type == EV_TYPE_STRING) {
		value->text = texts[i % 2];
	} else {
		value->number = UINT64_MAX - i;
	}
}

static uint64_t expected(const struct ev_field *field, size_t i)
{
	uint64_t n = UINT64_MAX - i;

	switch (field->type) {
	case EV_TYPE_BOOL:
		return 1;
	case EV_TYPE_U8:
		return (uint8_t)n;
	case EV_TYPE_U16:
		return (uint16_t)n;
	case EV_TYPE_U64:
		return n;
	default:
		return (uint32_t)n;
	}
}

static void record_check(const struct trace_log *log, const struct log_rec *rec,
			 const struct ev_desc *desc)
{
	assert_int_equal(rec->kind, desc->kind);
	assert_int_equal(rec->actor, EV_ACTOR_FRONTEND);
	assert_int_equal(rec->domid, 0x7ff0);
	assert_int_equal(rec->devid, 0xfedcba98u);
	assert_int_equal(rec->queue, LOG_QUEUE_NONE);
	for (size_t i = 0; i < desc->fields; i++) {
		const struct ev_field *field = &desc->field[i];
		const uint32_t *w =
			&log->word[rec->words +
				   log_field_word(desc->kind, (unsigned)i)];

		if (field->array || field->type == EV_TYPE_STRING)
			continue; /* below */
		assert_int_equal(w[0], (uint32_t)expected(field, i));
		if (field->type == EV_TYPE_U64)
			assert_int_equal(w[1], expected(field, i) >> 32);
	}
}

static void test_every_kind(void **state)
{
	struct ctf_writer *w = writer_open();
	struct ctf_stream *stream = ctf_writer_stream(w, 42);
	struct trace_log log;
	const uint32_t *gref;
	uint32_t count;
	struct why why;

	(void)state;
	assert_ptr_equal(ctf_writer_stream(w, 42), stream);
	for (int kind = 0; kind < EV_KIND_COUNT; kind++) {
		struct ctf_event event = { .kind = (enum ev_kind)kind,
					   .t_ns = START + (unsigned)kind * 10,
					   .actor = EV_ACTOR_FRONTEND,
					   .domid = 0x7ff0,
					   .devid = 0xfedcba98u,
					   .queue = LOG_QUEUE_NONE };

		for (size_t i = 0; i < ev_descs[kind].fields; i++)
			value_make(&ev_descs[kind].field[i], i,
				   &event.value[i]);
		assert_int_equal(ctf_stream_event(stream, &event, &why), 0);
	}
	close_and_read(w, START + 100000, &log);
	assert_int_equal(log.n, EV_KIND_COUNT);
	assert_int_equal(log.losses, 0);
	assert_int_equal(log.other_events + log.unknown_events +
				 log.unknown_fields + log.missing_fields,
			 0);
	for (int kind = 0; kind < EV_KIND_COUNT; kind++) {
		record_check(&log, &log.rec[kind], &ev_descs[kind]);
		assert_int_equal(log.rec[kind].t_ns - log.rec[0].t_ns,
				 kind * 10);
	}
	gref = log_array(&log, &log.rec[EV_KIND_grant_map], LF_grant_map_gref,
			 &count);
	assert_int_equal(count, 3);
	assert_memory_equal(gref, grefs, sizeof(grefs));
	gref = log_array(&log, &log.rec[EV_KIND_grant_map], LF_grant_map_status,
			 &count);
	assert_int_equal(count, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal((int32_t)gref[i], statuses[i]);
	assert_string_equal(log_text(&log, &log.rec[EV_KIND_store_read],
				     LF_store_read_path),
			    "");
	assert_string_equal(log_text(&log, &log.rec[EV_KIND_store_read],
				     LF_store_read_value),
			    "a \"text\", with \\ in it");
	log_free(&log);
}

/* The time is that of the wall, within the second of the test. */
static void test_clock(void **state)
{
	struct ctf_writer *w = writer_open();
	struct ctf_event event = { .kind = EV_KIND_evtchn_notify };
	struct timespec mono, real;
	struct trace_log log;
	struct why why;
	int64_t off;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	event.t_ns = START;
	assert_int_equal(
		ctf_stream_event(ctf_writer_stream(w, 1), &event, &why), 0);
	close_and_read(w, START, &log);
	off = log.rec[0].t_ns - (int64_t)START -
	      (real.tv_sec - mono.tv_sec) * 1000000000 -
	      (real.tv_nsec - mono.tv_nsec);
	assert_true(off > -1000000000 && off < 1000000000);
	log_free(&log);
}

static void emit(struct ctf_stream *stream, uint64_t t_ns)
{
	struct ctf_event event = { .kind = EV_KIND_evtchn_notify,
				   .t_ns = START + t_ns };
	struct why why;

	assert_int_equal(ctf_stream_event(stream, &event, &why), 0);
}

static void loss_is(const struct trace_log *log, size_t i, int64_t from,
		    int64_t to, uint64_t count)
{
	int64_t zero = log->rec[0].t_ns - 10;

	assert_int_equal(log->loss[i].count, count);
	assert_int_equal(log->loss[i].from_ns - zero, from);
	assert_int_equal(log->loss[i].to_ns - zero, to);
	assert_false(log->loss[i].packets);
}

/* Before the first, between, twice in a row, and after the last event. */
static void test_losses(void **state)
{
	struct ctf_writer *w = writer_open();
	struct ctf_stream *stream = ctf_writer_stream(w, 1);
	struct trace_log log;
	struct why why;

	(void)state;
	assert_int_equal(ctf_stream_lost(stream, 5, &why), 0);
	emit(stream, 10);
	emit(stream, 20);
	assert_int_equal(ctf_stream_lost(stream, 1, &why), 0);
	assert_int_equal(ctf_stream_lost(stream, 2, &why), 0);
	for (unsigned i = 3; i < 3000; i++)
		emit(stream, i * 10);
	assert_int_equal(ctf_stream_lost(stream, 7, &why), 0);
	close_and_read(w, START + 50000, &log);
	assert_int_equal(log.n, 2999);
	assert_int_equal(log.lost_events, 15);
	assert_int_equal(log.losses, 3);
	loss_is(&log, 0, 0, 10, 5);
	loss_is(&log, 1, 20, 30, 3);
	loss_is(&log, 2, 29990, 50000, 7);
	log_free(&log);
}

/* A process all of whose events were lost, and a thread that had none. */
static void test_nothing_but_losses(void **state)
{
	struct ctf_writer *w = writer_open();
	struct trace_log log;
	struct why why;

	(void)state;
	assert_non_null(ctf_writer_stream(w, 2));
	assert_int_equal(ctf_stream_lost(ctf_writer_stream(w, 1), 9, &why), 0);
	assert_int_equal(ctf_writer_close(w, START + 9, &why), 0);
	assert_int_equal(log_init(&log), 0);
	assert_int_equal(ctf_read(top, &log, &why), -EBADMSG);
	assert_non_null(strstr(why.text, "all of its 9 events were lost"));
	log_free(&log);
}

/* Time never goes back in a stream, whatever a source says. */
static void test_backwards(void **state)
{
	struct ctf_writer *w = writer_open();
	struct ctf_stream *stream = ctf_writer_stream(w, 1);
	struct trace_log log;

	(void)state;
	emit(stream, 20);
	emit(stream, 10);
	emit(ctf_writer_stream(w, 2), 15);
	close_and_read(w, START, &log);
	assert_int_equal(log.n, 3);
	assert_int_equal(log.rec[1].t_ns - log.rec[0].t_ns, 5);
	assert_int_equal(log.rec[2].t_ns, log.rec[1].t_ns);
	log_free(&log);
}

/* ---- what BPF programs write ----------------------------------------------
 */

static void test_decode(void **state)
{
	/* request_refuse: seq, id, op, rule, detail */
	struct {
		uint64_t seq, id, op, rule_len;
		char rule[8];
		uint64_t detail_len;
		char detail[8];
	} data = { 1, UINT64_MAX, 6, 6, "RQ-33", 1, "" };
	struct probe_event from = { .kind = EV_KIND_request_refuse,
				    .t_ns = 77,
				    .len = sizeof(data),
				    .origin = 51712ull << 32 | 3 << 16 |
					      0xfff << 4 | 1 };
	const uint8_t *raw = (const uint8_t *)&data;
	struct ctf_event event;

	(void)state;
	assert_int_equal(probe_decode(&from, raw, &event), 0);
	assert_int_equal(event.kind, EV_KIND_request_refuse);
	assert_int_equal(event.actor, EV_ACTOR_FRONTEND);
	assert_int_equal(event.domid, 3);
	assert_int_equal(event.devid, 51712);
	assert_int_equal(event.queue, LOG_QUEUE_NONE);
	assert_int_equal(event.value[1].number, UINT64_MAX);
	assert_string_equal(event.value[3].text, "RQ-33");
	assert_string_equal(event.value[4].text, "");
	from.origin = 2 << 4;
	assert_int_equal(probe_decode(&from, raw, &event), 0);
	assert_int_equal(event.queue, 2);
	/* Cut anywhere before its last byte, it is refused. */
	for (from.len = 0; from.len < sizeof(data) - 7; from.len++)
		assert_int_equal(probe_decode(&from, raw, &event), -EBADMSG);
	from.len = sizeof(data);
	data.rule_len = UINT64_MAX - 3;
	assert_int_equal(probe_decode(&from, raw, &event), -EBADMSG);
	data.rule_len = 3; /* no NUL at its end */
	assert_int_equal(probe_decode(&from, raw, &event), -EBADMSG);
}

static void test_notes(void **state)
{
	struct probe_kinds kinds;

	(void)state;
	/* This program emits nothing, and has no probes. */
	assert_int_equal(probe_notes_read("/proc/self/exe", &kinds), 0);
	assert_int_equal(probe_notes_read("/proc/self/cmdline", &kinds),
			 -ENOEXEC);
	assert_int_equal(probe_notes_read("/nonesuch", &kinds), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_kind, begin, finish),
		cmocka_unit_test_setup_teardown(test_clock, begin, finish),
		cmocka_unit_test_setup_teardown(test_losses, begin, finish),
		cmocka_unit_test_setup_teardown(test_nothing_but_losses, begin,
						finish),
		cmocka_unit_test_setup_teardown(test_backwards, begin, finish),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
