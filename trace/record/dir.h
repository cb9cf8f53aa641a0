/* SPDX-License-Identifier: MIT */
/* The directory that a trace goes into. */
#ifndef RECORD_DIR_H
#define RECORD_DIR_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

/*
 * Makes `path`, or takes it if it is an empty directory; with `force` a trace
 * in it is set aside, but nothing else is.  `abs` (PATH_MAX bytes) gets its
 * absolute name, *made whether it was not there before.
 * Bad input: -ENOTEMPTY, -ENOTDIR, -ENOENT (no parent), -ENAMETOOLONG.
 * Others: the file system's own error.
 */
int record_dir_prepare(const char *path, bool force, char *abs, bool *made,
		       struct why *why);

/* Removes a directory and all that is in it; best effort. */
void record_dir_remove(const char *path);

/* The new trace begins, or is there: what was set aside is removed. */
void record_dir_keep(const char *abs);

/*
 * There will be none: what there is of it is removed, and `abs` itself if it
 * was made for it; what was set aside comes back.
 */
void record_dir_discard(const char *abs, bool made);

/* Bytes of all files below; 0 if there are none. */
uint64_t record_dir_bytes(const char *path);

/*
 * Bytes that this user may still write there, as soon as nothing is set aside
 * any more; UINT64_MAX if unknown.
 */
uint64_t record_dir_room(const char *path);

/* Number of processes that have a trace in there, ended ones, too. */
unsigned record_dir_processes(const char *path);

#endif
