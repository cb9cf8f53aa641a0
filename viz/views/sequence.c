/* SPDX-License-Identifier: MIT */
/*
 * Who told whom what, and when.
 *
 * Of a short trace everything is shown; of a long one the handshake, then
 * for each operation the story of its first request, from the frontend's push
 * to the response, and the closing.  What lies between is a line that says
 * how much it is.  --request picks one request.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viz/render/draw.h"
#include "viz/views/message.h"
#include "viz/views/view.h"

#define MESSAGES_MAX 400u /* Graphviz draws these in a blink */

/* ---- choosing ----------------------------------------------------------- */

static bool of_device(const struct model *m, uint32_t device,
		      const struct log_rec *rec)
{
	const struct model_device *d = &m->device[device];

	return rec->domid == d->domid && rec->devid == d->devid;
}

static bool is_control(const struct log_rec *rec)
{
	return ev_descs[rec->kind].level == EV_LEVEL_CONTROL;
}

static const struct request *first_of_op(const struct model *m, uint32_t device,
					 uint8_t op)
{
	size_t i;

	for (i = 0; i < m->requests; i++)
		if (m->queue[m->request[i].queue].device == device &&
		    m->request[i].op == op)
			return &m->request[i];
	return NULL;
}

/* Which request an event speaks of, by its seq; 0: none or the ring. */
static uint64_t seq_of(const struct model *m, const struct log_rec *rec)
{
	int field = ev_field_find(&ev_descs[rec->kind], "seq");
	const uint32_t *w;

	if (field < 0)
		return 0;
	w = &m->log->word[rec->words +
			  log_field_word(rec->kind, (unsigned)field)];
	return w[0] | (uint64_t)w[1] << 32;
}

/* Is it an event of this request, by the count of the side that speaks? */
static bool of_request(const struct model *m, const struct log_rec *rec,
		       const struct request *r)
{
	uint64_t seq = seq_of(m, rec);
	const struct model_queue *q = &m->queue[r->queue];

	if (!seq || rec->queue != q->number)
		return false;
	return seq == (rec->actor == EV_ACTOR_FRONTEND ? r->fseq : r->bseq);
}

struct choice {
	const struct model *m;
	uint32_t device;
	uint8_t *keep; /* one for each record: KEEP_* */
	struct messages *list;
};

enum { KEEP_NOT, KEEP_EVENT, KEEP_STORY };

static bool is(const struct log_rec *rec, enum ev_kind kind,
	       enum ev_actor actor)
{
	return rec->kind == kind && rec->actor == actor;
}

/* Keep the next event of a kind after `at`; where it is, or `at`. */
static size_t keep_next(struct choice *c, size_t at, enum ev_kind kind,
			enum ev_actor actor)
{
	const struct trace_log *log = c->m->log;
	size_t i;

	for (i = at + 1; i < log->n && i < at + 10000; i++)
		if (of_device(c->m, c->device, &log->rec[i]) &&
		    is(&log->rec[i], kind, actor)) {
			c->keep[i] = KEEP_STORY;
			return i;
		}
	return at;
}

/* Keep the last event of a kind between `from` and `at`. */
static void keep_last(struct choice *c, size_t from, size_t at,
		      enum ev_kind kind, enum ev_actor actor)
{
	const struct trace_log *log = c->m->log;

	while (at-- > from)
		if (of_device(c->m, c->device, &log->rec[at]) &&
		    is(&log->rec[at], kind, actor)) {
			c->keep[at] = KEEP_STORY;
			return;
		}
}

/* What a side does after it wrote something: publish, decide, notify. */
static void keep_publish(struct choice *c, size_t at, enum ev_actor actor)
{
	const struct trace_log *log = c->m->log;
	size_t i = keep_next(c, at, EV_KIND_ring_produce, actor);
	size_t n;

	if (i == at)
		return;
	n = keep_next(c, i, EV_KIND_ring_notify, actor);
	if (n != i && log_get(log, &log->rec[n], LF_ring_notify_needed))
		keep_next(c, n, EV_KIND_evtchn_notify, actor);
}

/*
 * The story of one request: its own events, and of the ring and the event
 * channel those that carried it.
 */
static void keep_request(struct choice *c, const struct request *r)
{
	const struct trace_log *log = c->m->log;
	size_t i, from = r->first_rec, last = r->last_rec;

	for (i = from; i <= last && i < log->n; i++) {
		const struct log_rec *rec = &log->rec[i];

		if (!of_device(c->m, c->device, rec) ||
		    !of_request(c->m, rec, r))
			continue;
		c->keep[i] = KEEP_STORY;
		if (rec->kind == EV_KIND_request_push) {
			keep_publish(c, i, EV_ACTOR_FRONTEND);
		} else if (rec->kind == EV_KIND_request_take) {
			keep_last(c, from, i, EV_KIND_evtchn_wakeup,
				  EV_ACTOR_BACKEND);
			keep_last(c, from, i, EV_KIND_ring_consume,
				  EV_ACTOR_BACKEND);
		} else if (rec->kind == EV_KIND_request_respond) {
			keep_publish(c, i, EV_ACTOR_BACKEND);
		} else if (rec->kind == EV_KIND_request_complete) {
			keep_last(c, from, i, EV_KIND_evtchn_wakeup,
				  EV_ACTOR_FRONTEND);
			keep_last(c, from, i, EV_KIND_ring_consume,
				  EV_ACTOR_FRONTEND);
		}
	}
	/* Its pages are granted just before it is written into its slot. */
	for (i = from; i-- > 0 && from - i <= r->segments;)
		if (is(&log->rec[i], EV_KIND_grant_access, EV_ACTOR_FRONTEND))
			c->keep[i] = KEEP_STORY;
}

static void keep_control(struct choice *c)
{
	size_t i;

	for (i = 0; i < c->m->log->n; i++)
		if (is_control(&c->m->log->rec[i]))
			c->keep[i] = KEEP_EVENT;
}

static void choice_gap(struct choice *c, int64_t t_ns, uint64_t hidden)
{
	char n[TEXT_COUNT_MAX];

	if (hidden)
		messages_gap(c->list, t_ns, hidden,
			     "%s event%s of the ring, of grants and of "
			     "requests not shown",
			     text_count(n, hidden), hidden == 1 ? "" : "s");
}

/* All that was kept becomes messages; what lies between is counted. */
static void choice_make(struct choice *c)
{
	const struct trace_log *log = c->m->log;
	uint64_t hidden = 0;
	uint8_t before = KEEP_NOT;
	int64_t last_ns = c->m->start_ns;
	struct message msg;
	size_t i;

	for (i = 0; i < log->n; i++) {
		if (!of_device(c->m, c->device, &log->rec[i]) ||
		    !message_make(c->m, &log->rec[i], &msg))
			continue;
		last_ns = msg.t_ns;
		if (!c->keep[i]) {
			hidden++;
			continue;
		}
		/* Inside a story its neighbours only disturb. */
		if (before != KEEP_STORY || c->keep[i] != KEEP_STORY) {
			choice_gap(c, msg.t_ns, hidden);
			hidden = 0;
		}
		before = c->keep[i];
		messages_add(c->list, &msg);
	}
	choice_gap(c, last_ns, hidden);
}

static void keep_telling(struct choice *c)
{
	const struct request *r;
	unsigned op;

	keep_control(c);
	for (op = 0; op <= EV_OP_INDIRECT; op++) {
		r = first_of_op(c->m, c->device, (uint8_t)op);
		if (r)
			keep_request(c, r);
	}
}

static int choose(const struct model *m, const struct view_options *o,
		  struct messages *list, struct why *why)
{
	struct choice c = {.m = m, .list = list};
	const struct request *r;
	size_t i, events = 0;
	unsigned max = o->first ? o->first : MESSAGES_MAX;
	int err = view_device(m, o, &c.device, why);

	if (!err && o->request_given)
		err = view_one_request(m, o, c.device, &r, why);
	if (err)
		return err;
	c.keep = calloc(m->log->n + 1, 1);
	if (!c.keep)
		return why_set(why, -ENOMEM, "no memory for the picture");
	for (i = 0; i < m->log->n; i++)
		events += of_device(m, c.device, &m->log->rec[i]);
	if (o->request_given)
		keep_request(&c, r);
	else if (events <= max)
		memset(c.keep, KEEP_EVENT, m->log->n);
	else
		keep_telling(&c);
	choice_make(&c);
	free(c.keep);
	if (list->error)
		return why_set(why, list->error, "no memory for the picture");
	if (list->n > max) {
		char n[TEXT_COUNT_MAX];
		uint64_t over = list->n - max;

		list->n = max;
		messages_gap(list, list->item[max - 1].t_ns, over,
			     "%s more messages are not shown; choose with "
			     "--request or --first",
			     text_count(n, over));
	}
	return 0;
}

/* ---- as text ------------------------------------------------------------ */

static void label(const struct message *msg, char *out, size_t room)
{
	if (msg->times > 1)
		snprintf(out, room, "%.80s  x%u", msg->text, msg->times);
	else
		snprintf(out, room, "%.90s", msg->text);
}

/* Times count from the trace's start, or from that of the one request. */
static int64_t zero_ns(const struct messages *l, const struct model *m,
		       const struct view_options *o)
{
	size_t i;

	for (i = 0; o->request_given && i < l->n; i++)
		if (!l->item[i].skipped)
			return l->item[i].t_ns;
	return m->start_ns;
}

static void to_text(const struct messages *l, int64_t zero, struct text *out)
{
	int64_t last = zero;
	static const char *const lane[LANES] = {"frontend", "store", "ring",
						"backend", "disk"};
	size_t i;

	for (i = 0; i < l->n; i++) {
		const struct message *msg = &l->item[i];
		char t[TEXT_NS_MAX], what[MESSAGE_TEXT_MAX + 16], way[40];

		label(msg, what, sizeof(what));
		if (msg->skipped) {
			text_printf(out, "%26s  ... %s\n", "", what);
			continue;
		}
		text_add_padded(out, text_ns(t, msg->t_ns - zero), -12);
		text_add(out, "  +");
		text_add_padded(out, text_ns(t, msg->t_ns - last), -11);
		last = msg->t_ns;
		if (msg->from == msg->to)
			snprintf(way, sizeof(way), "%s", lane[msg->from]);
		else
			snprintf(way, sizeof(way), "%s -> %s", lane[msg->from],
				 lane[msg->to]);
		text_add(out, "  ");
		text_add_padded(out, way, 20);
		text_printf(out, "  %s\n", what);
	}
}

/* ---- as a picture ------------------------------------------------------- */

#define LANE_PT 215.0
#define ROW_PT	19.0
#define TIME_PT 125.0

static const char *const lane_colour[LANES] = {"#1f5fa8", "#7a5c00", "#5b2a86",
					       "#a0410d", "#2b6e3f"};

static double lane_x(enum lane lane)
{
	return TIME_PT + 112 + LANE_PT * lane;
}

static Agnode_t *put_text(Agraph_t *g, double x, double y, const char *what,
			  const char *colour)
{
	Agnode_t *n = draw_node_at(g, x, y);

	draw_set(n, "shape", "box");
	draw_set(n, "style", "filled");
	draw_set(n, "color", "white");
	draw_set(n, "fillcolor", "white");
	draw_set(n, "fontcolor", colour);
	draw_set(n, "label", what);
	draw_set(n, "width", "0.01");
	draw_set(n, "height", "0.01");
	draw_set(n, "margin", "0.02,0.0");
	return n;
}

static Agnode_t *put_point(Agraph_t *g, double x, double y)
{
	Agnode_t *n = draw_node_at(g, x, y);

	draw_set(n, "shape", "point");
	draw_set(n, "width", "0.001");
	draw_set(n, "height", "0.001");
	draw_set(n, "style", "invis");
	return n;
}

static void put_line(Agraph_t *g, double x1, double y1, double x2, double y2,
		     const char *colour, bool arrow)
{
	Agedge_t *e =
		agedge(g, put_point(g, x1, y1), put_point(g, x2, y2), NULL, 1);

	draw_set(e, "color", colour);
	draw_set(e, "arrowhead", arrow ? "normal" : "none");
	draw_set(e, "arrowsize", "0.6");
	if (!arrow)
		draw_set(e, "style", "dashed");
}

static void put_message(Agraph_t *g, const struct message *msg, double y,
			int64_t zero, int64_t *last)
{
	char what[MESSAGE_TEXT_MAX + 16], t[TEXT_NS_MAX], when[64];
	double x1 = lane_x(msg->from), x2 = lane_x(msg->to);
	Agnode_t *n;

	label(msg, what, sizeof(what));
	if (msg->skipped) {
		n = put_text(g, lane_x(LANE_RING), y, what, "#555555");
		draw_set(n, "fillcolor", "#eeeeee");
		return;
	}
	put_text(g, TIME_PT * 0.27, y, text_ns(t, msg->t_ns - zero), "#333333");
	snprintf(when, sizeof(when), "+%s", text_ns(t, msg->t_ns - *last));
	put_text(g, TIME_PT * 0.77, y, when, "#888888");
	*last = msg->t_ns;
	if (msg->from == msg->to) {
		n = put_text(g, x1, y, what, lane_colour[msg->from]);
		draw_set(n, "color", lane_colour[msg->from]);
		draw_set(n, "style", "filled,rounded");
		draw_set(n, "margin", "0.05,0.01");
		return;
	}
	put_line(g, x1, y + 6, x2, y + 6, lane_colour[msg->from], true);
	put_text(g, (x1 + x2) / 2, y - 2, what, lane_colour[msg->from]);
}

static int to_picture(const struct messages *l, const struct model *m,
		      const struct view_options *o, struct text *out,
		      struct why *why)
{
	Agraph_t *g = agopen("sequence", Agdirected, NULL);
	int64_t zero = zero_ns(l, m, o), last = zero;
	double bottom = 60 + ROW_PT * (double)l->n;
	Agnode_t *n;
	size_t i;
	int err;

	if (!g)
		return why_set(why, -ENOMEM, "Graphviz does not start");
	agattr(g, AGNODE, "fontname", "DejaVu Sans");
	agattr(g, AGNODE, "fontsize", "9");
	draw_set(g, "splines", "line");
	draw_set(g, "outputorder", "edgesfirst");
	draw_set(g, "bgcolor", "white");
	draw_set(g, "pad", "0.3");
	for (i = 0; i < LANES; i++) {
		put_line(g, lane_x(i), 30, lane_x(i), bottom, "#bbbbbb", false);
		n = put_text(g, lane_x(i), 18, lane_names[i], "white");
		draw_set(n, "fillcolor", lane_colour[i]);
		draw_set(n, "color", lane_colour[i]);
		draw_set(n, "fontsize", "12");
		draw_set(n, "margin", "0.12,0.05");
	}
	put_text(g, TIME_PT * 0.27, 18, "time", "#333333");
	put_text(g, TIME_PT * 0.77, 18, "since last", "#888888");
	for (i = 0; i < l->n; i++)
		put_message(g, &l->item[i], 52 + ROW_PT * (double)i, zero,
			    &last);
	err = draw_render(g, DRAW_PINNED, view_format_name(o->format), out,
			  why);
	agclose(g);
	return err;
}

static int sequence_show(const struct model *m, const struct view_options *o,
			 struct text *out, struct why *why)
{
	struct messages list = {0};
	int err = choose(m, o, &list, why);

	if (!err && o->format == VIEW_TEXT)
		to_text(&list, zero_ns(&list, m, o), out);
	else if (!err)
		err = to_picture(&list, m, o, out, why);
	messages_free(&list);
	return err;
}

const struct view view_sequence = {
	.name = "sequence",
	.what = "who told whom what, and when",
	.formats = 1 << VIEW_TEXT | 1 << VIEW_SVG | 1 << VIEW_PNG |
		   1 << VIEW_PDF | 1 << VIEW_DOT,
	.show = sequence_show,
};
