/* SPDX-License-Identifier: MIT */
/*
 * The handshake as it really went: for each side its xenbus states, the
 * moves between them in order and with their times, and at each state the
 * keys that were written or read while the side stood there.  States that a
 * side never took are dashed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "viz/render/draw.h"
#include "viz/views/view.h"

#define STATES	  7   /* unknown to closed */
#define KEYS_MAX  14u /* shown at one state */
#define KEY_CHARS 40

enum side { SIDE_FRONTEND, SIDE_BACKEND, SIDES };

static const char *const side_name[SIDES] = {"frontend", "backend"};

struct walk {
	const struct model *m;
	struct text key_room[SIDES][STATES];
	unsigned nkeys[SIDES][STATES];
	bool visited[SIDES][STATES];
	int state[SIDES];
	unsigned moves;
	Agraph_t *g;	   /* pictures */
	struct text *text; /* or text */
	Agnode_t *node[SIDES][STATES];
};

#define GET(f)	log_get(w->m->log, rec, LF_##f)
#define TEXT(f) log_text(w->m->log, rec, LF_##f)

static const char *state_word(int64_t state)
{
	static const char *const name[STATES] = {
		"Unknown",   "Initialising", "InitWait", "Initialised",
		"Connected", "Closing",	     "Closed",
	};

	return state >= 0 && state < STATES ? name[state] : "Reconfiguring";
}

static const char *last_part(const char *path)
{
	const char *at = strrchr(path, '/');

	return at ? at + 1 : path;
}

/* One key at the state in which the side stands. */
static void walk_key(struct walk *w, enum side side, const char *verb,
		     const char *key, const char *value)
{
	int state = w->state[side];
	struct text *t = &w->key_room[side][state];
	char line[128];

	if (!strcmp(key, "state"))
		return;
	snprintf(line, sizeof(line), "%s %.40s = %.40s", verb, key, value);
	if (w->text) {
		text_printf(w->text, "%14s  %-8s      %s\n", "",
			    side_name[side], line);
		return;
	}
	w->nkeys[side][state]++;
	if (w->nkeys[side][state] > KEYS_MAX)
		return;
	text_printf(t, "%.*s%s\\l", KEY_CHARS, line,
		    strlen(line) > KEY_CHARS ? "..." : "");
}

static void walk_move(struct walk *w, enum side side, int from, int to,
		      int64_t t_ns)
{
	char t[TEXT_NS_MAX];
	Agedge_t *e;

	if (from < 0 || from >= STATES || to < 0 || to >= STATES)
		return;
	w->visited[side][from] = w->visited[side][to] = true;
	w->state[side] = to;
	w->moves++;
	text_ns(t, t_ns - w->m->start_ns);
	if (w->text) {
		text_printf(w->text, "%14s  %-8s  %2u. %d %s -> %d %s\n", t,
			    side_name[side], w->moves, from, state_word(from),
			    to, state_word(to));
		return;
	}
	e = agedge(w->g, w->node[side][from], w->node[side][to], NULL, 1);
	draw_setf(e, "label", " %u.  +%s ", w->moves, t);
	draw_set(e, "color", side == SIDE_FRONTEND ? "#1f5fa8" : "#a0410d");
	draw_set(e, "fontcolor", side == SIDE_FRONTEND ? "#1f5fa8" : "#a0410d");
}

static void walk_event(struct walk *w, const struct log_rec *rec)
{
	enum side side =
		rec->actor == EV_ACTOR_FRONTEND ? SIDE_FRONTEND : SIDE_BACKEND;
	char number[24];

	switch (rec->kind) {
	case EV_KIND_state_switch:
		walk_move(w, side, (int)GET(state_switch_from),
			  (int)GET(state_switch_to), rec->t_ns);
		break;
	case EV_KIND_store_write:
		walk_key(w, side, "write", last_part(TEXT(store_write_path)),
			 TEXT(store_write_value));
		break;
	case EV_KIND_store_read:
		walk_key(w, side, "read", last_part(TEXT(store_read_path)),
			 GET(store_read_error) ? "(absent)"
					       : TEXT(store_read_value));
		break;
	case EV_KIND_feature_accept:
		snprintf(number, sizeof(number), "%lld",
			 (long long)GET(feature_accept_value));
		walk_key(w, side, "settle", TEXT(feature_accept_name), number);
		break;
	default:
		break;
	}
}

static void walk_nodes(struct walk *w)
{
	static const char *const colour[SIDES] = {"#1f5fa8", "#a0410d"};
	Agraph_t *sub;
	char name[32];
	unsigned side;
	int state;

	for (side = 0; side < SIDES; side++) {
		snprintf(name, sizeof(name), "cluster_%s", side_name[side]);
		sub = agsubg(w->g, name, 1);
		draw_set(sub, "label", side_name[side]);
		draw_set(sub, "color", colour[side]);
		draw_set(sub, "fontcolor", colour[side]);
		draw_set(sub, "fontsize", "16");
		draw_set(sub, "style", "rounded");
		for (state = 1; state < STATES; state++) {
			snprintf(name, sizeof(name), "%s_%d", side_name[side],
				 state);
			w->node[side][state] = agnode(sub, name, 1);
		}
		w->node[side][0] = w->node[side][1];
	}
}

static void walk_labels(struct walk *w)
{
	unsigned side;
	int state;

	for (side = 0; side < SIDES; side++)
		for (state = 1; state < STATES; state++) {
			Agnode_t *n = w->node[side][state];
			struct text *t = &w->key_room[side][state];
			struct text label = {0};
			unsigned more = w->nkeys[side][state];

			text_printf(&label, "%d  %s\\n", state,
				    state_word(state));
			text_add(&label, text_str(t));
			if (more > KEYS_MAX)
				text_printf(&label, "... and %u more keys\\l",
					    more - KEYS_MAX);
			draw_set(n, "label", text_str(&label));
			text_free(&label);
			if (!w->visited[side][state]) {
				draw_set(n, "style", "dashed");
				draw_set(n, "color", "#999999");
				draw_set(n, "fontcolor", "#999999");
			}
		}
}

static void walk_run(struct walk *w, uint32_t device)
{
	const struct model_device *d = &w->m->device[device];
	bool known[SIDES] = {false, false};
	size_t i;

	/* Recording may have begun later: a side stands where it moves from. */
	w->state[SIDE_FRONTEND] = w->state[SIDE_BACKEND] = 1;
	for (i = 0; i < w->m->log->n; i++) {
		const struct log_rec *rec = &w->m->log->rec[i];
		int side = rec->actor != EV_ACTOR_FRONTEND;
		int64_t from;

		if (rec->kind != EV_KIND_state_switch || known[side] ||
		    rec->domid != d->domid || rec->devid != d->devid)
			continue;
		known[side] = true;
		from = GET(state_switch_from);
		if (from > 0 && from < STATES)
			w->state[side] = (int)from;
	}
	for (i = 0; i < w->m->log->n; i++) {
		const struct log_rec *rec = &w->m->log->rec[i];

		if (rec->domid == d->domid && rec->devid == d->devid)
			walk_event(w, rec);
	}
}

static int handshake_show(const struct model *m, const struct view_options *o,
			  struct text *out, struct why *why)
{
	struct walk w = {.m = m};
	unsigned side, state;
	uint32_t device;
	int err = view_device(m, o, &device, why);

	if (err)
		return err;
	if (o->format == VIEW_TEXT) {
		w.text = out;
		text_printf(out, "device %u of domain %u\n",
			    m->device[device].devid, m->device[device].domid);
		walk_run(&w, device);
		goto out;
	}
	w.g = agopen("handshake", Agdirected, NULL);
	if (!w.g)
		return why_set(why, -ENOMEM, "Graphviz does not start");
	agattr(w.g, AGNODE, "fontname", "DejaVu Sans");
	agattr(w.g, AGNODE, "fontsize", "10");
	agattr(w.g, AGNODE, "shape", "box");
	agattr(w.g, AGEDGE, "fontname", "DejaVu Sans");
	agattr(w.g, AGEDGE, "fontsize", "10");
	draw_set(w.g, "fontname", "DejaVu Sans");
	draw_set(w.g, "bgcolor", "white");
	draw_set(w.g, "pad", "0.3");
	draw_setf(w.g, "label", "device %u of domain %u: %s",
		  m->device[device].devid, m->device[device].domid,
		  "the moves are numbered in the order of both sides");
	walk_nodes(&w);
	walk_run(&w, device);
	walk_labels(&w);
	if (w.moves)
		err = draw_render(w.g, DRAW_DOT, view_format_name(o->format),
				  out, why);
	agclose(w.g);
	for (side = 0; side < SIDES; side++)
		for (state = 0; state < STATES; state++)
			text_free(&w.key_room[side][state]);
out:
	if (!err && !w.moves)
		err = why_set(why, -ENOENT,
			      "the trace holds no move of a state: recording "
			      "began after the handshake");
	return err;
}

const struct view view_handshake = {
	.name = "handshake",
	.what = "both sides' states as they moved, with the keys",
	.formats = 1 << VIEW_TEXT | 1 << VIEW_SVG | 1 << VIEW_PNG |
		   1 << VIEW_PDF | 1 << VIEW_DOT,
	.show = handshake_show,
};
