/* SPDX-License-Identifier: MIT */
/*
 * ringside record --probes, --source blkback and --source blkfront: the
 * recording loop around what is read by BPF, with no session of LTTng.
 */
#ifndef TOOL_RECORD_DIRECT_H
#define TOOL_RECORD_DIRECT_H

#include <stdbool.h>

#include "tool/record_options.h"

/*
 * Records into `dir` until the command, if there is one, has ended, or until
 * Ctrl-C; tells the person what there is to tell.  The exit code; *recorded
 * says whether there is a trace.
 */
int record_direct(const struct record_request *req, const char *dir,
		  bool *recorded);

#endif
