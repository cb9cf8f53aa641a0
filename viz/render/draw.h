/* SPDX-License-Identifier: MIT */
/*
 * Pictures by Graphviz, in process.  A graph is built with cgraph (agopen and
 * so on, or the small helpers below) and rendered here; its layout is dot's
 * for graphs of states, or pinned: every node carries its position and lines
 * are straight.
 */
#ifndef VIZ_RENDER_DRAW_H
#define VIZ_RENDER_DRAW_H

#include <graphviz/cgraph.h>

#include "base/why.h"
#include "viz/text.h"

enum draw_layout { DRAW_DOT, DRAW_PINNED };

/* Set an attribute of a graph, node or edge; the default is empty. */
void draw_set(void *object, const char *name, const char *value);
void draw_setf(void *object, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A node at (x, y) in points, y downwards. */
Agnode_t *draw_node_at(Agraph_t *g, double x, double y);

/*
 * Lay the graph out and append it as `format` ("svg", "png", "pdf", "dot").
 * 0, or -errno with a sentence.
 */
int draw_render(Agraph_t *g, enum draw_layout layout, const char *format,
		struct text *out, struct why *why);

#endif
