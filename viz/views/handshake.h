/* SPDX-License-Identifier: MIT */
/* The handshake in words and as a graph. */
#ifndef VIZ_VIEWS_HANDSHAKE_H
#define VIZ_VIEWS_HANDSHAKE_H

#include "viz/model/handshake.h"
#include "viz/views/view.h"

/* "writes", "reads", "settles": what a step on a key does. */
const char *step_verb(enum step_kind kind);
/* Its value, in words where there is none; `buf` may be used. */
const char *step_value(const struct step *s, char buf[24]);

int handshake_draw(const struct model *m, const struct handshake *h,
		   const char *title, const char *format, struct text *out,
		   struct why *why);

#endif
