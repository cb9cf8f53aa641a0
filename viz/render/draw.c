/* SPDX-License-Identifier: MIT */
#include "viz/render/draw.h"

#include <errno.h>
#include <graphviz/gvc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "viz/guard.h"
#include "viz/render/scene.h"

void draw_set(void *object, const char *name, const char *value)
{
	agsafeset(object, (char *)name, (char *)value, "");
}

void draw_setf(void *object, const char *name, const char *fmt, ...)
{
	char value[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	draw_set(object, name, value);
}

Agnode_t *draw_node_at(Agraph_t *g, double x, double y)
{
	Agnode_t *n = agnode(g, NULL, 1);

	/* Graphviz counts upwards. */
	draw_setf(n, "pos", "%.1f,%.1f", x, -y);
	return n;
}

static const char *after(const char *at, const char *what)
{
	const char *found = strstr(at, what);

	return found ? found + strlen(what) : NULL;
}

/*
 * Graphviz's SVG names each shape in a comment and a <title>, which browsers
 * show as "node17" under the pointer: they are left out, except the
 * picture's own.  The colours for the dark go in.
 */
static void add_svg(struct text *out, const char *svg)
{
	const char *at = strstr(svg, "<svg"), *end, *line;
	bool titled = false;

	if (!at) {
		text_add(out, svg);
		return;
	}
	text_add_bytes(out, svg, (size_t)(at - svg));
	text_add(out, "<svg class=\"rs\" role=\"img\"");
	at += 4;
	end = after(at, ">\n");
	if (!end) {
		text_add(out, at);
		return;
	}
	text_add_bytes(out, at, (size_t)(end - at));
	text_add(out, "<style>\n");
	text_add(out, scene_css());
	text_add(out, "</style>\n");
	for (line = end; *line; line = end) {
		end = strchr(line, '\n');
		end = end ? end + 1 : line + strlen(line);
		if (!strncmp(line, "<!--", 4) ||
		    (titled && !strncmp(line, "<title>", 7)))
			continue;
		titled |= !strncmp(line, "<title>", 7);
		text_add_bytes(out, line, (size_t)(end - line));
	}
}

/* Complaints about labels that are larger than their boxes help nobody. */
static int quiet(char *words)
{
	(void)words;
	return 0;
}

/*
 * One for the life of the process: the text plugin keeps a pointer to the
 * last font's name, which goes with the context that it came from.
 */
static GVC_t *context(void)
{
	static GVC_t *gvc;

	if (!gvc) {
		agseterr(AGMAX);
		agseterrf(quiet);
		gvc = gvContext();
	}
	return gvc;
}

int draw_render(Agraph_t *g, enum draw_layout layout, const char *format,
		struct text *out, struct why *why)
{
	GVC_t *gvc = context();
	char *data = NULL;
	unsigned len = 0;
	int err = 0;

	guard_beat();
	if (!gvc)
		return why_set(why, -ENOMEM, "Graphviz does not start");
	if (gvLayout(gvc, g, layout == DRAW_DOT ? "dot" : "nop"))
		return why_set(why, -EIO, "Graphviz could not lay this out");
	guard_beat();
	if (gvRenderData(gvc, g, format, &data, &len) || !data) {
		err = why_set(why, -EIO,
			      "Graphviz could not render %s: is "
			      "its plugin for that format installed?",
			      format);
	} else {
		if (!strcmp(format, "svg"))
			add_svg(out, data);
		else
			text_add_bytes(out, data, len);
		err = out->error;
	}
	if (data)
		gvFreeRenderData(data);
	gvFreeLayout(gvc, g);
	guard_beat();
	return err;
}
