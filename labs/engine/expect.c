/* SPDX-License-Identifier: MIT */
#include "labs/engine/expect.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* A file being read. */
struct reader {
	struct expect *e;
	struct arena *a;
	unsigned line;
	const struct words *w;
	struct expect_check *check; /* NULL before the first */
	struct expect_item *block;  /* events that follow belong to it */
	struct why *why;
};

__attribute__((format(printf, 2, 3))) static int wrong(struct reader *r,
						       const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return why_set(r->why, -EINVAL, "%s:%u: %s", r->e->path, r->line, text);
}

static int number_word(struct reader *r, unsigned at, uint64_t max,
		       uint64_t *out)
{
	if (at >= r->w->count)
		return wrong(r, "a number is missing after \"%s\"",
			     r->w->word[at - 1]);
	if (number_parse(r->w->word[at], 0, max, out))
		return wrong(r, "\"%s\" is no number from 0 to %llu",
			     r->w->word[at], (unsigned long long)max);
	return 0;
}

/* The line again, without its blanks. */
static const char *line_text(struct reader *r)
{
	char *text = arena_text(r->a, r->w->word[0]);
	unsigned i;

	for (i = 1; i < r->w->count; i++)
		text = arena_printf(r->a, "%s %s", text, r->w->word[i]);
	return text;
}

static struct expect_item *item_new(struct reader *r, enum expect_kind kind)
{
	struct expect_check *c = r->check;
	struct expect_item *item;

	c->item = arena_grow(r->a, c->item, c->items, sizeof(*c->item));
	item = &c->item[c->items++];
	memset(item, 0, sizeof(*item));
	item->kind = kind;
	item->line = r->line;
	item->text = line_text(r);
	r->block = NULL;
	return item;
}

/* From word `from` one event, to `end` or, where that is NULL, to the last. */
static int event_add(struct reader *r, struct expect_item *item, unsigned from,
		     unsigned *end)
{
	struct why why = { "" };
	struct pattern *p;
	unsigned stop;

	item->event = arena_grow(r->a, item->event, item->events, sizeof(*p));
	p = &item->event[item->events++];
	if (pattern_parse(r->a, r->w, from, &stop, p, &why))
		return wrong(r, "%s", why.text);
	if (!end && stop < r->w->count)
		return wrong(r, "\"%s\" is too much behind an event",
			     r->w->word[stop]);
	if (end)
		*end = stop;
	if (ev_descs[p->kind].level > r->e->level)
		r->e->level = ev_descs[p->kind].level;
	return 0;
}

/* ---- what a line may begin with ------------------------------------------ */

static int line_check(struct reader *r)
{
	struct expect *e = r->e;
	struct expect_check *c;
	uint64_t points;
	unsigned i;

	if (r->w->count != 4)
		return wrong(r, "a check is: check ID POINTS \"title\"");
	if (number_word(r, 2, 1000, &points))
		return -EINVAL;
	for (i = 0; i < e->checks; i++)
		if (!strcmp(e->check[i].id, r->w->word[1]))
			return wrong(r,
				     "there is a check \"%s\" already, in "
				     "line %u",
				     r->w->word[1], e->check[i].line);
	if (strspn(r->w->word[1], "abcdefghijklmnopqrstuvwxyz0123456789-_") !=
	    strlen(r->w->word[1]))
		return wrong(r, "the name of a check is made of small letters, "
				"digits, - and _");
	e->check = arena_grow(r->a, e->check, e->checks, sizeof(*c));
	c = &e->check[e->checks++];
	memset(c, 0, sizeof(*c));
	c->id = r->w->word[1];
	c->points = (unsigned)points;
	c->title = r->w->word[3];
	c->line = r->line;
	e->points += c->points;
	r->check = c;
	r->block = NULL;
	return 0;
}

static int line_rule(struct reader *r)
{
	unsigned i;

	for (i = 1; i < r->w->count; i++) {
		if (r->check->rules == EXPECT_RULES)
			return wrong(r, "more than %u rules", EXPECT_RULES);
		r->check->rule[r->check->rules++] = r->w->word[i];
	}
	return i > 1 ? 0 : wrong(r, "which rule?");
}

static int line_function(struct reader *r)
{
	if (r->w->count != 2)
		return wrong(r, "one function, please");
	r->check->function = r->w->word[1];
	return 0;
}

static int line_hint(struct reader *r)
{
	uint64_t n;

	if (number_word(r, 1, 32, &n))
		return -EINVAL;
	r->check->hint = (unsigned)n;
	return 0;
}

static void words_rest(const struct words *from, unsigned at, struct words *to)
{
	to->count = 0;
	for (; at < from->count; at++)
		to->word[to->count++] = from->word[at];
	to->word[to->count] = NULL;
}

static int line_run(struct reader *r)
{
	const char *what = r->w->count > 1 ? r->w->word[1] : "";
	struct expect_check *c = r->check;

	if (c->run_given)
		return wrong(r, "a check runs one thing only");
	c->run_given = true;
	words_rest(r->w, 2, &c->args);
	if (!strcmp(what, "none") && !c->args.count)
		c->run = RUN_NONE;
	else if (!strcmp(what, "front"))
		c->run = RUN_FRONT;
	else if (!strcmp(what, "case") && c->args.count)
		c->run = RUN_CASE;
	else
		return wrong(r, "run front OPTION..., run case \"NAME\"... or "
				"run none");
	return 0;
}

static int line_options(struct reader *r)
{
	words_rest(r->w, 1, &r->check->options);
	return 0;
}

/* Words may stand apart ("ops = 400") or together ("ops=400"). */
static int line_value(struct reader *r, enum expect_kind kind)
{
	struct expect_item *item = item_new(r, kind);
	char *joined = arena_text(r->a, ""), *key, *value;
	unsigned i;

	for (i = 1; i < r->w->count; i++)
		joined = arena_printf(r->a, "%s%s", joined, r->w->word[i]);
	if (pattern_op_split(r->a, joined, &key, &item->op, &value) ||
	    !*value || item->op == OP_HAS)
		return wrong(r, "%s KEY = VALUE is meant, or != < <= > >=",
			     r->w->word[0]);
	item->key = key;
	item->value = value;
	return 0;
}

static int line_front(struct reader *r)
{
	return line_value(r, EXPECT_FRONT);
}

static int line_desk(struct reader *r)
{
	return line_value(r, EXPECT_DESK);
}

static int line_answer(struct reader *r)
{
	struct expect_item *item = item_new(r, EXPECT_ANSWER);
	struct why why = { "" };

	if (r->w->count < 4 || strcmp(r->w->word[2], "=") != 0)
		return wrong(r, "answer KEY = QUERY is meant");
	item->key = r->w->word[1];
	/* A plain word or number is an answer that no trace has to give. */
	if (r->w->count == 4) {
		item->value = r->w->word[3];
		return 0;
	}
	if (query_parse(r->a, r->w, 3, &item->query, &why))
		return wrong(r, "%s", why.text);
	if (ev_descs[item->query.event.kind].level > r->e->level)
		r->e->level = ev_descs[item->query.event.kind].level;
	return 0;
}

static int line_block(struct reader *r, enum expect_kind kind)
{
	struct expect_item *item = item_new(r, kind);

	if (r->w->count > 1 && event_add(r, item, 1, NULL))
		return -EINVAL;
	r->block = item;
	return 0;
}

static int line_ordered(struct reader *r)
{
	return line_block(r, EXPECT_ORDERED);
}

static int line_unordered(struct reader *r)
{
	return line_block(r, EXPECT_UNORDERED);
}

static int line_never(struct reader *r)
{
	return line_block(r, EXPECT_NEVER);
}

static int line_count(struct reader *r, enum pattern_op op)
{
	struct expect_item *item = item_new(r, EXPECT_COUNT);

	item->op = op;
	return number_word(r, 1, UINT64_MAX, &item->count) ||
			       event_add(r, item, 2, NULL)
		       ? -EINVAL
		       : 0;
}

static int line_at_most(struct reader *r)
{
	return line_count(r, OP_LE);
}

static int line_at_least(struct reader *r)
{
	return line_count(r, OP_GE);
}

static int line_exactly(struct reader *r)
{
	return line_count(r, OP_EQ);
}

static int line_before(struct reader *r)
{
	struct expect_item *item = item_new(r, EXPECT_BEFORE);
	unsigned end, i;

	if (event_add(r, item, 1, &end) || event_add(r, item, end, &end))
		return -EINVAL;
	if (end + 2 != r->w->count || strcmp(r->w->word[end], "by") != 0)
		return wrong(r, "before EVENT EVENT by FIELD is meant");
	for (i = 0; i < 2; i++)
		if (pattern_field_find(item->event[i].kind, r->w->word[end + 1],
				       &item->by[i]))
			return wrong(r, "the event %s has no field \"%s\"",
				     ev_descs[item->event[i].kind].name,
				     r->w->word[end + 1]);
	return 0;
}

static const struct {
	const char *word;
	int (*line)(struct reader *r);
} keywords[] = {
	{ "check", line_check },
	{ "rule", line_rule },
	{ "function", line_function },
	{ "hint", line_hint },
	{ "run", line_run },
	{ "options", line_options },
	{ "front", line_front },
	{ "desk", line_desk },
	{ "answer", line_answer },
	{ "ordered", line_ordered },
	{ "unordered", line_unordered },
	{ "never", line_never },
	{ "at-most", line_at_most },
	{ "at-least", line_at_least },
	{ "exactly", line_exactly },
	{ "before", line_before },
};

static int line_take(struct reader *r)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (strcmp(keywords[i].word, r->w->word[0]) != 0)
			continue;
		if (i && !r->check)
			return wrong(r, "this belongs to a check, and none has "
					"begun");
		return keywords[i].line(r);
	}
	if (r->block)
		return event_add(r, r->block, 0, NULL);
	return wrong(r, "\"%s\" is no word that a line begins with",
		     r->w->word[0]);
}

/* ---- the whole ----------------------------------------------------------- */

/* What can only be said once a check is complete. */
static int check_judge(struct reader *r, const struct expect_check *c)
{
	unsigned i;

	r->line = c->line;
	if (!c->run_given)
		return wrong(r, "the check \"%s\" does not say what to run",
			     c->id);
	for (i = 0; i < c->items; i++) {
		const struct expect_item *item = &c->item[i];

		r->line = item->line;
		if (item->kind >= EXPECT_ORDERED && !item->events)
			return wrong(r, "no event follows \"%s\"", item->text);
		if ((item->kind == EXPECT_FRONT || item->kind == EXPECT_DESK) &&
		    c->run != RUN_FRONT)
			return wrong(r, "without \"run front\" there is "
					"nothing to ask");
	}
	return 0;
}

static int lines_read(struct reader *r, FILE *f)
{
	char *line = NULL;
	struct words w;
	size_t room = 0;
	int err = 0;

	r->w = &w;
	while (!err && getline(&line, &room, f) > 0) {
		r->line++;
		err = words_split(r->a, line, &w);
		if (err)
			err = wrong(r, "%s",
				    err == -E2BIG ? "too many words in a line"
						  : "a quote has no end");
		else if (w.count)
			err = line_take(r);
	}
	free(line);
	return err;
}

int expect_load(const char *path, struct expect **out, struct why *why)
{
	struct expect *e = calloc(1, sizeof(*e));
	struct reader r = { .e = e, .why = why };
	unsigned i;
	FILE *f;
	int err;

	if (!e)
		return why_set(why, -ENOMEM, "out of memory");
	r.a = &e->arena;
	e->path = arena_text(r.a, path);
	e->level = EV_LEVEL_PROTOCOL;
	f = fopen(path, "re");
	if (!f) {
		err = why_set(why, -errno, "%s cannot be read: %s", path,
			      strerror(errno));
		expect_free(e);
		return err;
	}
	err = lines_read(&r, f);
	fclose(f);
	for (i = 0; !err && i < e->checks; i++)
		err = check_judge(&r, &e->check[i]);
	if (!err && !e->checks)
		err = wrong(&r, "there is no check in it");
	if (err)
		expect_free(e);
	else
		*out = e;
	return err;
}

void expect_free(struct expect *e)
{
	if (!e)
		return;
	arena_free(&e->arena);
	free(e);
}
