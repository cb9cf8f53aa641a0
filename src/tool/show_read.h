/* SPDX-License-Identifier: MIT */
/* ringside show: what is to be shown, from a directory, a session, or two. */
#ifndef TOOL_SHOW_READ_H
#define TOOL_SHOW_READ_H

#include "base/why.h"
#include "tool/show_follow.h"

/* What is named on the command line. */
struct show_source {
	const char *trace; /* a directory, or a live session's URL */
	const char *guest; /* a directory, or NULL */
	bool follow;
};

/*
 * Read it into `log` (log_init() first); with s->follow it is shown meanwhile.
 * 0; -EINVAL: it cannot be read; -ENOENT: it was cut off before anything of
 * use, or the clocks of two traces cannot be aligned; -ENOMEM.
 */
int show_read(const struct show_source *s, struct show_follow *follow,
	      struct trace_log *log, struct why *why);

/* Damage and losses, once, to whoever ran this. */
void show_warn(const struct model *m);

#endif
