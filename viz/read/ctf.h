/* SPDX-License-Identifier: MIT */
/* From a path to a log: every trace below it, sound or damaged. */
#ifndef VIZ_READ_CTF_H
#define VIZ_READ_CTF_H

#include "base/why.h"
#include "viz/read/log.h"

/*
 * Read every trace below `path` into `log` (log_init() first).  A damaged
 * trace gives what can be read of it, and log->damage says what is wrong.
 *
 * 0; -ENOENT, -ENOTDIR, -EACCES: no trace there; -ENODATA: a trace without
 * one event of Ringside; -EBADMSG: damaged beyond reading; -ENOMEM,
 * -EOVERFLOW: too large; -ENOSYS: no libbabeltrace2 plugins.
 */
int ctf_read(const char *path, struct trace_log *log, struct why *why);

#endif
