/* SPDX-License-Identifier: MIT */
#include "labs/engine/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "labs/engine/report.h"
#include "labs/engine/source.h"
#include "viz/read/ctf.h"

struct judge {
	struct grade *g;
	struct arena *a;
	struct grade_check *c;
	const struct run_check *run;
};

static struct grade_item *item_add(struct judge *j, const char *text,
				   enum verdict v, const char *saw)
{
	struct grade_check *c = j->c;
	struct grade_item *item;

	c->item = arena_grow(j->a, c->item, c->items, sizeof(*item));
	item = &c->item[c->items++];
	memset(item, 0, sizeof(*item));
	item->text = text;
	item->verdict = v;
	item->saw = saw;
	return item;
}

/* ---- what goes without saying -------------------------------------------- */

static bool asks_front(const struct expect_check *check, const char *key)
{
	unsigned i;

	for (i = 0; i < check->items; i++)
		if (check->item[i].kind == EXPECT_FRONT &&
		    !strcmp(check->item[i].key, key))
			return true;
	return false;
}

static void judge_front_end(struct judge *j)
{
	const struct run_check *r = j->run;
	bool well = !r->front_code;
	const char *said = r->front_said && *r->front_said
				   ? r->front_said
				   : "it did not come to an end";

	item_add(j, "your ringsided runs to the end",
		 r->ended ? VERDICT_BROKEN : VERDICT_OK,
		 r->ended ? r->ended : "");
	/* Then the check has words of its own for it. */
	if (asks_front(j->c->check, "exit"))
		return;
	item_add(j, "the frontend is content",
		 well ? VERDICT_OK : VERDICT_BROKEN, well ? "" : said);
}

static void judge_cases(struct judge *j)
{
	unsigned i;

	for (i = 0; i < j->run->kases; i++) {
		const struct run_case *k = j->run->kase[i];

		item_add(j, arena_printf(j->a, "case \"%s\"", k->name),
			 k->ok	   ? VERDICT_OK
			 : k->said ? VERDICT_BROKEN
				   : VERDICT_SKIPPED,
			 k->ok	   ? ""
			 : k->said ? k->said
				   : "it was not tried");
	}
}

/* ---- what the check says ------------------------------------------------- */

static void judge_front(struct judge *j, const struct expect_item *item)
{
	const char *is = report_front(j->a, j->run, item->key);
	const char *other = report_front(j->a, j->run, item->value);
	const char *said = j->run->front_said ? j->run->front_said : "";
	bool holds;

	if (!is) {
		item_add(j, item->text, VERDICT_MISSING,
			 arena_printf(j->a,
				      "the frontend did not come so far%s%s",
				      *said ? ": " : "", said));
		return;
	}
	holds = report_holds(item->op, is, other ? other : item->value);
	item_add(j, item->text, holds ? VERDICT_OK : VERDICT_BROKEN,
		 holds	 ? ""
		 : other ? arena_printf(j->a, "it was %s, and %s was %s", is,
					item->value, other)
		 : !strcmp(item->key, "exit") && *said
			 ? arena_printf(j->a, "it was %s: %s", is, said)
			 : arena_printf(j->a, "it was %s", is));
}

/* "desk mappings = 0" is about what is left, others about how much came. */
static const char *desk_words(struct judge *j, const struct expect_item *item,
			      int64_t v)
{
	if (item->op == OP_EQ && !strcmp(item->value, "0"))
		return arena_printf(j->a, "%lld were left in the end",
				    (long long)v);
	return arena_printf(j->a, "it rose by %lld", (long long)v);
}

static void judge_desk(struct judge *j, const struct expect_item *item)
{
	bool holds;
	int64_t v;

	if (report_desk(j->run, item->key, &v)) {
		item_add(j, item->text, VERDICT_MISSING,
			 "the desk has no such counter");
		return;
	}
	holds = pattern_op_holds(item->op, v, strtoll(item->value, NULL, 0));
	item_add(j, item->text, holds ? VERDICT_OK : VERDICT_BROKEN,
		 holds ? "" : desk_words(j, item, v));
}

/* The trace that the student recorded, for labs without code. */
static const struct trace_log *own_log(struct judge *j, const char **wrong)
{
	struct grade *g = j->g;
	struct why why = { "" };
	char *path = arena_printf(j->a, "%s/trace", g->work->dir);

	if (!g->own_read && ctf_read(path, &g->own, &why)) {
		*wrong = arena_text(j->a, why.text);
		return NULL;
	}
	g->own_read = true;
	return &g->own;
}

static void judge_answer(struct judge *j, const struct expect_item *item)
{
	const char *is = source_answer(j->a, j->g->work, item->key), *saw = "";
	const char *text = arena_printf(j->a, "answer %s", item->key);
	struct scope s = { 0 };
	struct text right = { 0 };

	if (!is) {
		item_add(j, text, VERDICT_MISSING,
			 "answers.txt does not give it");
		return;
	}
	if (item->value) {
		text_add(&right, item->value);
	} else {
		s.log = j->c->check->run == RUN_NONE ? own_log(j, &saw)
						     : &j->g->log;
		s.domid = j->run->domid;
		s.domids = j->run->domids;
		if (!s.log) {
			item_add(j, text, VERDICT_MISSING, saw);
			return;
		}
		query_answer(&s, &item->query, &right);
	}
	/* The right answer is not told: it is the exercise. */
	if (report_holds(OP_EQ, is, text_str(&right)))
		item_add(j, text, VERDICT_OK, "");
	else
		item_add(j, text, VERDICT_BROKEN,
			 arena_printf(j->a, "%s is not what the trace says",
				      is));
	text_free(&right);
}

static void judge_events(struct judge *j, const struct expect_item *item)
{
	const struct scope s = { &j->g->log, j->run->domid, j->run->domids };
	struct grade_item *made = item_add(j, item->text, VERDICT_OK, "");

	made->has_match = true;
	match_events(j->a, &s, item, &made->match);
	made->verdict = made->match.verdict;
	made->saw = made->match.saw;
	if (made->verdict == VERDICT_UNKNOWN)
		made->saw =
			arena_printf(j->a,
				     "%s; but events were lost, since there "
				     "were too many",
				     made->saw);
}

static void judge_item(struct judge *j, const struct expect_item *item)
{
	switch (item->kind) {
	case EXPECT_FRONT:
		judge_front(j, item);
		break;
	case EXPECT_DESK:
		judge_desk(j, item);
		break;
	case EXPECT_ANSWER:
		judge_answer(j, item);
		break;
	default:
		judge_events(j, item);
		break;
	}
	j->c->item[j->c->items - 1].item = item;
}

/* ---- a check ------------------------------------------------------------- */

static void check_sum(struct judge *j)
{
	struct grade_check *c = j->c;
	unsigned i;

	c->state = GRADE_PASSED;
	for (i = 0; i < c->items; i++) {
		if (c->item[i].verdict == VERDICT_OK)
			continue;
		/* What was not tried is not passed either. */
		if (c->item[i].verdict == VERDICT_SKIPPED) {
			if (c->state == GRADE_PASSED)
				c->state = GRADE_NOT_TRIED;
			continue;
		}
		c->state = GRADE_FAILED;
		if (c->item[i].has_match && !c->focus)
			c->focus = &c->item[i];
	}
	if (c->state == GRADE_PASSED)
		j->g->points += c->check->points;
}

static bool is_about(const struct expect_check *check, const char *said)
{
	unsigned i;

	for (i = 0; i < check->rules; i++) {
		size_t len = strlen(check->rule[i]);

		if (!strncmp(said, check->rule[i], len) &&
		    !strncmp(said + len, ": ", 2))
			return true;
	}
	return false;
}

/*
 * A case about one rule may not come so far, for the sake of another: "RG-31:
 * the backend ...".  Then the check of that rule is the one to look at.
 */
static void blame_find(struct judge *j)
{
	const struct expect *e = j->g->expect;
	unsigned i, k;

	for (i = 0; i < j->run->kases; i++) {
		const char *said = j->run->kase[i]->said;

		/* Nothing is said of one that was not run. */
		if (j->run->kase[i]->ok || !said || is_about(j->c->check, said))
			continue;
		for (k = 0; k < e->checks; k++)
			if (is_about(&e->check[k], said)) {
				j->c->blame = &e->check[k];
				return;
			}
	}
}

static void judge_check(struct judge *j)
{
	const struct expect_check *check = j->c->check;
	unsigned i;

	j->c->blame = check;
	blame_find(j);
	if (j->c->blame->function)
		j->c->place = source_function(j->a, j->g->work,
					      j->c->blame->function);
	if (!j->run->tried && check->run != RUN_NONE) {
		j->c->state = GRADE_NOT_TRIED;
		return;
	}
	if (check->run == RUN_FRONT)
		judge_front_end(j);
	if (check->run == RUN_CASE)
		judge_cases(j);
	for (i = 0; i < check->items; i++)
		judge_item(j, &check->item[i]);
	check_sum(j);
}

void judge_grade(struct grade *g)
{
	struct judge j = { .g = g, .a = &g->arena };
	unsigned i;

	for (i = 0; i < g->expect->checks; i++) {
		j.c = &g->check[i];
		j.run = j.c->run = &g->run[i];
		j.c->check = &g->expect->check[i];
		judge_check(&j);
	}
}

bool judge_failed_already(struct arena *a, const struct expect_check *check,
			  const struct run_check *run)
{
	struct grade_check c = { .check = check, .run = run };
	struct judge j = { .a = a, .c = &c, .run = run };
	unsigned i;

	judge_front_end(&j);
	for (i = 0; i < check->items; i++)
		if (check->item[i].kind == EXPECT_FRONT ||
		    check->item[i].kind == EXPECT_DESK)
			judge_item(&j, &check->item[i]);
	for (i = 0; i < c.items; i++)
		if (c.item[i].verdict != VERDICT_OK)
			return true;
	return false;
}
