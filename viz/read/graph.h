/* SPDX-License-Identifier: MIT */
/*
 * A graph of libbabeltrace2 in this process: source.ctf.fs for each logical
 * trace, flt.utils.muxer, and a sink of our own that fills a log.
 */
#ifndef VIZ_READ_GRAPH_H
#define VIZ_READ_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "viz/read/log.h"

/* The directories of one logical trace: a rotated session has several. */
struct graph_input {
	const char **dir;
	size_t n;
};

/*
 * True if the decoder takes these directories for a trace: their metadata
 * parse and their streams consist of whole packets.  A graph that refused a
 * source takes no other, so each is tried alone before graph_read().
 */
bool graph_opens(const char *const *dirs, size_t n);

/*
 * Append the events of all inputs to the log, in the order of time.  0; or
 * -EBADMSG: damaged, what came before it is in the log, and the decoder's own
 * words are in `said`; -ENOMEM, -EOVERFLOW; -ENOSYS: no plugins.
 */
int graph_read(const struct graph_input *in, size_t n, struct trace_log *log,
	       char *said, size_t cap);

#endif
