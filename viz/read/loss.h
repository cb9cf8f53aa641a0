/* SPDX-License-Identifier: MIT */
/* What a trace says is missing from it: to the log's losses. */
#ifndef VIZ_READ_LOSS_H
#define VIZ_READ_LOSS_H

#include <babeltrace2/babeltrace.h>

#include "viz/read/log.h"

/* Of a message of that type.  0 or -ENOMEM. */
int loss_of_events(struct trace_log *log, const bt_message *message);
int loss_of_packets(struct trace_log *log, const bt_message *message);

/* Of a stream's beginning: old packets that were overwritten. */
int loss_before(struct trace_log *log, const bt_message *message);

#endif
