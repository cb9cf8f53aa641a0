/* SPDX-License-Identifier: MIT */
/* Files into dom0 and out of it: a tar(1) on each side, a link between. */
#ifndef HOST_COPY_H
#define HOST_COPY_H

#include <stdbool.h>

#include "base/why.h"
#include "host/link.h"

/*
 * Copy `count` files and directories into the directory `to`: from here to
 * dom0 if `put`, else from dom0 to here.  What tar has to say goes to stderr.
 * 0 or -errno with a sentence: -EIO (a tar failed), -EINTR, or as
 * remote_run().
 */
int copy_files(struct link *l, bool put, char *const *files, int count,
	       const char *to, struct why *why);

#endif
