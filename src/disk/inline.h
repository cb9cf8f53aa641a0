/* SPDX-License-Identifier: MIT */
/*
 * The engine for files in memory (tmpfs, ramfs): an operation is one system
 * call that never waits for storage, made by the queue's own thread.
 * io_uring hands such files to a thread of the kernel, since they do not
 * promise not to wait, and that costs more than the copy.
 */
#ifndef DISK_INLINE_H
#define DISK_INLINE_H

#include "disk/file.h"

extern const struct disk_ops disk_inline_ops; /* of a struct disk_file */

/* Is this open file in memory? */
bool disk_inline_suits(const struct disk_file *f);

#endif
