/* SPDX-License-Identifier: MIT */
#include "viz/render/draw.h"

#include <errno.h>
#include <graphviz/gvc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

int draw_render(Agraph_t *g, enum draw_layout layout, const char *format,
		struct text *out, struct why *why)
{
	GVC_t *gvc = gvContext();
	char *data = NULL;
	unsigned len = 0;
	int err = 0;

	if (!gvc)
		return why_set(why, -ENOMEM, "Graphviz does not start");
	if (gvLayout(gvc, g, layout == DRAW_DOT ? "dot" : "nop")) {
		err = why_set(why, -EIO, "Graphviz could not lay this out");
		goto out;
	}
	if (gvRenderData(gvc, g, format, &data, &len) || !data) {
		err = why_set(why, -EIO,
			      "Graphviz could not render %s: is its plugin "
			      "for that format installed?",
			      format);
	} else {
		text_add_bytes(out, data, len);
		err = out->error;
	}
	if (data)
		gvFreeRenderData(data);
	gvFreeLayout(gvc, g);
out:
	gvFreeContext(gvc);
	return err;
}
