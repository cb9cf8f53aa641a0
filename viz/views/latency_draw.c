/* SPDX-License-Identifier: MIT */
/*
 * Histograms of one device: a line for each operation, a column for each
 * stage.  All share one logarithmic axis of time, so that columns can be
 * compared; heights are relative to the panel's highest bar.
 */
#include <stdio.h>

#include "viz/render/scene.h"
#include "viz/views/latency.h"
#include "viz/views/message.h"

#define SIZE	9.0
#define PANEL_W 178.0
#define PANEL_H 70.0
#define GAP_X	18.0
#define ROW_PT	150.0
#define LEFT	84.0

static const enum style span_style[SPAN_COUNT] = {
	STYLE_RING, STYLE_GRANT,  STYLE_DISK,
	STYLE_LIFE, STYLE_NOTIFY, STYLE_STATE,
};

struct painter {
	struct scene scene;
	unsigned first, last; /* buckets in use */
	double y;
};

static double bucket_x(const struct painter *p, double left, double bucket)
{
	return left +
	       PANEL_W * (bucket - p->first) / (double)(p->last - p->first + 1);
}

/* Where on the axis a duration stands, in buckets with a fraction. */
static double place(uint64_t ns)
{
	unsigned b = latency_bucket(ns);
	uint64_t from = latency_bucket_from(b);
	uint64_t to = latency_bucket_from(b + 1);

	return b + (to > from ? (double)(ns - from) / (double)(to - from) : 0);
}

static void axis(struct painter *p, double left, double bottom)
{
	char t[TEXT_NS_MAX];
	uint64_t ns;
	double x, last = -100;

	scene_line(&p->scene, left, bottom, left + PANEL_W, bottom, STYLE_DIM,
		   LINE_SOLID, NULL);
	for (ns = 1000; ns <= 1000000000000u; ns *= 10) {
		unsigned b = latency_bucket(ns);

		if (b < p->first || b > p->last)
			continue;
		x = bucket_x(p, left, place(ns));
		scene_line(&p->scene, x, bottom, x, bottom + 3, STYLE_DIM,
			   LINE_SOLID, NULL);
		if (x - last < 40)
			continue;
		scene_words(&p->scene, x, bottom + 10, 40, ALIGN_CENTRE,
			    SIZE - 2, STYLE_DIM, text_ns(t, (int64_t)ns));
		last = x;
	}
}

static void panel(struct painter *p, const struct latency *row, double left)
{
	double bottom = p->y + PANEL_H,
	       w = PANEL_W / (double)(p->last - p->first + 1), h, x;
	char words[64], a[TEXT_NS_MAX], b[TEXT_NS_MAX];
	uint32_t high = 0;
	unsigned i;

	for (i = p->first; i <= p->last; i++)
		if (row->bucket[i] > high)
			high = row->bucket[i];
	for (i = p->first; i <= p->last; i++) {
		if (!row->bucket[i])
			continue;
		h = PANEL_H * row->bucket[i] / high;
		if (h < 1)
			h = 1; /* one slow request is a sight to see */
		scene_box(&p->scene, bucket_x(p, left, i) + w / 2,
			  bottom - h / 2, w, h, span_style[row->span], true,
			  false, SIZE, "");
	}
	axis(p, left, bottom);
	x = bucket_x(p, left, place(row->median_ns));
	scene_line(&p->scene, x, bottom + 3, x, p->y - 4, STYLE_PLAIN,
		   LINE_DASHED, NULL);
	snprintf(words, sizeof(words), "median %s",
		 text_ns(a, (int64_t)row->median_ns));
	scene_words(&p->scene, left, p->y - 12, PANEL_W, ALIGN_LEFT, SIZE,
		    STYLE_PLAIN, words);
	snprintf(words, sizeof(words), "p99 %s, max %s",
		 text_ns(a, (int64_t)row->p99_ns),
		 text_ns(b, (int64_t)row->max_ns));
	scene_words(&p->scene, left, bottom + 25, PANEL_W, ALIGN_LEFT, SIZE - 1,
		    STYLE_DIM, words);
}

static void bounds(struct painter *p, const struct latencies *l)
{
	size_t k;
	unsigned i;

	p->first = LATENCY_BUCKETS;
	p->last = 0;
	for (k = 0; k < l->n; k++)
		for (i = 0; i < LATENCY_BUCKETS; i++) {
			if (!l->row[k].bucket[i])
				continue;
			if (i < p->first)
				p->first = i;
			if (i > p->last)
				p->last = i;
		}
	/* Never so narrow that a single bar fills the panel. */
	if (p->first)
		p->first--;
	while (p->last < p->first + 16 && p->last < LATENCY_BUCKETS - 1)
		p->last++;
}

int latency_draw(const struct model *m, const struct latencies *l,
		 const char *title, const char *format, struct text *out,
		 struct why *why)
{
	struct painter p = { .y = 8 };
	char n[TEXT_COUNT_MAX], words[160];
	unsigned span, op = 256;
	size_t k;
	int rc;

	(void)m;
	rc = scene_open(&p.scene, "latency");
	if (rc)
		return why_set(why, rc, "Graphviz does not start");
	bounds(&p, l);
	snprintf(words, sizeof(words), "How long stages took, %s", title);
	scene_words(&p.scene, 0, p.y, 1100, ALIGN_LEFT, 14, STYLE_HEAD, words);
	p.y += 20;
	scene_words(&p.scene, 0, p.y, 1100, ALIGN_LEFT, SIZE, STYLE_DIM,
		    "time grows to the right, tenfold from mark to mark; "
		    "dashed: the median");
	p.y += 26;
	for (span = 0; span < SPAN_COUNT; span++) {
		double x = LEFT + span * (PANEL_W + GAP_X);

		scene_words(&p.scene, x, p.y, PANEL_W, ALIGN_LEFT, 11,
			    STYLE_HEAD, span_names[span]);
		scene_words(&p.scene, x, p.y + 14, PANEL_W, ALIGN_LEFT, SIZE,
			    STYLE_DIM, span_meanings[span]);
	}
	p.y += 52 - ROW_PT;
	for (k = 0; k < l->n; k++) {
		const struct latency *row = &l->row[k];

		if (row->op != op) {
			op = row->op;
			p.y += ROW_PT;
			scene_words(&p.scene, 0, p.y + 20, LEFT, ALIGN_LEFT, 12,
				    STYLE_HEAD, model_op_name(op));
			snprintf(words, sizeof(words), "x%s",
				 text_count(n, row->count));
			scene_words(&p.scene, 0, p.y + 36, LEFT, ALIGN_LEFT,
				    SIZE, STYLE_DIM, words);
		}
		panel(&p, row, LEFT + row->span * (PANEL_W + GAP_X));
	}
	rc = scene_render(&p.scene, format, out, why);
	scene_close(&p.scene);
	return rc;
}
