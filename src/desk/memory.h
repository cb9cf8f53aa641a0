/* SPDX-License-Identifier: MIT */
/* Memory that is shared with clients by file descriptor. */
#ifndef DESK_MEMORY_H
#define DESK_MEMORY_H

#include <stdint.h>

/*
 * A memfd of `bytes`, zeroed, whose size nobody can change any more.
 * `name` is for /proc.  The fd, or -errno.
 */
int desk_memory_create(const char *name, uint64_t bytes);

/* Map it here for reading and writing; NULL on failure. */
void *desk_memory_map(int fd, uint64_t bytes);

#endif
