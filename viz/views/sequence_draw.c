/* SPDX-License-Identifier: MIT */
/*
 * The sequence as a picture.  Rows are as high as their words need; times
 * stand at the left, lanes have their lines and, at both ends, their names.
 */
#include <stdio.h>

#include "viz/render/scene.h"
#include "viz/views/sequence.h"

#define SIZE	   9.0
#define LINE_PT	   11.5
#define ROW_GAP_PT 8.0
#define ARROW_PT   5.0 /* from the words' last line down to the arrow */
#define TIME_X	   62.0
#define DELTA_X	   124.0
#define NOTE_PT	   258.0
#define LEFT	   0.0
#define RIGHT	   1330.0
#define HEAD_PT	   22.0

static const double lane_x[LANE_COUNT] = { 262, 480, 740, 1000, 1220 };

static const enum style tone_style[TONE_COUNT] = {
	[TONE_STATE] = STYLE_STATE,   [TONE_STORE] = STYLE_STORE,
	[TONE_RING] = STYLE_RING,     [TONE_INDEX] = STYLE_INDEX,
	[TONE_NOTIFY] = STYLE_NOTIFY, [TONE_GRANT] = STYLE_GRANT,
	[TONE_DISK] = STYLE_DISK,     [TONE_LIFE] = STYLE_LIFE,
	[TONE_BAD] = STYLE_BAD,
};

struct painter {
	struct scene scene;
	double y;
	int64_t zero, last;
	double sections_y;
};

static void times(struct painter *p, const struct row *row, double y)
{
	char t[SEQUENCE_TIME_MAX], d[SEQUENCE_TIME_MAX + 1];

	sequence_time(t, row->t_ns - p->zero);
	scene_words(&p->scene, TIME_X, y, 62, ALIGN_RIGHT, SIZE, STYLE_PLAIN,
		    t);
	d[0] = '+';
	sequence_time(d + 1, row->t_ns - p->last);
	scene_words(&p->scene, DELTA_X, y, 60, ALIGN_RIGHT, SIZE - 1, STYLE_DIM,
		    d[1] == '-' ? d + 1 : d);
	p->last = row->last_ns;
}

/* Something one party does: a box on its lane. */
static void note(struct painter *p, const struct row *row)
{
	struct text label = { 0 };
	char words[ROW_TEXT_MAX + 8];
	double w, h;
	unsigned n;

	snprintf(words, sizeof(words), "%s%s",
		 row->tone == TONE_BAD ? "✗ " : "", row->text);
	n = scene_wrap(words, NOTE_PT - 12, SIZE, 6, &label);
	w = scene_text_width(words, SIZE) + 14;
	if (w > NOTE_PT || n > 1)
		w = NOTE_PT;
	h = LINE_PT * n + 4;
	p->y += h / 2;
	times(p, row, p->y);
	scene_box(&p->scene, lane_x[row->from], p->y, w, h,
		  tone_style[row->tone], true, true, SIZE, text_str(&label));
	p->y += h / 2 + ROW_GAP_PT * 0.6;
	text_free(&label);
}

/* From one lane to another: words, and the arrow below them. */
static void arrow(struct painter *p, const struct row *row)
{
	double x1 = lane_x[row->from], x2 = lane_x[row->to];
	double width = (x2 > x1 ? x2 - x1 : x1 - x2) - 16;
	enum style style = tone_style[row->tone];
	struct text label = { 0 };
	char words[ROW_TEXT_MAX + 8];
	double h;
	unsigned n;

	snprintf(words, sizeof(words), "%s%s",
		 row->tone == TONE_BAD ? "✗ " : "", row->text);
	n = scene_wrap(words, width, SIZE, 10, &label);
	h = LINE_PT * n;
	scene_label(&p->scene, (x1 + x2) / 2, p->y + h / 2, SIZE, style,
		    text_str(&label));
	p->y += h + ARROW_PT;
	scene_line(&p->scene, x1, p->y, x2, p->y, style,
		   row->tone == TONE_NOTIFY  ? LINE_DASHED
		   : row->tone == TONE_INDEX ? LINE_DOTTED
					     : LINE_SOLID,
		   row->tone == TONE_NOTIFY ? "vee" : "normal");
	times(p, row, p->y - 1);
	p->y += ROW_GAP_PT;
	text_free(&label);
}

/* Across all lanes. */
static void band(struct painter *p, const struct row *row)
{
	static const char *const marks[] = {
		[ROW_SECTION] = "",
		[ROW_REPEAT] = "↻  ",
		[ROW_GAP] = "⋯  ",
		[ROW_LOSS] = "✗  ",
	};
	bool head = row->kind == ROW_SECTION;
	double size = head ? SIZE + 2 : SIZE, h;
	struct text label = { 0 };
	char words[ROW_TEXT_MAX + 8];
	unsigned n;

	snprintf(words, sizeof(words), "%s%s", marks[row->kind], row->text);
	n = scene_wrap(words, RIGHT - LEFT - 40, size, 4, &label);
	h = (LINE_PT + (head ? 3 : 0)) * n + 6;
	if (head) {
		p->y += 8;
		p->zero = p->last = row->t_ns;
	}
	p->y += h / 2;
	scene_box(&p->scene, (LEFT + RIGHT) / 2, p->y, RIGHT - LEFT, h,
		  row->kind == ROW_LOSS ? STYLE_BAD
		  : head		? STYLE_HEAD
					: STYLE_BAND,
		  true, false, size, text_str(&label));
	p->y += h / 2 + ROW_GAP_PT;
	text_free(&label);
}

static void heads(struct painter *p, double y)
{
	static const enum style style[LANE_COUNT] = { STYLE_RING, STYLE_STORE,
						      STYLE_NOTIFY, STYLE_GRANT,
						      STYLE_DISK };
	unsigned i;

	for (i = 0; i < LANE_COUNT; i++)
		scene_box(&p->scene, lane_x[i], y,
			  scene_text_width(lane_names[i], 12) + 24, HEAD_PT,
			  style[i], true, false, 12, lane_names[i]);
}

static void legend(struct painter *p)
{
	static const struct {
		enum tone tone;
		const char *words;
	} entry[] = {
		{ TONE_STATE, "state" },   { TONE_STORE, "key" },
		{ TONE_GRANT, "grant" },   { TONE_RING, "request" },
		{ TONE_INDEX, "index" },   { TONE_NOTIFY, "notification" },
		{ TONE_DISK, "storage" },  { TONE_LIFE, "life" },
		{ TONE_BAD, "✗ failure" },
	};
	double x = LEFT + 40;
	size_t i;

	for (i = 0; i < sizeof(entry) / sizeof(entry[0]); i++) {
		double w = scene_text_width(entry[i].words, SIZE) + 16;

		scene_box(&p->scene, x + w / 2, p->y, w, 15,
			  tone_style[entry[i].tone], true, true, SIZE,
			  entry[i].words);
		x += w + 10;
	}
	scene_words(&p->scene, x + 6, p->y, 600, ALIGN_LEFT, SIZE, STYLE_DIM,
		    "box: done by one party   solid: data   dotted: an index "
		    "  dashed: event channel");
	p->y += 22;
}

static void title(struct painter *p, const struct sequence *s)
{
	struct text t = { 0 };
	unsigned n;

	text_printf(&t, "Sequence of %s", text_str(&s->title));
	scene_words(&p->scene, LEFT, p->y, RIGHT - LEFT, ALIGN_LEFT, 14,
		    STYLE_HEAD, text_str(&t));
	p->y += 22;
	text_clear(&t);
	if (s->caveats.len) {
		n = scene_wrap(text_str(&s->caveats), RIGHT - LEFT - 20, SIZE,
			       6, &t);
		p->y += LINE_PT * n / 2;
		scene_words(&p->scene, LEFT, p->y, RIGHT - LEFT, ALIGN_LEFT,
			    SIZE, STYLE_BAD, text_str(&t));
		p->y += LINE_PT * n / 2 + 6;
	}
	text_free(&t);
	legend(p);
	scene_words(&p->scene, TIME_X, p->y, 62, ALIGN_RIGHT, SIZE, STYLE_PLAIN,
		    "time, µs");
	scene_words(&p->scene, DELTA_X, p->y, 60, ALIGN_RIGHT, SIZE - 1,
		    STYLE_DIM, "since last");
}

int sequence_draw(const struct sequence *s, const char *format,
		  struct text *out, struct why *why)
{
	struct painter p = { .y = 8 };
	double top;
	unsigned lane;
	size_t i;
	int rc;

	rc = scene_open(&p.scene, "sequence");
	if (rc)
		return why_set(why, rc, "Graphviz does not start");
	p.zero = p.last = s->zero_ns;
	title(&p, s);
	top = p.y;
	p.y += HEAD_PT;
	for (i = 0; i < s->rows.n; i++) {
		const struct row *row = &s->rows.row[i];

		if (row->kind != ROW_MESSAGE)
			band(&p, row);
		else if (row->from == row->to)
			note(&p, row);
		else
			arrow(&p, row);
	}
	for (lane = 0; lane < LANE_COUNT; lane++)
		scene_line(&p.scene, lane_x[lane], top, lane_x[lane],
			   p.y + HEAD_PT / 2, STYLE_DIM, LINE_DASHED, NULL);
	heads(&p, top);
	heads(&p, p.y + HEAD_PT / 2);
	rc = scene_render(&p.scene, format, out, why);
	scene_close(&p.scene);
	return rc;
}
