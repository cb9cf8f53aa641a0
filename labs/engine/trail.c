/* SPDX-License-Identifier: MIT */
#include "labs/engine/trail.h"

#include <stdlib.h>
#include <string.h>

#include "labs/engine/tell.h"

#define BEFORE 8u
#define AFTER  11u

/* The records of a check, by their numbers in the log. */
struct trail {
	const struct trace_log *log;
	uint32_t *rec;
	uint32_t n;
};

static bool trail_open(const struct grade *g, const struct grade_check *c,
		       struct trail *t)
{
	const struct scope s = { &g->log, c->run->domid, c->run->domids };
	uint32_t i;

	t->log = &g->log;
	t->n = 0;
	t->rec = malloc((g->log.n + 1) * sizeof(*t->rec));
	for (i = 0; t->rec && s.domids && i < g->log.n; i++)
		if (scope_has(&s, &g->log.rec[i]))
			t->rec[t->n++] = i;
	return t->rec && t->n;
}

void trail_time(const struct grade *g, const struct grade_check *c,
		uint32_t rec, struct text *out)
{
	const struct scope s = { &g->log, c->run->domid, c->run->domids };
	uint32_t i;
	double us;

	for (i = 0; i < g->log.n && !scope_has(&s, &g->log.rec[i]); i++)
		;
	us = (double)(g->log.rec[rec].t_ns - g->log.rec[i].t_ns) / 1e3;
	text_printf(out, us < 1e4 ? "%.1f us" : "%.0f us", us);
}

static const char *mark_of(const struct grade_check *c, uint32_t rec)
{
	const struct match *m;
	unsigned i;

	if (!c->focus)
		return "";
	m = &c->focus->match;
	/* What is missing belongs after `rec`, which is good itself. */
	if (rec == m->rec && c->focus->verdict == VERDICT_BROKEN)
		return ">>";
	for (i = 0; i < c->focus->item->events; i++)
		if (m->event[i].rec == rec && m->event[i].verdict == VERDICT_OK)
			return "ok";
	return "";
}

static void fields_tell(const struct trace_log *log, const struct log_rec *rec,
			struct text *out)
{
	const struct ev_desc *d = &ev_descs[rec->kind];
	unsigned i;

	text_add(out, d->name);
	if (rec->queue != LOG_QUEUE_NONE && rec->queue)
		text_printf(out, " queue=%u", rec->queue);
	for (i = 0; i < d->fields; i++) {
		text_printf(out, " %s=", d->field[i].name);
		pattern_field_text(log, rec, (int)i, out);
	}
}

static void line_tell(const struct grade *g, const struct grade_check *c,
		      uint32_t at, struct text *out)
{
	const struct log_rec *rec = &g->log.rec[at];
	const char *actor = ev_word_find(&ev_words_actor, rec->actor);
	struct text when = { 0 }, what = { 0 };
	unsigned room = TELL_COLUMNS - 31;

	trail_time(g, c, at, &when);
	fields_tell(&g->log, rec, &what);
	text_printf(out, "    %-2s %13s  %-8s ", mark_of(c, at),
		    text_str(&when), actor ? actor : "?");
	if (text_columns(text_str(&what)) > room) {
		char cut[TELL_COLUMNS];

		text_clean(cut, room + 1, text_str(&what), what.len);
		text_add(out, cut);
	} else {
		text_add(out, text_str(&what));
	}
	text_add(out, "\n");
	text_free(&when);
	text_free(&what);
}

void trail_tell(const struct grade *g, const struct grade_check *c,
		struct text *out)
{
	uint32_t focus = c->focus ? c->focus->match.rec : MATCH_NONE;
	uint32_t at, from, to, i;
	struct trail t;

	if (!trail_open(g, c, &t)) {
		free(t.rec);
		return;
	}
	/* Without a line to look at: the end, where it went wrong. */
	for (at = 0; at < t.n && t.rec[at] != focus; at++)
		;
	if (at == t.n)
		at = t.n - 1;
	from = at > BEFORE ? at - BEFORE : 0;
	to = at + AFTER < t.n ? at + AFTER : t.n - 1;
	text_printf(out,
		    "  your trace, events %u to %u of the %u of this check:\n",
		    from + 1, to + 1, t.n);
	for (i = from; i <= to; i++) {
		line_tell(g, c, t.rec[i], out);
		if (i == at && c->focus && focus != MATCH_NONE &&
		    c->focus->verdict == VERDICT_MISSING)
			text_printf(out, "    >> after this: %s\n",
				    c->focus->saw);
	}
	free(t.rec);
}
