/* SPDX-License-Identifier: MIT */
/* ringside record --probes: the recording loop around USDT probes. */
#ifndef TOOL_RECORD_PROBES_H
#define TOOL_RECORD_PROBES_H

#include <stdbool.h>

#include "tool/record_options.h"

/*
 * Records into `dir` until the command, if there is one, has ended, or until
 * Ctrl-C; tells the person what there is to tell.  The exit code; *recorded
 * says whether there is a trace.
 */
int record_probes(const struct record_request *req, const char *dir,
		  bool *recorded);

#endif
