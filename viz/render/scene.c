/* SPDX-License-Identifier: MIT */
#include "viz/render/scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FONT "DejaVu Sans,Verdana,Helvetica,Arial,sans-serif"

/* Of DejaVu Sans, the widest of those fonts, in thousandths of its size. */
#define CHAR_WIDE 620.0

static const struct {
	const char *class;
	const char *colour; /* lines and words, on white */
	const char *fill;
} styles[STYLE_COUNT] = {
	[STYLE_PLAIN] = { "rs-plain", "#22262b", "#ffffff" },
	[STYLE_DIM] = { "rs-dim", "#6b7480", "#ffffff" },
	[STYLE_STATE] = { "rs-state", "#6b2fa0", "#f3eafb" },
	[STYLE_STORE] = { "rs-store", "#7a5c00", "#fbf5e2" },
	[STYLE_RING] = { "rs-ring", "#1f5fa8", "#e8f1fb" },
	[STYLE_INDEX] = { "rs-index", "#4a5a72", "#eef1f5" },
	[STYLE_NOTIFY] = { "rs-notify", "#a84300", "#fdeee3" },
	[STYLE_GRANT] = { "rs-grant", "#00695f", "#e3f4f2" },
	[STYLE_DISK] = { "rs-disk", "#2b6e3f", "#e7f4ea" },
	[STYLE_LIFE] = { "rs-life", "#3d434b", "#eceef1" },
	[STYLE_BAD] = { "rs-bad", "#b3141c", "#fde7e8" },
	[STYLE_HEAD] = { "rs-head", "#22262b", "#e9ecf0" },
	[STYLE_BAND] = { "rs-band", "#3d434b", "#f1f3f6" },
};

const char *style_class(enum style style)
{
	return styles[style].class;
}

const char *style_colour(enum style style)
{
	return styles[style].colour;
}

const char *style_fill(enum style style)
{
	return styles[style].fill;
}

/*
 * The light colours are attributes of the shapes; here are the dark ones.
 * Words take the line's colour, arrow heads are filled with it.
 */
/* clang-format off */ /* a table made by a macro */
const char *scene_css(void)
{
	return "@media (prefers-color-scheme: dark) {\n"
	       "svg.rs { background: #14171b }\n"
	       ".rs .graph > polygon { fill: #14171b; stroke: none }\n"
#define DARK(class, line, fill)                                                \
	".rs ." class " path, .rs ." class " polyline { stroke: " line " }\n"   \
	".rs ." class " text { fill: " line " }\n"                             \
	".rs .node." class " polygon, .rs .node." class " path "               \
	"{ stroke: " line "; fill: " fill " }\n"                               \
	".rs .edge." class " polygon { stroke: " line "; fill: " line " }\n"
	       DARK("rs-plain", "#e6e8eb", "#14171b")
	       DARK("rs-dim", "#97a1ad", "#14171b")
	       DARK("rs-state", "#cda4f2", "#2b1d3a")
	       DARK("rs-store", "#e2c468", "#2f2810")
	       DARK("rs-ring", "#8ebdf3", "#16283d")
	       DARK("rs-index", "#aebbcd", "#222932")
	       DARK("rs-notify", "#ffad7a", "#3a2213")
	       DARK("rs-grant", "#6fd3c8", "#0f302d")
	       DARK("rs-disk", "#86d39b", "#15301d")
	       DARK("rs-life", "#c3c9d1", "#262b31")
	       DARK("rs-bad", "#ff9a9f", "#3f1518")
	       DARK("rs-head", "#e6e8eb", "#2a3038")
	       DARK("rs-band", "#c3c9d1", "#1f242a")
#undef DARK
	       /* Words in a table of several colours. */
	       ".rs text[fill=\"#22262b\"] { fill: #e6e8eb }\n"
	       ".rs text[fill=\"#6b7480\"] { fill: #97a1ad }\n"
	       ".rs text[fill=\"#6b2fa0\"] { fill: #cda4f2 }\n"
	       ".rs text[fill=\"#7a5c00\"] { fill: #e2c468 }\n"
	       ".rs text[fill=\"#1f5fa8\"] { fill: #8ebdf3 }\n"
	       ".rs text[fill=\"#4a5a72\"] { fill: #aebbcd }\n"
	       ".rs text[fill=\"#a84300\"] { fill: #ffad7a }\n"
	       ".rs text[fill=\"#00695f\"] { fill: #6fd3c8 }\n"
	       ".rs text[fill=\"#2b6e3f\"] { fill: #86d39b }\n"
	       ".rs text[fill=\"#3d434b\"] { fill: #c3c9d1 }\n"
	       ".rs text[fill=\"#b3141c\"] { fill: #ff9a9f }\n"
	       ".rs text[fill=\"#22262b\"] { fill: #e6e8eb }\n"
	       ".rs text[fill=\"#3d434b\"] { fill: #c3c9d1 }\n"
	       ".rs .graph > text { fill: #e6e8eb }\n"
	       ".rs .cluster polygon, .rs .cluster path { fill: none }\n"
	       ".rs .node.rs-bare polygon { stroke: none; fill: #14171b }\n"
	       ".rs .node.rs-clear polygon { stroke: none; fill: none }\n"
	       "}\n";
}
/* clang-format on */

int scene_open(struct scene *s, const char *title)
{
	memset(s, 0, sizeof(*s));
	s->g = agopen((char *)title, Agdirected, NULL);
	if (!s->g)
		return -ENOMEM;
	agattr(s->g, AGNODE, "fontname", FONT);
	agattr(s->g, AGNODE, "shape", "box");
	agattr(s->g, AGNODE, "margin", "0,0");
	draw_set(s->g, "splines", "line");
	draw_set(s->g, "outputorder", "edgesfirst");
	draw_set(s->g, "bgcolor", "white");
	draw_set(s->g, "pad", "0.25");
	return 0;
}

void scene_close(struct scene *s)
{
	if (s->g)
		agclose(s->g);
	s->g = NULL;
}

/* ---- words -------------------------------------------------------------- */

double scene_text_width(const char *words, double size)
{
	double w = 0;

	for (; *words; words++) {
		unsigned char c = (unsigned char)*words;

		if ((c & 0xc0) == 0x80)
			continue;
		w += strchr("ijl.,:;'|! ()[]/", c) ? 380.0
		     : strchr("mwMW", c)	   ? 980.0
		     : c >= 'A' && c <= 'Z'	   ? 740.0
						   : CHAR_WIDE;
	}
	return w * size / 1000.0;
}

/*
 * A label's escapes begin with a backslash, and entities with an ampersand:
 * what is text stays text.
 */
static void add_label_text(struct text *out, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] == '\\')
			text_add(out, "\\");
		text_add_bytes(out, s + i, 1);
		if (s[i] == '&')
			text_add(out, "amp;");
	}
}

/* How many bytes of `s` fit, broken at a space if there is one. */
static size_t line_length(const char *s, double width, double size)
{
	char piece[5];
	size_t i = 0, space = 0, n;
	double w = 0;

	while (s[i]) {
		for (n = 1; (s[i + n] & 0xc0) == 0x80 && n < 4; n++)
			;
		if (s[i] == '\n')
			return i;
		memcpy(piece, s + i, n);
		piece[n] = '\0';
		w += scene_text_width(piece, size);
		if (w > width && i)
			return space ? space : i;
		if (s[i] == ' ')
			space = i;
		i += n;
	}
	return i;
}

unsigned scene_wrap(const char *words, double width, double size,
		    unsigned lines, struct text *out)
{
	unsigned n = 0;
	size_t len;

	if (lines > SCENE_LINES_MAX)
		lines = SCENE_LINES_MAX;
	while (*words && n < lines) {
		len = line_length(words, width, size);
		if (out) {
			if (n)
				text_add(out, "\\n");
			add_label_text(out, words, len);
		}
		words += len;
		while (*words == ' ' || *words == '\n')
			words++;
		n++;
	}
	if (*words && out)
		text_add(out, " …");
	return n;
}

/* ---- shapes ------------------------------------------------------------- */

static void grow(struct scene *s, double x, double y)
{
	if (x > s->width)
		s->width = x;
	if (y > s->height)
		s->height = y;
}

static Agnode_t *node(struct scene *s, double x, double y, enum style style,
		      double size)
{
	Agnode_t *n = draw_node_at(s->g, x, y);

	draw_set(n, "class", styles[style].class);
	draw_set(n, "fontcolor", styles[style].colour);
	draw_setf(n, "fontsize", "%g", size);
	return n;
}

static void bare(Agnode_t *n, enum style style, const char *class,
		 const char *fill)
{
	draw_setf(n, "class", "%s %s", styles[style].class, class);
	draw_set(n, "style", "filled");
	draw_set(n, "color", "transparent");
	draw_set(n, "fillcolor", fill);
}

void scene_words(struct scene *s, double x, double y, double width,
		 enum align align, double size, enum style style,
		 const char *label)
{
	struct text t = { 0 };
	const char *p;
	char way[3] = { '\\', 'n', '\0' };
	Agnode_t *n;

	way[1] = align == ALIGN_LEFT ? 'l' : align == ALIGN_RIGHT ? 'r' : 'n';
	/* The break behind a line says how that line is aligned. */
	for (p = label; *p; p++) {
		if (p[0] == '\\' && p[1] == 'n') {
			text_add(&t, way);
			p++;
		} else {
			text_add_bytes(&t, p, 1);
			if (p[0] == '\\' && p[1])
				text_add_bytes(&t, ++p, 1);
		}
	}
	if (align != ALIGN_CENTRE)
		text_add(&t, way);
	x += align == ALIGN_LEFT    ? width / 2
	     : align == ALIGN_RIGHT ? -width / 2
				    : 0;
	n = node(s, x, y, style, size);
	bare(n, style, "rs-clear", "transparent");
	draw_set(n, "fixedsize", "true");
	draw_setf(n, "width", "%.4f", width / 72);
	draw_setf(n, "height", "%.4f", size * 1.4 / 72);
	draw_set(n, "label", text_str(&t));
	text_free(&t);
	grow(s, x + width / 2, y + size);
}

void scene_label(struct scene *s, double x, double y, double size,
		 enum style style, const char *label)
{
	Agnode_t *n = node(s, x, y, style, size);

	bare(n, style, "rs-bare", "white");
	draw_set(n, "width", "0.01");
	draw_set(n, "height", "0.01");
	draw_set(n, "margin", "0.02,0.0");
	draw_set(n, "label", label);
	grow(s, x, y + size);
}

void scene_box(struct scene *s, double x, double y, double w, double h,
	       enum style style, bool filled, bool round, double size,
	       const char *label)
{
	Agnode_t *n = node(s, x, y, style, size);

	draw_set(n, "fixedsize", "true");
	draw_setf(n, "width", "%.4f", w / 72);
	draw_setf(n, "height", "%.4f", h / 72);
	draw_set(n, "style", round ? "filled,rounded" : "filled");
	draw_set(n, "color", styles[style].colour);
	draw_set(n, "fillcolor", filled ? styles[style].fill : "white");
	draw_set(n, "penwidth", "0.8");
	draw_set(n, "label", label);
	grow(s, x + w / 2, y + h / 2);
}

static Agnode_t *point(struct scene *s, double x, double y)
{
	Agnode_t *n = draw_node_at(s->g, x, y);

	draw_set(n, "shape", "point");
	draw_set(n, "width", "0.001");
	draw_set(n, "height", "0.001");
	draw_set(n, "style", "invis");
	grow(s, x, y);
	return n;
}

void scene_line(struct scene *s, double x1, double y1, double x2, double y2,
		enum style style, enum line line, const char *arrow)
{
	static const char *const names[] = { "solid", "dashed", "dotted" };
	Agedge_t *e;

	e = agedge(s->g, point(s, x1, y1), point(s, x2, y2), NULL, 1);
	draw_set(e, "class", styles[style].class);
	draw_set(e, "color", styles[style].colour);
	draw_set(e, "style", names[line]);
	draw_set(e, "arrowhead", arrow ? arrow : "none");
	draw_set(e, "arrowsize", "0.6");
}

int scene_render(struct scene *s, const char *format, struct text *out,
		 struct why *why)
{
	return draw_render(s->g, DRAW_PINNED, format, out, why);
}
