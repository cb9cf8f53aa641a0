/* SPDX-License-Identifier: MIT */
/* Reading the files of base/stats.h, while their daemon writes them. */
#ifndef TOP_FILE_H
#define TOP_FILE_H

#include <dirent.h>
#include <stdint.h>

#include "base/stats.h"

#define TOP_DIR_MAX 512

/* One file, read whole: the daemon may take it away at any time. */
struct top_file {
	struct stats_header header;
	struct stats_queue *queue; /* header.queues of them, its own */
};

/* The directory of files in `dir`, which is that or a desk. */
void top_dir_name(const char *dir, char room[TOP_DIR_MAX]);

/* For scandir(3): the name is that of a device's file. */
int top_file_named(const struct dirent *e);

/*
 * 1: it is read, and to be freed.  0: it is gone, or its daemon is.
 * -EINVAL: it cannot be read, or is no such file.  What an older daemon does
 * not count is 0.
 */
int top_file_read(int dirfd, const char *name, struct top_file *f);
void top_file_free(struct top_file *f);

/* Add each of the numbers in `q` to the same one in `sum`. */
void top_counters_add(struct stats_queue *sum, const struct stats_queue *q);

/* The sum of all queues' counters; what are times (still_ns) is not added. */
void top_file_sum(const struct top_file *f, struct stats_queue *sum);

/* Its process, if a ringsided serves with statistics there; or 0. */
uint32_t top_daemon_pid(int dirfd);

#endif
