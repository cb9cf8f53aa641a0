/* SPDX-License-Identifier: MIT */
/* Two logs become one. */
#ifndef VIZ_READ_MERGE_H
#define VIZ_READ_MERGE_H

#include "viz/read/log.h"

/*
 * Put all of `other` into `log`, by time; at the same time that of `log`
 * comes first.  Losses and counts come along.  0, -ENOMEM, -EOVERFLOW: `log`
 * may be freed then and nothing else.  `other` stays as it was.
 */
int log_merge(struct trace_log *log, const struct trace_log *other);

#endif
