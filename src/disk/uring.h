/* SPDX-License-Identifier: MIT */
/* The io_uring engine: one ring a queue, one system call a batch. */
#ifndef DISK_URING_H
#define DISK_URING_H

#include "disk/disk.h"

extern const struct disk_ops disk_uring_ops; /* of a struct disk_file */

/*
 * Does this kernel let this process use io_uring, with the operations that
 * are needed?  0, or -errno and why not.  Found out once.
 */
int disk_uring_usable(struct why *why);

#endif
