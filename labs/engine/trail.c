/* SPDX-License-Identifier: MIT */
#include "labs/engine/trail.h"

#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "labs/engine/tell.h"

/* Where somebody waited in vain, what came before tells more. */
#define LINES	    20u
#define BEFORE	    8u
#define BEFORE_LAST 14u

/* From here on nothing happened for so long: somebody waited in vain. */
#define PAUSE_NS 50000000

/* The records of a check, by their numbers in the log. */
struct trail {
	const struct trace_log *log;
	uint32_t *rec;
	uint32_t n;
};

static bool has_focus(const struct grade_check *c)
{
	return c->focus && c->focus->match.rec != MATCH_NONE;
}

/* Of several cases the first that failed, unless an event is looked at. */
static struct scope scope_of(const struct grade *g, const struct grade_check *c)
{
	struct scope s = { &g->log, c->run->domid, c->run->domids };
	unsigned i;

	for (i = 0; i < c->run->kases && !has_focus(c); i++) {
		const struct run_case *k = c->run->kase[i];

		if (k->ok || !k->domid)
			continue;
		s.domid = &k->domid;
		s.domids = 1;
		break;
	}
	return s;
}

/* Many, and never what a person looks for. */
static bool is_noise(const struct grade_check *c, const struct trace_log *log,
		     uint32_t rec)
{
	enum ev_kind kind = (enum ev_kind)log->rec[rec].kind;
	unsigned i;

	if (kind != EV_KIND_store_watch && kind != EV_KIND_feature_accept &&
	    kind != EV_KIND_feature_offer)
		return false;
	if (!c->focus)
		return true;
	for (i = 0; i < c->focus->item->events; i++)
		if (c->focus->match.event[i].rec == rec)
			return false;
	return rec != c->focus->match.rec;
}

static bool trail_open(const struct grade *g, const struct grade_check *c,
		       struct trail *t)
{
	const struct scope s = scope_of(g, c);
	uint32_t i;

	t->log = &g->log;
	t->n = 0;
	t->rec = malloc((g->log.n + 1) * sizeof(*t->rec));
	for (i = 0; t->rec && s.domids && i < g->log.n; i++)
		if (scope_has(&s, &g->log.rec[i]) && !is_noise(c, t->log, i))
			t->rec[t->n++] = i;
	return t->rec && t->n;
}

static int64_t gap_after(const struct trail *t, uint32_t i)
{
	return i + 1 < t->n ? t->log->rec[t->rec[i + 1]].t_ns -
				      t->log->rec[t->rec[i]].t_ns
			    : 0;
}

/* A step of the protocol, not what it was made with. */
static bool is_step(const struct trail *t, uint32_t i)
{
	static const char *const begins[] = { "state_", "device_fault",
					      "request_", "ring_" };
	const char *name = ev_descs[t->log->rec[t->rec[i]].kind].name;
	size_t k;

	for (k = 0; k < sizeof(begins) / sizeof(begins[0]); k++)
		if (!strncmp(name, begins[k], strlen(begins[k])))
			return true;
	return false;
}

/* The last step before the longest pause, or of all if there was no pause. */
static uint32_t last_step(const struct trail *t)
{
	uint32_t i, pause = t->n - 1;
	int64_t longest = PAUSE_NS;

	for (i = 0; i < t->n; i++)
		if (gap_after(t, i) > longest) {
			longest = gap_after(t, i);
			pause = i;
		}
	for (i = pause; i && !is_step(t, i); i--)
		;
	return is_step(t, i) ? i : pause;
}

/* Its place in the trail: the item's event, or where it came to a stop. */
static uint32_t centre(const struct grade_check *c, const struct trail *t)
{
	uint32_t at;

	for (at = 0; has_focus(c) && at < t->n; at++)
		if (t->rec[at] == c->focus->match.rec)
			return at;
	return last_step(t);
}

static uint32_t excerpt_from(const struct grade_check *c, uint32_t at)
{
	uint32_t before = has_focus(c) ? BEFORE : BEFORE_LAST;

	return at > before ? at - before : 0;
}

bool trail_place(const struct grade *g, const struct grade_check *c,
		 struct trail_place *out)
{
	struct trail t;
	bool is = trail_open(g, c, &t);
	uint32_t at = is ? centre(c, &t) : 0, k;

	if (is) {
		for (k = at; k && !is_step(&t, k); k--)
			;
		*out = (struct trail_place){
			.domid = g->log.rec[t.rec[k]].domid,
			.devid = g->log.rec[t.rec[k]].devid,
			.from_ns = g->log.rec[t.rec[excerpt_from(c, at)]].t_ns,
		};
	}
	free(t.rec);
	return is;
}

void trail_time(const struct grade *g, const struct grade_check *c,
		uint32_t rec, struct text *out)
{
	const struct scope s = scope_of(g, c);
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

/*
 * "backend/.../state": of a path in the store what comes after its domain, and
 * its last name, with the queue's where there is one.
 */
static void path_tell(const char *path, struct text *out)
{
	static const char domain[] = "/local/domain/";
	const char *first = path, *last = strrchr(path, '/'), *before;

	if (!strncmp(path, domain, sizeof(domain) - 1)) {
		first = path + sizeof(domain) - 1;
		first += strspn(first, "0123456789");
		first += *first == '/';
	}
	for (before = last; before && before > first && before[-1] != '/';
	     before--)
		;
	if (before && !strncmp(before, "queue-", 6))
		last = before - 1;
	if (!last || last <= first + strcspn(first, "/"))
		text_add(out, first);
	else
		text_printf(out, "%.*s/…%s", (int)strcspn(first, "/"), first,
			    last);
}

/* "store_write backend/.../state = 5" */
static void store_tell(const struct trace_log *log, const struct log_rec *rec,
		       struct text *out)
{
	struct text path = { 0 }, value = { 0 };

	pattern_field_text(log, rec, 0, &path);
	text_printf(out, "%s ", ev_descs[rec->kind].name);
	path_tell(text_str(&path), out);
	if (rec->kind != EV_KIND_store_remove) {
		pattern_field_text(log, rec, 1, &value);
		text_printf(out, " = %s",
			    value.len ? text_str(&value) : "(nothing)");
	}
	text_free(&path);
	text_free(&value);
}

static void fields_tell(const struct trace_log *log, const struct log_rec *rec,
			struct text *out)
{
	const struct ev_desc *d = &ev_descs[rec->kind];
	unsigned i;

	if (rec->kind == EV_KIND_store_read ||
	    rec->kind == EV_KIND_store_write ||
	    rec->kind == EV_KIND_store_remove) {
		store_tell(log, rec, out);
		return;
	}
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
	if (rec->kind == EV_KIND_device_fault) { /* it says what is wrong */
		tell_wrapped(out, text_str(&what), TELL_COLUMNS - room,
			     TELL_COLUMNS - room);
	} else if (text_columns(text_str(&what)) > room) {
		char cut[TELL_COLUMNS];

		clean_text(cut, room + 1, text_str(&what), what.len);
		text_printf(out, "%s\n", cut);
	} else {
		text_printf(out, "%s\n", text_str(&what));
	}
	text_free(&when);
	text_free(&what);
}

void trail_tell(const struct grade *g, const struct grade_check *c,
		struct text *out)
{
	uint32_t at, from, to, i;
	struct trail t;

	if (!trail_open(g, c, &t)) {
		free(t.rec);
		return;
	}
	at = centre(c, &t);
	from = excerpt_from(c, at);
	to = from + LINES <= t.n ? from + LINES - 1 : t.n - 1;
	text_printf(out,
		    "  your trace, events %u to %u of the %u of this check:\n",
		    from + 1, to + 1, t.n);
	for (i = from; i <= to; i++) {
		line_tell(g, c, t.rec[i], out);
		if (i == at && has_focus(c) &&
		    c->focus->verdict == VERDICT_MISSING)
			text_printf(out, "    >> after this: %s\n",
				    c->focus->saw);
		if (gap_after(&t, i) > PAUSE_NS)
			text_printf(out, "    >> then nothing for %.1f s\n",
				    (double)gap_after(&t, i) / 1e9);
	}
	free(t.rec);
}
