/* SPDX-License-Identifier: MIT */
#include "trace/record/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "trace/record/snapshot.h"

/* The only entry that LTTng makes in a session's directory; and by probes. */
#define TRACE_ENTRY  "ust"
#define PROBES_ENTRY "usdt"
#define KERNEL_ENTRY "kernel"

/* A flight recorder's: the snapshots "1-error", "2-death" ... */
static bool is_trace_entry(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return !strcmp(name, TRACE_ENTRY) || !strcmp(name, PROBES_ENTRY) ||
	       !strcmp(name, KERNEL_ENTRY) ||
	       (digits && name[digits] == '-' &&
		record_snapshot_is_word(name + digits + 1));
}

/*
 * 0: empty; 1: nothing but a trace; 2: something else.  -errno if it cannot
 * be read.
 */
static int dir_holds(const char *path)
{
	struct dirent *e;
	DIR *d = opendir(path);
	int holds = 0;

	if (!d)
		return -errno;
	while (holds < 2 && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		holds = is_trace_entry(e->d_name) ? 1 : 2;
	}
	closedir(d);
	return holds;
}

int record_dir_prepare(const char *path, bool force, char *abs, bool *made,
		       struct why *why)
{
	int holds, err;

	*made = !mkdir(path, 0777);
	if (!*made && errno != EEXIST) {
		err = -errno;
		return why_set(why, err, "%s cannot be made: %s%s", path,
			       strerror(-err),
			       err == -ENOENT
				       ? "; make the directory above it first"
				       : "");
	}
	holds = dir_holds(path);
	if (holds == -ENOTDIR)
		return why_set(why, holds,
			       "%s is no directory; name one that "
			       "does not exist",
			       path);
	if (holds < 0)
		return why_set(why, holds, "%s cannot be read: %s", path,
			       strerror(-holds));
	if (holds == 1 && !force)
		return why_set(why, -ENOTEMPTY,
			       "%s already holds a trace; name another "
			       "directory, or replace it with --force",
			       path);
	if (holds == 2)
		return why_set(why, -ENOTEMPTY,
			       "%s is not empty, and not just an older trace; "
			       "name another directory",
			       path);
	if (access(path, W_OK | X_OK)) {
		err = -errno;
		return why_set(why, err, "%s cannot be written to: %s", path,
			       strerror(-err));
	}
	if (!realpath(path, abs)) {
		err = -errno;
		return why_set(why, err, "%s: %s", path, strerror(-err));
	}
	if (holds) {
		record_dir_discard(abs, false);
		if (dir_holds(abs))
			return why_set(why, -EACCES,
				       "the old trace in %s "
				       "cannot be removed; do it by hand",
				       path);
	}
	return 0;
}

void record_dir_remove(const char *path)
{
	char *paths[] = { (char *)path, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	while (fts && (e = fts_read(fts))) {
		if (e->fts_info == FTS_DP)
			rmdir(e->fts_accpath);
		else if (e->fts_info != FTS_D)
			unlink(e->fts_accpath);
	}
	if (fts)
		fts_close(fts);
}

void record_dir_discard(const char *abs, bool made)
{
	DIR *d = opendir(abs);
	struct dirent *e;
	char *inner;

	while (d && (e = readdir(d)))
		if (is_trace_entry(e->d_name) &&
		    asprintf(&inner, "%s/%s", abs, e->d_name) > 0) {
			record_dir_remove(inner);
			free(inner);
		}
	if (d)
		closedir(d);
	if (made)
		rmdir(abs);
}

uint64_t record_dir_bytes(const char *path)
{
	char *paths[] = { (char *)path, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	uint64_t bytes = 0;
	FTSENT *e;

	while (fts && (e = fts_read(fts)))
		if (e->fts_info == FTS_F)
			bytes += (uint64_t)e->fts_statp->st_size;
	if (fts)
		fts_close(fts);
	return bytes;
}

uint64_t record_dir_room(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs))
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

unsigned record_dir_processes(const char *path)
{
	char inner[PATH_MAX + 16];
	unsigned count = 0;
	struct dirent *e;
	DIR *d;

	snprintf(inner, sizeof(inner), "%s/" TRACE_ENTRY "/pid", path);
	d = opendir(inner);
	while (d && (e = readdir(d)))
		count += *e->d_name != '.';
	if (d)
		closedir(d);
	return count;
}
