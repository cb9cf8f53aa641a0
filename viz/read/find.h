/* SPDX-License-Identifier: MIT */
/*
 * Where the traces are: every directory below a path that holds a CTF
 * `metadata` file, with what must be known before a decoder may see it.
 */
#ifndef VIZ_READ_FIND_H
#define VIZ_READ_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

struct trace_dir {
	char *path;	  /* owned */
	uint8_t uuid[16]; /* all zero where the metadata have none */
	bool has_uuid;
	bool meta_cut; /* metadata end in the middle of something */
	size_t meta_size;
	size_t streams;	      /* stream files that are not empty */
	uint64_t stream_size; /* bytes of all of them */
};

struct trace_dirs {
	struct trace_dir *dir; /* sorted by path */
	size_t n, room;
};

/*
 * Fill `out`; the caller frees it, also after an error.  0, or -ENOENT,
 * -ENOTDIR, -EACCES, -ENOMEM ... with a sentence: no such path, not a
 * directory, no trace in it.
 */
int trace_dirs_find(const char *path, struct trace_dirs *out, struct why *why);
void trace_dirs_free(struct trace_dirs *dirs);

/*
 * The metadata as plain text, up to the last whole declaration where they
 * are cut short: *text is the caller's to free, NUL-terminated; *cut says
 * whether something is missing.  0, -ENODATA (empty), -errno.
 */
int trace_metadata_text(const char *dir, char **text, bool *cut);

#endif
