/* SPDX-License-Identifier: MIT */
/*
 * A drawing with everything at its place, in points, y downwards: boxes,
 * words and straight lines, given to Graphviz with pinned positions.  What
 * things look like comes from one table of styles; in SVG each also carries
 * its style's name as a class, so that a page can colour it for the dark.
 */
#ifndef VIZ_RENDER_SCENE_H
#define VIZ_RENDER_SCENE_H

#include <graphviz/cgraph.h>
#include <stdbool.h>

#include "viz/render/draw.h"

/* Of lines and arrows, of words, of boxes. */
enum style {
	STYLE_PLAIN,
	STYLE_DIM,
	STYLE_STATE,
	STYLE_STORE,
	STYLE_RING,
	STYLE_INDEX,
	STYLE_NOTIFY,
	STYLE_GRANT,
	STYLE_DISK,
	STYLE_LIFE,
	STYLE_BAD,
	STYLE_HEAD, /* a lane's head, a heading */
	STYLE_BAND, /* a band across, with words */
	STYLE_COUNT
};

enum align { ALIGN_LEFT, ALIGN_CENTRE, ALIGN_RIGHT };

struct scene {
	Agraph_t *g;
	double width, height; /* what has been drawn so far */
};

/* `title` names the picture.  0 or -ENOMEM; scene_close() in any case. */
int scene_open(struct scene *s, const char *title);
void scene_close(struct scene *s);

/*
 * Words, broken at spaces into lines of at most `width` points; at most
 * `lines` of them, then dots.  Returns their number.  `out` receives what
 * Graphviz wants as a label; NULL only counts.
 */
#define SCENE_LINES_MAX 12u
unsigned scene_wrap(const char *words, double width, double size,
		    unsigned lines, struct text *out);

/* About how wide the words are, in points; never less than they are. */
double scene_text_width(const char *words, double size);

/* A label made by scene_wrap(), its middle line at y. */
void scene_words(struct scene *s, double x, double y, double width,
		 enum align align, double size, enum style style,
		 const char *label);

/* The same with the page's colour behind it, so that lines do not disturb. */
void scene_label(struct scene *s, double x, double y, double size,
		 enum style style, const char *label);

/* A box around (x, y) with words; `round` for notes. */
void scene_box(struct scene *s, double x, double y, double w, double h,
	       enum style style, bool filled, bool round, double size,
	       const char *label);

enum line { LINE_SOLID, LINE_DASHED, LINE_DOTTED };
void scene_line(struct scene *s, double x1, double y1, double x2, double y2,
		enum style style, enum line line, const char *arrow);

/* As draw_render(), pinned. */
int scene_render(struct scene *s, const char *format, struct text *out,
		 struct why *why);

/* The style's class and its colour on white, for pictures laid out by dot. */
const char *style_class(enum style style);
const char *style_colour(enum style style);
const char *style_fill(enum style style);

/* The rules that colour the classes, light and dark; goes into every SVG. */
const char *scene_css(void);

#endif
