/* SPDX-License-Identifier: MIT */
/*
 * A graph of libbabeltrace2 in this process: source.ctf.fs for each logical
 * trace or source.ctf.lttng-live, flt.utils.muxer, and a sink of our own that
 * fills a log.
 */
#ifndef VIZ_READ_GRAPH_H
#define VIZ_READ_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "viz/read/log.h"

/*
 * The directories of one logical trace: a rotated session has several.  Or
 * the one URL of a session that lttng-relayd lets others read live.
 */
struct graph_input {
	const char **dir;
	size_t n;
	bool is_live;
};

/* Where reading takes as long as the recording. */
struct graph_pace {
	/*
	 * Called after each step; `idle`: nothing had come.  False: enough,
	 * and graph_read() returns 0.
	 */
	bool (*turn)(bool idle, void *data);
	void *data;
};

/*
 * True if the decoder takes these directories for a trace: their metadata
 * parse and their streams consist of whole packets.  A graph that refused a
 * source takes no other, so each is tried alone before graph_read().
 */
bool graph_opens(const char **dirs, size_t n);

/*
 * Append the events of all inputs to the log, in the order of time.  0; or
 * -EBADMSG: damaged, what came before it is in the log, and the decoder's own
 * words are in `said`; -ENOMEM, -EOVERFLOW; -ENOSYS: no plugins.  `pace` may
 * be NULL.
 */
int graph_read(const struct graph_input *in, size_t n, struct trace_log *log,
	       const struct graph_pace *pace, char *said, size_t cap);

#endif
