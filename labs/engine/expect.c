/* SPDX-License-Identifier: MIT */
#include "labs/engine/expect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs/engine/expect_item.h"

/* ---- what a line may begin with ------------------------------------------ */

static int line_check(struct reader *r)
{
	struct expect *e = r->e;
	struct expect_check *c;
	uint64_t points;
	unsigned i;

	if (r->w->count != 4)
		return expect_wrong(r, "a check is: check ID POINTS \"title\"");
	if (expect_number(r, 2, 1000, &points))
		return -EINVAL;
	for (i = 0; i < e->checks; i++)
		if (!strcmp(e->check[i].id, r->w->word[1]))
			return expect_wrong(
				r,
				"there is a check \"%s\" already, in "
				"line %u",
				r->w->word[1], e->check[i].line);
	if (strspn(r->w->word[1], "abcdefghijklmnopqrstuvwxyz0123456789-_") !=
	    strlen(r->w->word[1]))
		return expect_wrong(
			r, "the name of a check is made of small letters, "
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
			return expect_wrong(r, "more than %u rules",
					    EXPECT_RULES);
		r->check->rule[r->check->rules++] = r->w->word[i];
	}
	return i > 1 ? 0 : expect_wrong(r, "which rule?");
}

static int line_function(struct reader *r)
{
	if (r->w->count != 2)
		return expect_wrong(r, "one function, please");
	r->check->function = r->w->word[1];
	return 0;
}

static int line_hint(struct reader *r)
{
	uint64_t n;

	if (expect_number(r, 1, 32, &n))
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
		return expect_wrong(r, "a check runs one thing only");
	c->run_given = true;
	words_rest(r->w, 2, &c->args);
	if (!strcmp(what, "none") && !c->args.count)
		c->run = RUN_NONE;
	else if (!strcmp(what, "front"))
		c->run = RUN_FRONT;
	else if (!strcmp(what, "case") && c->args.count)
		c->run = RUN_CASE;
	else
		return expect_wrong(
			r, "run front OPTION..., run case \"NAME\"... or "
			   "run none");
	return 0;
}

static int line_options(struct reader *r)
{
	words_rest(r->w, 1, &r->check->options);
	return 0;
}

static const struct {
	const char *word;
	int (*line)(struct reader *r);
} keywords[] = {
	{ "check", line_check },       { "rule", line_rule },
	{ "function", line_function }, { "hint", line_hint },
	{ "run", line_run },	       { "options", line_options },
};

static int line_take(struct reader *r)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (strcmp(keywords[i].word, r->w->word[0]) != 0)
			continue;
		if (i && !r->check)
			return expect_wrong(
				r, "this belongs to a check, and none has "
				   "begun");
		return keywords[i].line(r);
	}
	if (!r->check)
		return expect_wrong(r, "no check has begun");
	return expect_item_line(r);
}

/* ---- the whole ----------------------------------------------------------- */

/* What can only be said once a check is complete. */
static int check_judge(struct reader *r, const struct expect_check *c)
{
	unsigned i;

	r->line = c->line;
	if (!c->run_given)
		return expect_wrong(
			r, "the check \"%s\" does not say what to run", c->id);
	for (i = 0; i < c->items; i++) {
		const struct expect_item *item = &c->item[i];

		r->line = item->line;
		if (item->kind >= EXPECT_ORDERED && !item->events)
			return expect_wrong(r, "no event follows \"%s\"",
					    item->text);
		if ((item->kind == EXPECT_FRONT || item->kind == EXPECT_DESK) &&
		    c->run != RUN_FRONT)
			return expect_wrong(r, "without \"run front\" there is "
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
			err = expect_wrong(r, "%s",
					   err == -E2BIG
						   ? "too many words in a line"
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
		err = expect_wrong(&r, "there is no check in it");
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

int expect_only(struct expect *e, const char *id, struct why *why)
{
	unsigned i;

	for (i = 0; i < e->checks; i++) {
		if (strcmp(e->check[i].id, id) != 0)
			continue;
		e->check[0] = e->check[i];
		e->checks = 1;
		e->points = e->check[0].points;
		return 0;
	}
	return why_set(why, -ESRCH, "%s has no check \"%s\"", e->path, id);
}
