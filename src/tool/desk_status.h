/* SPDX-License-Identifier: MIT */
/* ringside desk status: the desk's counters, for a person or a program. */
#ifndef TOOL_DESK_STATUS_H
#define TOOL_DESK_STATUS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Print the counters of the desk in `dir`, or (domid is not 0) those of one
 * domain's grants: a name and a number a line, or one JSON object.  The exit
 * code: 0, or 1 with a sentence on stderr.
 */
int desk_status_print(const char *dir, uint16_t domid, bool json);

#endif
