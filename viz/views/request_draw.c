/* SPDX-License-Identifier: MIT */
/*
 * Requests as bars over time.  One request has a line for each of its stages
 * and, below, the moments between them; several have a bar each, divided by
 * stage.  A stage has its number beside its colour.
 */
#include <inttypes.h>
#include <stdio.h>

#include "viz/render/scene.h"
#include "viz/views/message.h"
#include "viz/views/request.h"

#define SIZE   10.0
#define LEFT   250.0
#define WIDTH  760.0
#define ROW_PT 26.0
#define BAR_PT 17.0

static const enum style span_style[SPAN_COUNT] = {
	STYLE_RING, STYLE_GRANT,  STYLE_DISK,
	STYLE_LIFE, STYLE_NOTIFY, STYLE_PLAIN,
};

struct painter {
	struct scene scene;
	double y;
	double ns_per_pt;
};

/* 1, 2 or 5 times a power of ten, so that there are four to ten ticks. */
static int64_t tick_step(int64_t total)
{
	int64_t step = 1;

	while (step * 8 < total) {
		if (step * 16 >= total)
			return step * 2;
		if (step * 40 >= total)
			return step * 5;
		step *= 10;
	}
	return step;
}

static void axis(struct painter *p, int64_t total, double height)
{
	int64_t step = tick_step(total), t;
	char label[TEXT_NS_MAX];
	double x;

	for (t = 0; t <= total; t += step) {
		x = LEFT + (double)t / p->ns_per_pt;
		scene_line(&p->scene, x, p->y + 10, x, p->y + 14 + height,
			   STYLE_DIM, LINE_DOTTED, NULL);
		scene_words(&p->scene, x, p->y, 70, ALIGN_CENTRE, SIZE - 1,
			    STYLE_DIM, t ? text_ns(label, t) : "0");
	}
	p->y += 24;
}

static void left_words(struct painter *p, double y, const char *words,
		       enum style style)
{
	scene_words(&p->scene, LEFT - 10, y, LEFT - 10, ALIGN_RIGHT, SIZE,
		    style, words);
}

static void bar(struct painter *p, double y, int64_t from, int64_t ns,
		enum style style, const char *words)
{
	double w = (double)ns / p->ns_per_pt;

	if (w < 1.5)
		w = 1.5;
	scene_box(&p->scene, LEFT + (double)from / p->ns_per_pt + w / 2, y, w,
		  BAR_PT, style, true, false, SIZE - 1,
		  scene_text_width(words, SIZE - 1) + 4 < w ? words : "");
}

/* ---- one request -------------------------------------------------------- */

static void draw_spans(struct painter *p, const struct request *r)
{
	int64_t total = request_total(r), ns;
	char label[80], t[TEXT_NS_MAX];
	double x, percent;
	unsigned span;

	axis(p, total, ROW_PT * SPAN_COUNT);
	for (span = 0; span < SPAN_COUNT; span++) {
		ns = span_of(r, span);
		if (span == SPAN_TOTAL)
			snprintf(label, sizeof(label), "total");
		else
			snprintf(label, sizeof(label), "%u  %s (%s)", span + 1,
				 span_names[span], span_meanings[span]);
		left_words(p, p->y, label,
			   span == SPAN_TOTAL ? STYLE_HEAD : STYLE_PLAIN);
		if (ns < 0) {
			scene_words(&p->scene, LEFT, p->y, 200, ALIGN_LEFT,
				    SIZE, STYLE_DIM, "not seen");
			p->y += ROW_PT;
			continue;
		}
		x = (double)span_start(r, span);
		bar(p, p->y, (int64_t)x, ns, span_style[span], "");
		percent = total ? 100.0 * (double)ns / (double)total : 100.0;
		snprintf(label, sizeof(label),
			 percent < 1 && ns ? "%s, below 1 %%" : "%s, %.0f %%",
			 text_ns(t, ns), percent);
		/* Behind the bar, or before it where that is the margin. */
		x = LEFT + (x + (double)ns) / p->ns_per_pt + 6;
		scene_words(&p->scene, x, p->y, 110, ALIGN_LEFT, SIZE,
			    STYLE_PLAIN, label);
		p->y += ROW_PT;
	}
}

/* Every moment in its order, its name at the left and a mark in time. */
static void draw_moments(struct painter *p, const struct request *r)
{
	int64_t start = request_start(r), last = start;
	char words[64], t[TEXT_NS_MAX];
	unsigned i;
	double x;

	p->y += 10;
	left_words(p, p->y, "moments", STYLE_HEAD);
	p->y += ROW_PT * 0.8;
	for (i = 0; i < STAGE_COUNT; i++) {
		if (r->t[i] == MODEL_NEVER)
			continue;
		left_words(p, p->y,
			   i == STAGE_CHECK && r->flags & REQUEST_REFUSED
				   ? "refused"
				   : stage_names[i],
			   STYLE_PLAIN);
		x = LEFT + (double)(r->t[i] - start) / p->ns_per_pt;
		scene_box(&p->scene, x, p->y, 5, 11, STYLE_RING, true, false,
			  SIZE, "");
		snprintf(words, sizeof(words), "%s",
			 text_ns(t, r->t[i] - start));
		scene_words(&p->scene, x + 7, p->y, 70, ALIGN_LEFT, SIZE - 1,
			    STYLE_PLAIN, words);
		snprintf(words, sizeof(words), "+%s",
			 text_ns(t, r->t[i] > last ? r->t[i] - last : 0));
		scene_words(&p->scene, x + 66, p->y, 70, ALIGN_LEFT, SIZE - 2,
			    STYLE_DIM, words);
		if (r->t[i] > last)
			last = r->t[i];
		p->y += ROW_PT * 0.72;
	}
}

/* ---- several ------------------------------------------------------------ */

static int64_t longest(const struct request_list *l)
{
	int64_t max = 0, total;
	unsigned i;

	for (i = 0; i < l->n; i++) {
		total = request_total(&l->m->request[l->at[i]]);
		if (total > max)
			max = total;
	}
	return max;
}

static void draw_stacked(struct painter *p, const struct request_list *l)
{
	const struct request *r;
	char words[64], t[TEXT_NS_MAX];
	unsigned i, span;
	double x = LEFT;
	int64_t ns;

	for (span = 0; span < SPAN_TOTAL; span++) {
		double w;

		snprintf(words, sizeof(words), "%u  %s", span + 1,
			 span_names[span]);
		w = scene_text_width(words, SIZE) + 14;
		scene_box(&p->scene, x + w / 2, p->y, w, BAR_PT,
			  span_style[span], true, false, SIZE, words);
		x += w + 8;
	}
	p->y += ROW_PT;
	axis(p, longest(l), ROW_PT * l->n);
	for (i = 0; i < l->n; i++) {
		r = &l->m->request[l->at[i]];
		snprintf(words, sizeof(words), "%s #%" PRIu64 "%s",
			 model_op_name(r->op), request_seq(r),
			 request_failed(r) ? "  ✗ failed" : "");
		left_words(p, p->y, words,
			   request_failed(r) ? STYLE_BAD : STYLE_PLAIN);
		for (span = 0; span < SPAN_TOTAL; span++) {
			ns = span_of(r, span);
			if (ns < 0)
				continue;
			snprintf(words, sizeof(words), "%u", span + 1);
			bar(p, p->y, span_start(r, span), ns, span_style[span],
			    words);
		}
		scene_words(&p->scene,
			    LEFT + (double)request_total(r) / p->ns_per_pt + 6,
			    p->y, 80, ALIGN_LEFT, SIZE, STYLE_PLAIN,
			    text_ns(t, request_total(r)));
		p->y += ROW_PT;
	}
}

int request_draw(const struct request_list *l, const char *format,
		 struct text *out, struct why *why)
{
	const struct request *r = &l->m->request[l->at[0]];
	struct painter p = { .y = 8 };
	struct text line = { 0 }, title = { 0 };
	int64_t total = longest(l);
	int rc;

	rc = scene_open(&p.scene, "request");
	if (rc)
		return why_set(why, rc, "Graphviz does not start");
	p.ns_per_pt = (double)(total > 0 ? total : 1) / WIDTH;
	if (l->n == 1)
		request_line(l->m, r, &line);
	else
		request_heading(l, &line);
	scene_wrap(text_str(&line), LEFT + WIDTH + 130, 14, 1, &title);
	scene_words(&p.scene, 0, p.y, LEFT + WIDTH + 130, ALIGN_LEFT, 14,
		    STYLE_HEAD, text_str(&title));
	p.y += 20;
	scene_words(&p.scene, 0, p.y, LEFT + WIDTH + 130, ALIGN_LEFT, SIZE,
		    STYLE_DIM, text_str(&l->title));
	p.y += 28;
	if (l->n == 1) {
		draw_spans(&p, r);
		draw_moments(&p, r);
	} else {
		draw_stacked(&p, l);
	}
	text_free(&title);
	text_free(&line);
	rc = scene_render(&p.scene, format, out, why);
	scene_close(&p.scene);
	return rc;
}
