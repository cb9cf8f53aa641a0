/* SPDX-License-Identifier: MIT */
/*
 * Giving storage back: what a file or block device can do of it, and doing
 * it.  A file gets a hole; a block device is told with BLKDISCARD, for which
 * Linux has no asynchronous way, so it needs a thread.
 */
#ifndef DISK_DISCARD_H
#define DISK_DISCARD_H

#include <sys/stat.h>

#include "disk/file.h"

/* Find out, changing nothing: sets discard, secure and the units of f->d. */
void disk_discard_find(struct disk_file *f, const struct stat *st);

/* Do one; may take long.  0 or -errno. */
int disk_discard_do(const struct disk_file *f, const struct disk_op *op);

#endif
