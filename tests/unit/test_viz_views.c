/* SPDX-License-Identifier: MIT */
/* What views say of records: rows and their folding, words, formats. */
#include "viz_rig.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "viz/guard.h"
#include "viz/render/json.h"
#include "viz/render/scene.h"
#include "viz/views/rows.h"
#include "viz/views/sequence.h"
#include "viz/views/view.h"

static void access_page(struct rig *r, int64_t t, uint32_t gref)
{
	rig_event(r, t, EV_ACTOR_FRONTEND, EV_KIND_grant_access);
	rig_set(r, LF_grant_access_gref, gref);
}

static void pick_all(struct rows *rows, const struct rig *r)
{
	uint32_t i;

	for (i = 0; i < r->log.n; i++)
		rows_pick(rows, i);
	assert_int_equal(rows_fold(rows, &r->model, true), 0);
}

static void runs_stand_in_one_row(void **state)
{
	struct rows rows = { 0 };
	struct rig r;
	unsigned i;

	(void)state;
	rig_open(&r);
	for (i = 0; i < 3; i++)
		access_page(&r, i, 8 + i);
	rig_push(&r, 10, 1, 0, EV_OP_READ);
	rig_push(&r, 11, 2, 1, EV_OP_READ);
	rig_push(&r, 12, 3, 2, EV_OP_WRITE);
	for (i = 0; i < 64; i++)
		rig_push(&r, 20 + i, 4 + i, 3 + i, EV_OP_READ);
	rig_build(&r);
	pick_all(&rows, &r);
	/* Two of a kind stay two rows; another operation is another kind. */
	assert_int_equal(rows.n, 5);
	assert_int_equal(rows.row[0].times, 3);
	assert_string_equal(rows.row[0].text, "grants 3 pages: 8, 9, 10");
	assert_int_equal(rows.row[1].times, 1);
	assert_non_null(strstr(rows.row[3].text, "write #3"));
	assert_int_equal(rows.row[4].times, 64);
	assert_non_null(strstr(rows.row[4].text, "pushes 64 reads: #4, #5"));
	assert_non_null(strstr(rows.row[4].text, "…"));
	assert_int_equal(rows.row[4].t_ns, 1000020);
	assert_int_equal(rows.row[4].last_ns, 1000083);
	assert_int_equal(rows_messages(&rows), 70);
	rows_free(&rows);
	rig_close(&r);
}

static void a_cap_says_how_many_are_missing(void **state)
{
	struct rows rows = { 0 };
	struct rig r;
	unsigned i;

	(void)state;
	rig_open(&r);
	for (i = 0; i < 100; i++) {
		rig_push(&r, 2 * i, 1 + i, i, EV_OP_READ);
		rig_take(&r, 2 * i + 1, 1 + i, i, EV_OP_READ);
	}
	rig_build(&r);
	pick_all(&rows, &r);
	assert_int_equal(rows.n, 200);
	rows_cap(&rows, 50);
	assert_int_equal(rows.n, 51);
	assert_int_equal(rows.row[50].kind, ROW_GAP);
	assert_non_null(strstr(rows.row[50].text, "150 more messages not "
						  "shown"));
	rows_free(&rows);
	rig_close(&r);
}

static void losses_stand_where_they_fell(void **state)
{
	struct log_loss loss = {
		.count = 12, .before = 1, .from_ns = 1000001, .to_ns = 1000009
	};
	struct rows rows = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_push(&r, 0, 1, 0, EV_OP_READ);
	rig_push(&r, 10, 2, 1, EV_OP_READ);
	assert_int_equal(log_append_loss(&r.log, &loss), 0);
	rig_build(&r);
	pick_all(&rows, &r);
	assert_int_equal(rows.n, 3);
	assert_int_equal(rows.row[1].kind, ROW_LOSS);
	assert_non_null(strstr(rows.row[1].text, "12 events were lost"));
	rows_free(&rows);
	rig_close(&r);
}

/* Each packet tells of its own: one row for what is between two messages. */
static void many_losses_are_one_row(void **state)
{
	struct view_options o = { .request_given = true, .request = 2 };
	struct log_loss loss = { 0 };
	struct sequence s;
	struct why why;
	struct rows rows = { 0 };
	struct rig r;
	unsigned i;

	(void)state;
	rig_open(&r);
	rig_whole(&r, 0, 1, 0, EV_OP_READ);
	rig_whole(&r, 5000, 2, 1, EV_OP_READ);
	rig_whole(&r, 9000, 3, 2, EV_OP_READ);
	for (i = 0; i < 400; i++) {
		loss.count = 2;
		loss.packets = i == 7;
		loss.from_ns = loss.to_ns = 1001000 + (i % 2 ? 7000 : 0) + i;
		assert_int_equal(log_append_loss(&r.log, &loss), 0);
	}
	log_place_losses(&r.log);
	rig_build(&r);
	pick_all(&rows, &r);
	for (i = 0; i < rows.n; i++)
		if (rows.row[i].kind == ROW_LOSS)
			break;
	assert_true(i < rows.n);
	assert_non_null(strstr(rows.row[i].text, "400 events were lost"));
	for (i++; i < rows.n; i++)
		if (rows.row[i].kind == ROW_LOSS)
			break;
	assert_true(i < rows.n);
	assert_non_null(strstr(rows.row[i].text,
			       "398 events and 2 packets of events were lost"));
	for (i++; i < rows.n; i++)
		assert_int_not_equal(rows.row[i].kind, ROW_LOSS);
	rows_free(&rows);
	/* And none where a part is shown in which nothing was lost. */
	assert_int_equal(sequence_choose(&r.model, &o, &s, &why), 0);
	for (i = 0; i < s.rows.n; i++)
		assert_int_not_equal(s.rows.row[i].kind, ROW_LOSS);
	assert_true(i > 5);
	sequence_free(&s);
	rig_close(&r);
}

/* The operations that a guest makes up are no reads. */
static void made_up_operations(void **state)
{
	struct rows rows = { 0 };
	struct rig r;
	unsigned i;

	(void)state;
	rig_open(&r);
	for (i = 0; i < 3; i++)
		rig_take(&r, i, 1 + i, i, EV_OP_READ);
	for (; i < 6; i++)
		rig_take(&r, i, 1 + i, i, 8);
	rig_build(&r);
	pick_all(&rows, &r);
	assert_int_equal(rows.n, 2);
	assert_non_null(strstr(rows.row[0].text, "takes 3 reads"));
	assert_non_null(strstr(rows.row[1].text, "takes 3 requests"));
	rows_free(&rows);
	rig_close(&r);
}

/* The key `state` is told by the moves, an offer by its key. */
static void the_same_is_not_said_twice(void **state)
{
	struct rows rows = { 0 };
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_event(&r, 0, EV_ACTOR_BACKEND, EV_KIND_store_write);
	rig_text(&r, LF_store_write_path, "/x/vbd/1/51712/state");
	rig_event(&r, 1, EV_ACTOR_BACKEND, EV_KIND_state_switch);
	rig_set(&r, LF_state_switch_from, 1);
	rig_set(&r, LF_state_switch_to, 2);
	rig_event(&r, 2, EV_ACTOR_BACKEND, EV_KIND_feature_offer);
	rig_build(&r);
	pick_all(&rows, &r);
	assert_int_equal(rows.n, 1);
	assert_string_equal(rows.row[0].text,
			    "state 1 Initialising → 2 InitWait");
	assert_int_equal(rows.row[0].from, LANE_BACKEND);
	assert_int_equal(rows.row[0].to, LANE_STORE);
	rows_free(&rows);
	rig_close(&r);
}

/* Both sides' numbers of a request are one number in a picture. */
static void a_request_has_one_number(void **state)
{
	struct message msg;
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_push(&r, 0, 100, 4, EV_OP_READ);
	rig_take(&r, 10, 5, 4, EV_OP_READ);
	rig_build(&r);
	message_of(&r.model, 0, &msg);
	assert_non_null(strstr(msg.text, "#5"));
	message_of(&r.model, 1, &msg);
	assert_non_null(strstr(msg.text, "#5"));
	rig_close(&r);
}

/* Every event has words, even with every field zero or absurd. */
static void every_event_has_words(void **state)
{
	struct message msg;
	struct rig r;
	unsigned kind, i, k;

	(void)state;
	rig_open(&r);
	for (kind = 0; kind < EV_KIND_COUNT; kind++) {
		rig_event(&r, 2 * kind, kind & 1, kind);
		rig_event(&r, 2 * kind + 1, 255, kind);
		for (k = 0; k < log_kind_words(kind); k++) {
			const struct log_rec *rec = &r.log.rec[r.log.n - 1];
			const struct ev_desc *d = &ev_descs[kind];
			bool array = false;

			for (i = 0; i < d->fields; i++)
				array |= d->field[i].array;
			if (!array) /* an array's place must hold */
				r.log.word[rec->words + k] = 0xfffffff0u + k;
		}
	}
	rig_build(&r);
	for (i = 0; i < r.log.n; i++) {
		message_of(&r.model, i, &msg);
		assert_true(strlen(msg.text) > 3);
		/* Words of its own, not the event's name. */
		assert_string_not_equal(msg.text,
					ev_descs[r.log.rec[i].kind].name);
		assert_true(msg.from < LANE_COUNT && msg.to < LANE_COUNT);
	}
	rig_close(&r);
}

/* ---- whole views -------------------------------------------------------- */

static void long_run(struct rig *r, unsigned n)
{
	unsigned i;

	rig_open(r);
	r->queue = LOG_QUEUE_NONE;
	rig_event(r, 0, EV_ACTOR_BACKEND, EV_KIND_device_create);
	r->queue = 0;
	for (i = 0; i < n; i++)
		rig_whole(r, 1000 + 1000 * (int64_t)i, 1 + i, i,
			  i == n - 1 ? EV_OP_WRITE : EV_OP_READ);
	rig_build(r);
}

static char *shown(const struct rig *r, const struct view *v,
		   const struct view_options *o)
{
	struct text out = { 0 };
	struct why why = { "" };

	assert_int_equal(v->show(&r->model, o, &out, &why), 0);
	assert_non_null(out.data);
	return out.data;
}

static void repetition_is_one_line(void **state)
{
	struct view_options o = { .format = VIEW_TEXT, .title = "t" };
	struct rig r;
	char *s;

	(void)state;
	long_run(&r, 65);
	s = shown(&r, &view_sequence, &o);
	assert_non_null(strstr(s, "A read, #1"));
	assert_null(strstr(s, "A read, #2"));
	assert_non_null(strstr(s, "x63 more like the above: 63 reads"));
	assert_non_null(strstr(s, "A write, #65"));
	free(s);
	rig_close(&r);
}

static void one_request_is_chosen(void **state)
{
	struct view_options o = { .format = VIEW_TEXT,
				  .title = "t",
				  .request_given = true,
				  .request = 7 };
	struct why why = { "" };
	struct text out = { 0 };
	struct rig r;
	char *s;

	(void)state;
	long_run(&r, 20);
	s = shown(&r, &view_sequence, &o);
	assert_non_null(strstr(s, "pushes read #7"));
	assert_null(strstr(s, "#8"));
	free(s);
	s = shown(&r, &view_request, &o);
	assert_non_null(strstr(s, "ring wait"));
	assert_null(strstr(s, "#8"));
	free(s);
	o.request = 700;
	assert_int_equal(view_sequence.show(&r.model, &o, &out, &why), -EINVAL);
	assert_non_null(strstr(why.text, "no request 700"));
	text_free(&out);
	rig_close(&r);
}

static void windows_are_cut_out(void **state)
{
	struct view_options o = { .format = VIEW_TEXT,
				  .title = "t",
				  .from_given = true,
				  .from_ns = 3000,
				  .to_given = true,
				  .to_ns = 3999 };
	struct why why = { "" };
	struct text out = { 0 };
	struct rig r;
	char *s;

	(void)state;
	long_run(&r, 20);
	s = shown(&r, &view_sequence, &o);
	assert_non_null(strstr(s, "#3"));
	assert_null(strstr(s, "#2"));
	assert_null(strstr(s, "#4"));
	free(s);
	o.from_ns = o.to_ns = 10000000;
	assert_int_equal(view_sequence.show(&r.model, &o, &out, &why), -ENOENT);
	text_free(&out);
	rig_close(&r);
}

static void unknown_choices_are_refused(void **state)
{
	struct view_options o = { .format = VIEW_TEXT,
				  .title = "t",
				  .device_given = true,
				  .domid = 9,
				  .devid = 1 };
	struct why why = { "" };
	struct text out = { 0 };
	struct rig r;

	(void)state;
	long_run(&r, 2);
	assert_int_equal(view_latency.show(&r.model, &o, &out, &why), -EINVAL);
	assert_non_null(strstr(why.text, "it holds 1/51712"));
	o.domid = 1;
	o.devid = 51712;
	o.queue_given = true;
	o.queue = 3;
	assert_int_equal(view_sequence.show(&r.model, &o, &out, &why), -EINVAL);
	assert_non_null(strstr(why.text, "no queue 3"));
	text_free(&out);
	rig_close(&r);
}

static void json_is_json(void **state)
{
	const struct view *views[] = { &view_sequence, &view_handshake,
				       &view_request, &view_latency };
	struct view_options o = { .format = VIEW_JSON, .title = "t" };
	json_object *j, *x;
	struct rig r;
	size_t i;
	char *s;

	(void)state;
	rig_open(&r);
	r.queue = LOG_QUEUE_NONE;
	rig_event(&r, 0, EV_ACTOR_BACKEND, EV_KIND_store_write);
	rig_text(&r, LF_store_write_path, "/x/51712/a\"b\\");
	rig_text(&r, LF_store_write_value, "</script><b>\"");
	r.queue = 0;
	rig_whole(&r, 1000, 1, 0, EV_OP_READ);
	rig_build(&r);
	for (i = 0; i < 4; i++) {
		s = shown(&r, views[i], &o);
		j = json_tokener_parse(s);
		assert_non_null(j);
		assert_true(json_object_object_get_ex(j, "view", &x));
		assert_string_equal(json_object_get_string(x), views[i]->name);
		json_object_put(j);
		free(s);
	}
	rig_close(&r);
}

static void no_text_leaves_its_script(void **state)
{
	json_object *o = json_object_new_object(), *back, *x;
	struct text t = { 0 };

	(void)state;
	json_put_str(o, "k", "</script><!-- & \"");
	assert_int_equal(json_write_html(o, &t), 0);
	assert_null(strchr(text_str(&t), '<'));
	back = json_tokener_parse(text_str(&t));
	assert_true(json_object_object_get_ex(back, "k", &x));
	assert_string_equal(json_object_get_string(x), "</script><!-- & \"");
	json_object_put(back);
	text_free(&t);
}

static void labels_are_wrapped(void **state)
{
	struct text t = { 0 };

	(void)state;
	assert_int_equal(scene_wrap("one two three four", 60, 10, 6, &t), 2);
	assert_string_equal(text_str(&t), "one two\\nthree four");
	text_clear(&t);
	assert_int_equal(scene_wrap("one two three four", 60, 10, 1, &t), 1);
	assert_string_equal(text_str(&t), "one two …");
	text_clear(&t);
	/* Graphviz would make of \N the node's name. */
	scene_wrap("a\\Nb", 100, 10, 1, &t);
	assert_string_equal(text_str(&t), "a\\\\Nb");
	text_clear(&t);
	/* A word that is too long is broken anywhere. */
	assert_true(scene_wrap("aaaaaaaaaaaaaaaaaaaaaaaaaaaa", 40, 10, 12, &t) >
		    2);
	text_free(&t);
}

static void pictures_are_svg(void **state)
{
	const struct view *views[] = { &view_sequence, &view_handshake,
				       &view_request, &view_latency };
	struct view_options o = { .format = VIEW_SVG, .title = "t" };
	struct rig r;
	size_t i;
	char *s;

	(void)state;
	rig_open(&r);
	r.queue = LOG_QUEUE_NONE;
	rig_event(&r, 0, EV_ACTOR_BACKEND, EV_KIND_store_write);
	rig_text(&r, LF_store_write_path, "/x/51712/<k&>");
	rig_text(&r, LF_store_write_value, "\\N <script> &#1;&lt;b");
	r.queue = 0;
	rig_whole(&r, 1000, 1, 0, EV_OP_READ);
	rig_build(&r);
	for (i = 0; i < 4; i++) {
		s = shown(&r, views[i], &o);
		assert_non_null(strstr(s, "<svg class=\"rs\""));
		assert_non_null(strstr(s, "prefers-color-scheme: dark"));
		assert_non_null(strstr(s, "</svg>"));
		assert_null(strstr(s, "<script"));
		/* The words of a guest, not what Graphviz makes of them. */
		if (views[i] == &view_sequence || views[i] == &view_handshake) {
			assert_non_null(strstr(s, "= \\N &lt;"));
			assert_non_null(strstr(s, "&amp;#1;&amp;lt;b"));
		}
		free(s);
	}
	rig_close(&r);
}

static void the_report_needs_no_network(void **state)
{
	struct view_options o = { .format = VIEW_HTML, .title = "<b>name</b>" };
	struct rig r;
	char *s;

	(void)state;
	long_run(&r, 1500);
	s = shown(&r, &view_report, &o);
	assert_null(strstr(s, "<b>name"));
	assert_null(strstr(s, "src=\"http"));
	assert_null(strstr(s, "href=\"http"));
	assert_null(strstr(s, "url(http"));
	assert_null(strstr(s, "@import"));
	assert_non_null(strstr(s, "of the trace's 1,500 requests"));
	free(s);
	rig_close(&r);
}

static void disks_have_names(void **state)
{
	char name[VIEW_DISK_MAX];

	(void)state;
	assert_string_equal(view_disk_name(51712, name), "xvda");
	assert_string_equal(view_disk_name(51713, name), "xvda1");
	assert_string_equal(view_disk_name(51728, name), "xvdb");
	assert_string_equal(view_disk_name(1u << 28 | 16 << 8, name), "xvdq");
	assert_string_equal(view_disk_name(1u << 28 | 26 << 8 | 3, name),
			    "xvdaa3");
	assert_string_equal(view_disk_name(768, name), "");
	assert_string_equal(view_disk_name(UINT32_MAX, name), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_stand_in_one_row),
		cmocka_unit_test(a_cap_says_how_many_are_missing),
		cmocka_unit_test(losses_stand_where_they_fell),
		cmocka_unit_test(many_losses_are_one_row),
		cmocka_unit_test(made_up_operations),
		cmocka_unit_test(the_same_is_not_said_twice),
		cmocka_unit_test(a_request_has_one_number),
		cmocka_unit_test(every_event_has_words),
		cmocka_unit_test(repetition_is_one_line),
		cmocka_unit_test(one_request_is_chosen),
		cmocka_unit_test(windows_are_cut_out),
		cmocka_unit_test(unknown_choices_are_refused),
		cmocka_unit_test(json_is_json),
		cmocka_unit_test(no_text_leaves_its_script),
		cmocka_unit_test(labels_are_wrapped),
		cmocka_unit_test(pictures_are_svg),
		cmocka_unit_test(the_report_needs_no_network),
		cmocka_unit_test(disks_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
