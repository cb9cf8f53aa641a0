/* SPDX-License-Identifier: MIT */
/* Files and folders, and programs that are run: what the engine needs. */
#ifndef LABS_ENGINE_FILE_H
#define LABS_ENGINE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/why.h"

#define FILE_MAX_BYTES (1u << 20) /* of a text; larger ones are refused */

/* printf into fresh memory; NULL without any.  To be freed. */
char *file_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

bool file_is_there(const char *path); /* a file, not a directory */
bool file_is_dir(const char *path);

/*
 * A whole text file, with a zero byte after it.  Gives *out, to be freed.
 * -EFBIG: larger than FILE_MAX_BYTES; -EINVAL: a zero byte in it, or not a
 * regular file; or -errno.
 */
int file_read(const char *path, char **out, struct why *why);

/* Whole or not at all: beside it, synced, renamed over it. */
int file_write(const char *path, const char *text, struct why *why);

/* Copy a file with its mode; `to` is replaced, a symlink is followed. */
int file_copy(const char *from, const char *to, struct why *why);

/* Make a directory and those above it; fine if it is there. */
int file_mkdirs(const char *path, struct why *why);

/*
 * Copy a folder's files and folders into `to`, which is made; names that begin
 * with a dot are left out.
 */
int file_tree_copy(const char *from, const char *to, struct why *why);

/* Remove it and all below; what cannot be removed stays. */
void file_tree_remove(const char *path);

/*
 * A fresh directory below $TMPDIR (or /tmp), "ringside-WHAT-XXXXXX".  Gives
 * *out, to be freed; the directory is the caller's to remove.
 */
int file_scratch(const char *what, char **out, struct why *why);

/*
 * Names in a folder, sorted, but those that begin with a dot.  Gives *out, a
 * NULL-terminated list in one block for free(3).
 */
int file_names(const char *dir, char ***out, struct why *why);

/*
 * Run argv[0] (by PATH) and wait.  Its stdout goes to the file `out`, its
 * stderr to `err` (NULL: /dev/null), in the directory `dir` (NULL: here).
 * Returns its exit code, 128 + N if signal N ended it, 127 if it could not be
 * run, or -errno.
 */
int file_run(char *const argv[], const char *dir, const char *out,
	     const char *err);

/* The same, without waiting.  0, or -errno; *pid is to be waited for. */
int file_spawn(char *const argv[], const char *dir, const char *out,
	       const char *err, pid_t *pid);

/* The first line of a file; "" if there is none. */
void file_first_line(const char *path, struct why *to);

#endif
