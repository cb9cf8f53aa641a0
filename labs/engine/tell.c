/* SPDX-License-Identifier: MIT */
#include "labs/engine/tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labs/engine/source.h"
#include "labs/engine/trail.h"

#define COMPILER_LINES 30

enum tone { TONE_GOOD_WORD, TONE_BAD_WORD, TONE_HEAD_WORD };

bool tell_colour_wanted(int fd)
{
	const char *no = getenv("NO_COLOR");

	return isatty(fd) && (!no || !*no);
}

static void add_toned(const struct tell *t, enum tone tone, const char *word,
		      unsigned columns)
{
	static const char *const codes[] = { "\033[32m", "\033[31;1m",
					     "\033[1m" };

	if (t->colour)
		text_add(t->out, codes[tone]);
	text_add_padded(t->out, word, (int)columns);
	if (t->colour)
		text_add(t->out, "\033[0m");
}

void tell_wrapped(struct text *out, const char *words, unsigned at,
		  unsigned indent)
{
	const char *p = words;
	bool first = true;

	while (*(p += strspn(p, " "))) {
		size_t len = strcspn(p, " ");
		char *word = strndup(p, len);
		unsigned columns = word ? (unsigned)text_columns(word) : 0;

		if (!first && at + 1 + columns > TELL_COLUMNS - 1) {
			text_printf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			text_add(out, " ");
			at++;
		}
		text_add_bytes(out, p, len);
		at += columns;
		first = false;
		free(word);
		p += len;
	}
	text_add(out, "\n");
}

void tell_build(const struct tell *t, const struct grade *g)
{
	const char *at = g->build.said, *end;
	int lines = 0;

	if (!*at)
		return;
	text_add(t->out, g->build.made ? "The compiler warns:\n"
				       : "Your file cannot be compiled:\n");
	for (; *at && lines < COMPILER_LINES; at = end, lines++) {
		end = at + strcspn(at, "\n");
		text_printf(t->out, "  %.*s\n", (int)(end - at), at);
		end += *end == '\n';
	}
	if (*at)
		text_add(t->out, "  ... and more of the kind\n");
	text_add(t->out, "\n");
}

static const char *state_word(enum grade_state s)
{
	return s == GRADE_PASSED   ? "ok"
	       : s == GRADE_FAILED ? "FAILED"
				   : "not tried";
}

static unsigned id_columns(const struct grade *g)
{
	unsigned columns = 4, i;

	for (i = 0; i < g->expect->checks; i++)
		if (strlen(g->check[i].check->id) > columns)
			columns = (unsigned)strlen(g->check[i].check->id);
	return columns;
}

/* Why some were not tried; there is one reason at most. */
static void tell_untried(const struct tell *t, const struct grade *g)
{
	struct text line = { 0 };
	unsigned i;

	for (i = 0; i < g->expect->checks; i++) {
		const struct grade_check *c = &g->check[i];

		if (c->state != GRADE_NOT_TRIED || !c->run->untried)
			continue;
		text_printf(&line,
			    "not tried: %s; mend those first, or: ringside lab "
			    "grade --check=%s",
			    c->run->untried, c->check->id);
		text_add(t->out, "  ");
		tell_wrapped(t->out, text_str(&line), 2, 13);
		text_add(t->out, "\n");
		text_free(&line);
		return;
	}
}

void tell_list(const struct tell *t, const struct grade *g)
{
	unsigned columns = id_columns(g), i;

	text_printf(t->out, "%s  %s\n\n", g->work->lab->id,
		    g->work->lab->title);
	for (i = 0; i < g->expect->checks; i++) {
		const struct grade_check *c = &g->check[i];
		bool good = c->state == GRADE_PASSED;

		text_add(t->out, "  ");
		add_toned(t, good ? TONE_GOOD_WORD : TONE_BAD_WORD,
			  state_word(c->state), 9);
		text_printf(t->out, " %3u/%-3u %-*s  ",
			    good ? c->check->points : 0, c->check->points,
			    (int)columns, c->check->id);
		tell_wrapped(t->out, c->check->title, 22 + columns,
			     22 + columns);
	}
	text_add(t->out, "\n");
	tell_untried(t, g);
}

/* ---- a check ------------------------------------------------------------- */

static void tell_rules(const struct tell *t, const struct grade *g,
		       const struct expect_check *check)
{
	struct arena a = { 0 };
	unsigned i;

	for (i = 0; i < check->rules; i++) {
		const char *clause =
			source_clause(&a, g->work->lab->root, check->rule[i]);

		text_printf(t->out, "  rule     %s: ", check->rule[i]);
		tell_wrapped(t->out, clause ? clause : "see docs/protocol.md",
			     13 + (unsigned)strlen(check->rule[i]), 11);
	}
	arena_free(&a);
}

/* The events of a block, each with its own verdict and moment. */
static void tell_events(const struct tell *t, const struct grade *g,
			const struct grade_check *c,
			const struct grade_item *item)
{
	unsigned i;

	for (i = 0; i < item->item->events; i++) {
		const struct match_event *e = &item->match.event[i];
		struct text line = { 0 };

		text_add(&line, item->item->event[i].text);
		if (e->rec != MATCH_NONE) {
			text_add(&line, ", at ");
			trail_time(g, c, e->rec, &line);
		}
		text_printf(t->out, "      %-8s ", verdict_name(e->verdict));
		tell_wrapped(t->out, text_str(&line), 15, 17);
		text_free(&line);
	}
}

static bool is_block(const struct grade_item *item)
{
	return item->has_match && (item->item->kind == EXPECT_ORDERED ||
				   item->item->kind == EXPECT_UNORDERED ||
				   item->item->kind == EXPECT_NEVER);
}

static void tell_item(const struct tell *t, const struct grade *g,
		      const struct grade_check *c,
		      const struct grade_item *item)
{
	static const char *const heads[] = {
		[EXPECT_ORDERED] = "one after the other:",
		[EXPECT_UNORDERED] = "each of these:",
		[EXPECT_NEVER] = "none of these:",
	};
	bool good = item->verdict == VERDICT_OK;
	struct text line = { 0 };
	unsigned i;

	text_add(&line, is_block(item) ? heads[item->item->kind] : item->text);
	for (i = 0; is_block(item) && good && i < item->item->events; i++)
		text_printf(&line, "%s %s", i ? "," : "",
			    item->item->event[i].text);
	text_add(t->out, "    ");
	add_toned(t, good ? TONE_GOOD_WORD : TONE_BAD_WORD,
		  verdict_name(item->verdict), 8);
	text_add(t->out, " ");
	tell_wrapped(t->out, text_str(&line), 13, 15);
	text_free(&line);
	if (is_block(item) && !good)
		tell_events(t, g, c, item);
	if (*item->saw) {
		text_printf(t->out, "%13s-> ", "");
		tell_wrapped(t->out, item->saw, 16, 16);
	}
}

static void tell_place(const struct tell *t, const struct grade_check *c)
{
	if (c->place)
		text_printf(t->out, "  where    %s, %s()\n", c->place,
			    c->blame->function);
	else if (c->blame->function)
		text_printf(
			t->out,
			"  where    %s(), which your file does not define\n",
			c->blame->function);
}

void tell_check(const struct tell *t, const struct grade *g,
		const struct grade_check *c)
{
	struct text head = { 0 };
	unsigned i;

	text_printf(&head, "== %s: ", c->check->id);
	tell_wrapped(&head, c->check->title, (unsigned)head.len, 3);
	add_toned(t, TONE_HEAD_WORD, text_str(&head), 0);
	text_free(&head);
	text_printf(t->out, "  points   %u of %u\n",
		    c->state == GRADE_PASSED ? c->check->points : 0,
		    c->check->points);
	tell_rules(t, g, c->blame);
	tell_place(t, c);
	if (c->state == GRADE_NOT_TRIED) {
		text_printf(t->out, "  It was not tried: %s.\n\n",
			    c->run->untried ? c->run->untried
					    : "there is no program to try");
		return;
	}
	text_add(t->out, "  expected\n");
	for (i = 0; i < c->items; i++)
		tell_item(t, g, c, &c->item[i]);
	if (c->check->run != RUN_NONE && c->state == GRADE_FAILED)
		trail_tell(g, c, t->out);
	if (c->picture)
		text_printf(t->out, "  picture  %s\n", c->picture);
	if (c->blame->hint && c->state == GRADE_FAILED)
		text_printf(t->out, "  hint     ringside lab hint %u\n",
			    c->blame->hint);
	text_add(t->out, "\n");
}

/* Not all was looked at, since only the first that fails is wanted. */
static bool so_far(const struct grade *g)
{
	unsigned i;

	for (i = 0; i < g->expect->checks; i++)
		if (g->run[i].untried &&
		    !strcmp(g->run[i].untried, RUN_FIRST_ONLY))
			return true;
	return false;
}

void tell_end(const struct tell *t, const struct grade *g)
{
	const struct grade_check *c = grade_first_failed(g);

	add_toned(t, c ? TONE_BAD_WORD : TONE_GOOD_WORD,
		  c ? "Not all passed" : "All passed", 0);
	text_printf(t->out, ": %u of %u points%s, in %.1f s.\n", g->points,
		    g->expect->points, so_far(g) ? " so far" : "", g->seconds);
	if (g->trace && c)
		text_printf(t->out, "The whole trace is in %s.\n", g->trace);
	if (g->too_large)
		text_add(t->out, "The trace is too large to be kept.\n");
}
