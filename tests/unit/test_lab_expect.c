/* SPDX-License-Identifier: MIT */
/* What a lab expects of a trace: its grammar, its matcher, its queries. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "labs/engine/match.h"
#include "tests/unit/viz_rig.h"
#include "viz/text.h"

static char path[] = "expect-XXXXXX";

/* Parse this text; *why says what was wrong. */
static int parse(const char *text, struct expect **out, struct why *why)
{
	FILE *f = fopen(path, "w");
	int err;

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	why->text[0] = '\0';
	err = expect_load(path, out, why);
	unlink(path);
	return err;
}

#define HEAD "check one 10 \"A title\"\n  run front --rw=read\n"

static struct expect *good(const char *text)
{
	struct expect *e;
	struct why why;

	if (parse(text, &e, &why))
		fail_msg("%s", why.text);
	return e;
}

/* It is refused, in this line, by a sentence with these words. */
static void bad(unsigned line, const char *words, const char *text)
{
	struct expect *e;
	char place[64];
	struct why why;

	assert_int_equal(parse(text, &e, &why), -EINVAL);
	snprintf(place, sizeof(place), "%s:%u: ", path, line);
	if (!strstr(why.text, place) || !strstr(why.text, words))
		fail_msg("\"%s\" is not %s...%s", why.text, place, words);
}

/* ---- the grammar --------------------------------------------------------- */

static void test_all_of_it(void **state)
{
	struct expect *e =
		good("# a comment\n" HEAD "  rule RG-30 RG-31\n"
		     "  function ring_back_push   # where\n"
		     "  hint 2\n"
		     "  options --poll 0\n"
		     "  front read.ops = 400\n"
		     "  front ring.wakeups<=10\n"
		     "  desk mappings = 0\n"
		     "  ordered\n"
		     "    ring_produce side=response\n"
		     "    evtchn_notify actor=backend\n"
		     "  never\n"
		     "    request_refuse rule=\"RQ-38\" detail~size\n"
		     "  at-most 3 evtchn_spurious\n"
		     "  before grant_unmap request_respond op=read "
		     "by seq\n"
		     "check two 5 \"Another\"\n"
		     "  run case \"RG-20 more requests\" RG-22\n"
		     "check three 1 \"No code\"\n"
		     "  run none\n"
		     "  answer reads = count request_push op=read\n"
		     "  answer word = 4\n");
	const struct expect_check *c = &e->check[0];

	(void)state;
	assert_int_equal(e->checks, 3);
	assert_int_equal(e->points, 16);
	assert_int_equal(e->level, EV_LEVEL_PROTOCOL);
	assert_int_equal(c->rules, 2);
	assert_string_equal(c->function, "ring_back_push");
	assert_int_equal(c->hint, 2);
	assert_int_equal(c->options.count, 2);
	assert_int_equal(c->items, 7);
	assert_string_equal(c->item[0].key, "read.ops");
	assert_string_equal(c->item[0].value, "400");
	assert_int_equal(c->item[1].op, OP_LE);
	assert_int_equal(c->item[2].kind, EXPECT_DESK);
	assert_int_equal(c->item[3].events, 2);
	assert_int_equal(c->item[3].event[1].cond[0].field, FIELD_ACTOR);
	assert_string_equal(c->item[4].event[0].cond[1].text, "size");
	assert_int_equal(c->item[5].count, 3);
	assert_int_equal(c->item[6].event[1].conds, 1);
	assert_int_equal(e->check[1].args.count, 2);
	assert_string_equal(e->check[1].args.word[0], "RG-20 more requests");
	assert_int_equal(e->check[2].item[0].query.kind, QUERY_COUNT);
	assert_string_equal(e->check[2].item[1].value, "4");
	expect_free(e);
}

static void test_levels(void **state)
{
	struct expect *e = good(HEAD "at-least 1 ring_slot\n");

	(void)state;
	assert_int_equal(e->level, EV_LEVEL_FULL);
	expect_free(e);
}

static void test_refused(void **state)
{
	(void)state;
	bad(1, "belongs to a check", "rule RG-30\n");
	bad(1, "check ID POINTS", "check one 10\n");
	bad(1, "no number", "check one ten \"x\"\n");
	bad(3, "already", HEAD "check one 1 \"x\"\n");
	bad(1, "what to run", "check one 10 \"x\"\n");
	bad(3, "one thing only", HEAD "run none\n");
	bad(2, "run front", "check one 10 \"x\"\nrun away\n");
	bad(3, "no event \"ring_prod\"", HEAD "never ring_prod\n");
	bad(4, "no event", HEAD "never\nring_prod side=request\n");
	bad(3, "no field \"sid\"", HEAD "never ring_produce sid=request\n");
	bad(3, "no value", HEAD "never ring_produce side=left\n");
	bad(3, "no value", HEAD "never request_take seq=many\n");
	bad(3, "is for strings", HEAD "never request_take seq~1\n");
	bad(3, "compared by", HEAD "never request_refuse rule<RQ\n");
	bad(3, "too much", HEAD "never request_take twice\n");
	bad(3, "no event follows", HEAD "ordered\n");
	bad(3, "by FIELD", HEAD "before grant_unmap request_respond\n");
	bad(3, "no field",
	    HEAD "before grant_unmap request_respond by count\n");
	bad(3, "front KEY", HEAD "front ops\n");
	bad(3, "number is missing", HEAD "at-most\n");
	bad(3, "quote", HEAD "never request_refuse rule=\"x\n");
	bad(3, "no word", HEAD "rules RG-30\n");
	bad(3, "nothing to ask",
	    "check one 1 \"x\"\nrun none\nfront ops = 1\n");
	bad(3, "QUERY", HEAD "answer reads count request_push\n");
	bad(3, "without a field",
	    HEAD "answer reads = count request_push.op\n");
	bad(3, "field is missing", HEAD "answer reads = last request_push\n");
	bad(1, "no check", "# nothing\n");
}

/* ---- the matcher --------------------------------------------------------- */

struct held {
	struct expect *e;
	struct arena arena;
	struct match match;
};

/* The only item of a check that consists of `lines`. */
static struct held hold(const struct rig *r, const char *lines)
{
	static const uint16_t domid = 1;
	const struct scope s = { &r->log, &domid, 1 };
	struct held h = { 0 };
	char text[1024];

	snprintf(text, sizeof(text), HEAD "%s", lines);
	h.e = good(text);
	match_events(&h.arena, &s, &h.e->check[0].item[0], &h.match);
	return h;
}

static void drop(struct held *h)
{
	arena_free(&h->arena);
	expect_free(h->e);
}

/* A verdict, and at which record. */
static void holds(const struct rig *r, enum verdict v, uint32_t rec,
		  const char *lines)
{
	struct held h = hold(r, lines);

	if (h.match.verdict != v || h.match.rec != rec)
		fail_msg("%s: %s at %d (%s), not %s at %d", lines,
			 verdict_name(h.match.verdict), (int)h.match.rec,
			 h.match.saw, verdict_name(v), (int)rec);
	assert_true(!*h.match.saw == (v == VERDICT_OK));
	drop(&h);
}

static void test_ordered(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_whole(&r, 0, 1, 0, EV_OP_READ);    /* records 0 to 7 */
	rig_whole(&r, 200, 2, 1, EV_OP_WRITE); /* 8 to 15 */
	holds(&r, VERDICT_OK, MATCH_NONE,
	      "ordered\nrequest_push op=read\ndisk_submit\nrequest_respond\n"
	      "request_push op=write\n");
	/* It came, but before what should be before it. */
	holds(&r, VERDICT_BROKEN, 0,
	      "ordered\nrequest_push op=write\nrequest_push op=read\n");
	/* Nothing of the kind: look behind the last good one. */
	holds(&r, VERDICT_MISSING, 2,
	      "ordered\nrequest_take seq=1\nrequest_refuse\nrequest_respond\n");
	/* An event stands for one expectation only. */
	holds(&r, VERDICT_BROKEN, 8,
	      "ordered\nrequest_push op=write\nrequest_push op=write\n");
	rig_close(&r);
}

static void test_ordered_marks(void **state)
{
	struct rig r;
	struct held h;

	(void)state;
	rig_open(&r);
	rig_whole(&r, 0, 1, 0, EV_OP_READ);
	h = hold(&r, "ordered\nrequest_push\nrequest_refuse\ndisk_submit\n");
	assert_int_equal(h.match.event[0].verdict, VERDICT_OK);
	assert_int_equal(h.match.event[0].rec, 0);
	assert_int_equal(h.match.event[1].verdict, VERDICT_MISSING);
	assert_int_equal(h.match.event[2].verdict, VERDICT_SKIPPED);
	drop(&h);
	rig_close(&r);
}

static void test_others(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_whole(&r, 0, 1, 0, EV_OP_READ);
	rig_whole(&r, 200, 2, 1, EV_OP_WRITE);
	holds(&r, VERDICT_OK, MATCH_NONE,
	      "unordered\nrequest_push op=write\nrequest_push op=read\n");
	holds(&r, VERDICT_MISSING, MATCH_NONE,
	      "unordered\nrequest_push\nrequest_refuse\n");
	holds(&r, VERDICT_OK, MATCH_NONE, "never request_push op=flush\n");
	holds(&r, VERDICT_BROKEN, 8,
	      "never\nrequest_refuse\nrequest_push op=write\n");
	holds(&r, VERDICT_OK, MATCH_NONE, "exactly 2 request_respond\n");
	holds(&r, VERDICT_BROKEN, 8, "at-most 1 request_push\n");
	holds(&r, VERDICT_MISSING, 8, "at-least 3 request_push\n");
	holds(&r, VERDICT_OK, MATCH_NONE, "exactly 0 request_refuse\n");
	rig_close(&r);
}

static void test_before(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_take(&r, 10, 1, 0, EV_OP_READ);
	rig_take(&r, 11, 2, 1, EV_OP_READ);
	rig_disk(&r, 20, 30, 2, 0); /* records 2, 3 */
	rig_respond(&r, 40, 2, 0, 0);
	holds(&r, VERDICT_OK, MATCH_NONE,
	      "before disk_done request_respond by seq\n");
	rig_respond(&r, 50, 1, 1, 0); /* 5: without its disk_done */
	holds(&r, VERDICT_BROKEN, 5,
	      "before disk_done request_respond by seq\n");
	rig_disk(&r, 60, 70, 1, 0); /* too late */
	holds(&r, VERDICT_BROKEN, 5,
	      "before disk_done request_respond by seq\n");
	holds(&r, VERDICT_OK, MATCH_NONE,
	      "before disk_done request_respond seq=2 by seq\n");
	/* The same number on another queue is another one. */
	r.queue = 1;
	rig_respond(&r, 80, 2, 0, 0);
	holds(&r, VERDICT_BROKEN, 8,
	      "before disk_done request_respond seq=2 by seq\n");
	holds(&r, VERDICT_MISSING, MATCH_NONE,
	      "before disk_done request_refuse by seq\n");
	rig_close(&r);
}

static void test_scope(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.domid = 2;
	rig_push(&r, 10, 1, 0, EV_OP_READ);
	holds(&r, VERDICT_OK, MATCH_NONE, "never request_push\n");
	r.domid = 1;
	rig_push(&r, 20, 1, 0, EV_OP_READ);
	holds(&r, VERDICT_BROKEN, 1, "never request_push\n");
	rig_close(&r);
}

static void test_lost(void **state)
{
	const struct log_loss loss = { .count = 3 };
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_push(&r, 10, 1, 0, EV_OP_READ);
	assert_int_equal(log_append_loss(&r.log, &loss), 0);
	holds(&r, VERDICT_UNKNOWN, MATCH_NONE, "unordered request_take\n");
	holds(&r, VERDICT_BROKEN, 0, "never request_push\n");
	rig_close(&r);
}

static void test_conditions(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_event(&r, 10, EV_ACTOR_BACKEND, EV_KIND_request_refuse);
	rig_set(&r, LF_request_refuse_seq, UINT64_MAX);
	rig_text(&r, LF_request_refuse_rule, "RQ-38");
	rig_text(&r, LF_request_refuse_detail, "sector 9 of 8");
	rig_respond(&r, 20, 1, 0, -1);
	holds(&r, VERDICT_BROKEN, 0, "never request_refuse rule=RQ-38\n");
	holds(&r, VERDICT_OK, MATCH_NONE, "never request_refuse rule=RQ\n");
	holds(&r, VERDICT_BROKEN, 0, "never request_refuse rule!=RQ-39\n");
	holds(&r, VERDICT_BROKEN, 0, "never request_refuse detail~\"9 of\"\n");
	/* 64 bits have no sign. */
	holds(&r, VERDICT_BROKEN, 0, "never request_refuse seq>1\n");
	/* An enum has one. */
	holds(&r, VERDICT_BROKEN, 1, "never request_respond status=error\n");
	holds(&r, VERDICT_BROKEN, 1, "never request_respond status<0\n");
	holds(&r, VERDICT_OK, MATCH_NONE,
	      "never request_respond status=okay\n");
	holds(&r, VERDICT_OK, MATCH_NONE,
	      "never request_respond actor=frontend\n");
	rig_close(&r);
}

/* ---- queries ------------------------------------------------------------- */

static void answers(const struct rig *r, const char *query, const char *right)
{
	const struct scope s = { .log = &r->log };
	struct arena a = { 0 };
	struct text out = { 0 };
	struct why why = { "" };
	struct words w;
	struct query q;

	assert_int_equal(words_split(&a, query, &w), 0);
	if (query_parse(&a, &w, 0, &q, &why))
		fail_msg("%s: %s", query, why.text);
	query_answer(&s, &q, &out);
	if (strcmp(text_str(&out), right) != 0)
		fail_msg("%s: %s, not %s", query, text_str(&out), right);
	text_free(&out);
	arena_free(&a);
}

static void test_queries(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	rig_whole(&r, 0, 1, 0, EV_OP_READ);
	rig_whole(&r, 200, 2, 1, EV_OP_WRITE);
	rig_whole(&r, 400, 3, 2, EV_OP_READ);
	answers(&r, "count request_push op=read", "2");
	answers(&r, "count request_refuse", "0");
	answers(&r, "first request_push.op", "read");
	answers(&r, "last request_push.op op=write", "write");
	answers(&r, "last ring_produce.prod_after side=response", "3");
	answers(&r, "first request_refuse.rule", "none");
	answers(&r, "distinct request_push.op", "2");
	answers(&r, "distinct request_refuse.op", "0");
	answers(&r, "max request_push.seq", "3");
	answers(&r, "min request_push.seq op=write", "2");
	answers(&r, "sum request_push.len", "12288");
	answers(&r, "max request_refuse.seq", "none");
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ordered),
		cmocka_unit_test(test_ordered_marks),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_before),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_queries),
	};
	int fd = mkstemp(path);

	if (fd >= 0)
		close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
