/* SPDX-License-Identifier: MIT */
#include "labs/engine/expect_item.h"

#include <stdarg.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

int expect_wrong(struct reader *r, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return why_set(r->why, -EINVAL, "%s:%u: %s", r->e->path, r->line, text);
}

int expect_number(struct reader *r, unsigned at, uint64_t max, uint64_t *out)
{
	if (at >= r->w->count)
		return expect_wrong(r, "a number is missing after \"%s\"",
				    r->w->word[at - 1]);
	if (number_parse(r->w->word[at], 0, max, out))
		return expect_wrong(r, "\"%s\" is no number from 0 to %llu",
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
		return expect_wrong(r, "%s", why.text);
	if (!end && stop < r->w->count)
		return expect_wrong(r, "\"%s\" is too much behind an event",
				    r->w->word[stop]);
	if (end)
		*end = stop;
	if (ev_descs[p->kind].level > r->e->level)
		r->e->level = ev_descs[p->kind].level;
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
		return expect_wrong(r,
				    "%s KEY = VALUE is meant, or != < <= > >=",
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
		return expect_wrong(r, "answer KEY = QUERY is meant");
	item->key = r->w->word[1];
	/* A plain word or number is an answer that no trace has to give. */
	if (r->w->count == 4) {
		item->value = r->w->word[3];
		return 0;
	}
	if (query_parse(r->a, r->w, 3, &item->query, &why))
		return expect_wrong(r, "%s", why.text);
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
	return expect_number(r, 1, UINT64_MAX, &item->count) ||
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
		return expect_wrong(r, "before EVENT EVENT by FIELD is meant");
	for (i = 0; i < 2; i++)
		if (pattern_field_find(item->event[i].kind, r->w->word[end + 1],
				       &item->by[i]))
			return expect_wrong(r,
					    "the event %s has no field \"%s\"",
					    ev_descs[item->event[i].kind].name,
					    r->w->word[end + 1]);
	return 0;
}

static const struct {
	const char *word;
	int (*line)(struct reader *r);
} keywords[] = {
	{ "front", line_front },	 { "desk", line_desk },
	{ "answer", line_answer },	 { "ordered", line_ordered },
	{ "unordered", line_unordered }, { "never", line_never },
	{ "at-most", line_at_most },	 { "at-least", line_at_least },
	{ "exactly", line_exactly },	 { "before", line_before },
};

int expect_item_line(struct reader *r)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (!strcmp(keywords[i].word, r->w->word[0]))
			return keywords[i].line(r);
	if (r->block)
		return event_add(r, r->block, 0, NULL);
	return expect_wrong(r, "\"%s\" is no word that a line begins with",
			    r->w->word[0]);
}
