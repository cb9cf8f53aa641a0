/* SPDX-License-Identifier: MIT */
/*
 * The engine for where io_uring is forbidden: each queue has a few threads
 * that do the operations with plain system calls.
 */
#ifndef DISK_THREADS_H
#define DISK_THREADS_H

#include "disk/disk.h"

extern const struct disk_ops disk_threads_ops; /* of a struct disk_file */

#endif
