/* SPDX-License-Identifier: MIT */
/*
 * The handshake as a graph that dot lays out: a column of states for each
 * side, solid where it was, dashed and grey where it never was.  Moves are
 * solid arrows with their number and time; that the peer was seen in a state
 * is a dashed arrow from that state.  Of a side that was not recorded, what
 * was seen has a solid frame, and the rest is left out.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "viz/render/scene.h"
#include "viz/views/handshake.h"
#include "viz/views/message.h"

#define KEYS_MAX  18u
#define VALUE_MAX 40u
#define EDGES_MAX 60u
#define FONT	  "DejaVu Sans,Verdana,Helvetica,Arial,sans-serif"

static const enum style side_style[SIDE_COUNT] = { STYLE_RING, STYLE_GRANT };

struct drawing {
	const struct model *m;
	const struct handshake *h;
	Agraph_t *g;
	Agnode_t *node[SIDE_COUNT][HANDSHAKE_STATES];
};

/* Graphviz knows escapes that begin with a backslash even here. */
static void add_text(struct text *t, const char *s)
{
	char one[2] = "";

	for (; *s; s++) {
		one[0] = *s;
		if (*s == '\\')
			text_add(t, "\\\\");
		else
			text_add_xml(t, one);
	}
}

static void key_row(const struct step *s, struct text *t)
{
	static const enum style look[] = {
		[STEP_WRITE] = STYLE_STORE, [STEP_READ] = STYLE_PLAIN,
		[STEP_ABSENT] = STYLE_DIM,  [STEP_SETTLE] = STYLE_DISK,
		[STEP_FAULT] = STYLE_BAD,
	};
	static const char *const mark[] = {
		[STEP_WRITE] = "→",  [STEP_READ] = "←",	 [STEP_ABSENT] = "←",
		[STEP_SETTLE] = "=", [STEP_FAULT] = "✗",
	};
	char buf[24], value[VALUE_MAX + 4];
	const char *v = step_value(s, buf);

	clean_text(value, sizeof(value), v, strlen(v));
	text_printf(t,
		    "<tr><td align=\"left\"><font color=\"%s\">%s %s "
		    "</font></td><td align=\"left\"><font color=\"%s\">",
		    style_colour(look[s->kind]), mark[s->kind],
		    step_verb((enum step_kind)s->kind),
		    style_colour(look[s->kind]));
	add_text(t, s->key);
	text_add(t, *s->key ? " = " : "");
	add_text(t, value);
	/* Fonts differ from machine to machine: some room. */
	text_add(t, "&#160;&#160;</font></td></tr>");
}

/*
 * The same key read again and again is one row, with what came last.  A side
 * that runs in circles for ever is not searched for ever.
 */
#define LATER_MAX 2000u

static bool told_later(const struct handshake *h, size_t at)
{
	const struct step *a = &h->step[at], *b;
	size_t i;

	for (i = at + 1; i < h->n && i < at + LATER_MAX; i++) {
		b = &h->step[i];
		if (b->side == a->side && b->from == a->from &&
		    (b->kind == a->kind ||
		     (b->kind == STEP_READ && a->kind == STEP_ABSENT)) &&
		    b->kind != STEP_MOVE && b->kind != STEP_SEEN &&
		    !strcmp(b->key, a->key))
			return true;
	}
	return false;
}

static void state_label(const struct drawing *d, unsigned side, unsigned state,
			struct text *t)
{
	unsigned keys = 0, more = 0;
	size_t i;

	text_printf(t,
		    "<table border=\"0\" cellborder=\"0\" "
		    "cellspacing=\"0\" cellpadding=\"1\"><tr><td "
		    "colspan=\"2\"><b><font point-size=\"13\">%u  %s</font>"
		    "</b></td></tr>",
		    state, state_name(state));
	for (i = 0; i < d->h->n; i++) {
		const struct step *s = &d->h->step[i];

		if (s->side != side || s->from != state ||
		    s->kind == STEP_MOVE || s->kind == STEP_SEEN ||
		    told_later(d->h, i))
			continue;
		if (keys++ < KEYS_MAX)
			key_row(s, t);
		else
			more++;
	}
	if (more)
		text_printf(t,
			    "<tr><td colspan=\"2\" align=\"left\">… %u "
			    "more; see the text form</td></tr>",
			    more);
	text_add(t, "</table>");
}

static void set_html(Agraph_t *g, void *object, const char *html)
{
	char *s = agstrdup_html(g, (char *)html);

	agsafeset(object, (char *)"label", s, (char *)"");
	agstrfree(g, s);
}

static void put_state(struct drawing *d, Agraph_t *cluster, unsigned side,
		      unsigned state)
{
	bool visited = d->h->visited[side][state];
	bool recorded = d->h->recorded[side];
	enum style style = visited ? side_style[side] : STYLE_DIM;
	struct text label = { 0 };
	char name[32];
	Agnode_t *n;

	snprintf(name, sizeof(name), "%s %u", side_names[side], state);
	n = agnode(cluster, name, 1);
	d->node[side][state] = n;
	draw_set(n, "class", style_class(style));
	draw_set(n, "color", style_colour(style));
	if (visited) {
		draw_set(n, "style", "filled,rounded");
		draw_set(n, "fillcolor", style_fill(style));
		state_label(d, side, state, &label);
		set_html(d->g, n, text_str(&label));
	} else {
		draw_set(n, "style", recorded ? "dashed,rounded" : "rounded");
		draw_set(n, "fontcolor", style_colour(style));
		draw_setf(n, "label", "%u  %s\\n%s", state, state_name(state),
			  recorded ? "never taken" : "seen by its peer");
	}
	text_free(&label);
}

static void invisible(struct drawing *d, Agnode_t *from, Agnode_t *to)
{
	Agedge_t *e = agedge(d->g, from, to, NULL, 1);

	draw_set(e, "style", "invis");
	draw_set(e, "weight", "20");
}

static void put_side(struct drawing *d, unsigned side)
{
	bool recorded = d->h->recorded[side];
	unsigned state, last = 0;
	Agraph_t *cluster;
	char name[32];

	snprintf(name, sizeof(name), "cluster_%s", side_names[side]);
	cluster = agsubg(d->g, name, 1);
	draw_setf(cluster, "label", "%s%s", side_names[side],
		  d->h->recorded[side] ? "" : ", not recorded");
	draw_set(cluster, "class", style_class(side_style[side]));
	draw_set(cluster, "color", style_colour(side_style[side]));
	draw_set(cluster, "fontcolor", style_colour(side_style[side]));
	draw_set(cluster, "fontsize", "16");
	draw_set(cluster, "style", "rounded");
	draw_set(cluster, "margin", "18");
	for (state = 0; state < HANDSHAKE_STATES; state++) {
		bool usual = state >= EV_STATE_INITIALISING &&
			     state <= EV_STATE_CLOSED;

		if (recorded ? !usual && !d->h->visited[side][state]
			     : !d->h->seen[side][state])
			continue;
		put_state(d, cluster, side, state);
		if (state > 1 && d->node[side][last])
			invisible(d, d->node[side][last], d->node[side][state]);
		last = state;
	}
}

/* The same way again: one arrow, with the first time and how often. */
static unsigned again(const struct handshake *h, size_t at, bool *first)
{
	const struct step *a = &h->step[at], *b;
	unsigned n = 0;
	size_t i;

	*first = true;
	for (i = 0; i < h->n; i++) {
		b = &h->step[i];
		if (b->kind != a->kind || b->side != a->side ||
		    b->from != a->from || b->to != a->to)
			continue;
		if (i < at)
			*first = false;
		n++;
	}
	return n;
}

/* Whether it is one of its own. */
static bool put_edge(struct drawing *d, size_t at)
{
	const struct step *s = &d->h->step[at];
	bool move = s->kind == STEP_MOVE, first;
	enum style style = side_style[s->side];
	unsigned n = again(d->h, at, &first);
	Agnode_t *from, *to;
	char t[TEXT_NS_MAX], times[24] = "";
	Agedge_t *e;

	from = move ? d->node[s->side][s->from]
		    : d->node[side_peer(s->side)][s->to];
	to = move ? d->node[s->side][s->to] : d->node[s->side][s->from];
	if (!first || !from || !to)
		return false;
	if (n > 1)
		snprintf(times, sizeof(times), ", x%u", n);
	e = agedge(d->g, from, to, NULL, 1);
	draw_set(e, "class", style_class(move ? style : STYLE_DIM));
	draw_set(e, "color", style_colour(move ? style : STYLE_DIM));
	draw_set(e, "fontcolor", style_colour(move ? style : STYLE_DIM));
	draw_setf(e, "label", " %u. %s%s%s ", s->number, move ? "" : "seen ",
		  text_ns(t, s->t_ns - d->m->start_ns), times);
	if (!move) {
		draw_set(e, "style", "dashed");
		draw_set(e, "constraint", "false");
		draw_set(e, "arrowhead", "vee");
		draw_set(e, "fontsize", "9");
	} else {
		draw_set(e, "penwidth", "2");
		if (s->to < s->from)
			draw_set(e, "constraint", "false");
	}
	return true;
}

int handshake_draw(const struct model *m, const struct handshake *h,
		   const char *title, const char *format, struct text *out,
		   struct why *why)
{
	struct drawing d = { .m = m, .h = h };
	unsigned edges = 0;
	struct text t = { 0 };
	size_t i;
	int rc;

	d.g = agopen((char *)"handshake", Agdirected, NULL);
	if (!d.g)
		return why_set(why, -ENOMEM, "Graphviz does not start");
	agattr(d.g, AGNODE, (char *)"fontname", (char *)FONT);
	agattr(d.g, AGEDGE, (char *)"fontname", (char *)FONT);
	agattr(d.g, AGNODE, (char *)"shape", (char *)"box");
	agattr(d.g, AGNODE, (char *)"fontsize", (char *)"10");
	agattr(d.g, AGEDGE, (char *)"fontsize", (char *)"10");
	draw_set(d.g, "fontname", FONT);
	draw_set(d.g, "bgcolor", "white");
	draw_set(d.g, "pad", "0.25");
	draw_set(d.g, "nodesep", "1.2");
	draw_set(d.g, "ranksep", "0.5");
	draw_set(d.g, "labelloc", "t");
	draw_set(d.g, "labeljust", "l");
	draw_set(d.g, "fontsize", "14");
	text_add(&t, "<table border=\"0\" cellborder=\"0\" cellspacing=\"0\">"
		     "<tr><td align=\"left\"><font point-size=\"14\">Handshake "
		     "of ");
	text_add_xml(&t, title);
	text_add(&t, "</font></td></tr><tr><td align=\"left\"><font "
		     "point-size=\"9\">numbers: the order of all steps; solid: "
		     "moves; dashed: the peer is seen in that state; times "
		     "since the trace began</font></td></tr></table>");
	set_html(d.g, d.g, text_str(&t));
	text_free(&t);
	put_side(&d, SIDE_FRONTEND);
	put_side(&d, SIDE_BACKEND);
	for (i = 0; i < h->n && edges < EDGES_MAX; i++) {
		if (h->step[i].kind != STEP_MOVE &&
		    h->step[i].kind != STEP_SEEN)
			continue;
		edges += put_edge(&d, i);
	}
	rc = draw_render(d.g, DRAW_DOT, format, out, why);
	agclose(d.g);
	return rc;
}
