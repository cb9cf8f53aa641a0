/* SPDX-License-Identifier: MIT */
/*
 * A session that lttng-relayd lets others read while it is recorded.  It
 * begins when the reader comes: what was sent before is in relayd's files.
 * The log that it fills is a snapshot.
 */
#ifndef VIZ_READ_LIVE_H
#define VIZ_READ_LIVE_H

#include <stdbool.h>

#include "base/why.h"
#include "viz/read/log.h"

/* "net://HOST[:PORT]/host/HOSTNAME/SESSION", by its beginning. */
bool live_is_url(const char *trace);

/*
 * Read it into `log` until the session ends or a SIGINT comes, which from
 * here on does no more.  `look` (may be NULL) is called every second in which
 * something came, and may read the log; false from it is the end, too.
 *
 * 0; what broke off then stands in log->damage.  -EBADMSG: there is no such
 * session; -ENODATA: nothing came; -ENOMEM, -EOVERFLOW, -ENOSYS.
 */
int live_read(const char *url, bool (*look)(void *data), void *data,
	      struct trace_log *log, struct why *why);

#endif
