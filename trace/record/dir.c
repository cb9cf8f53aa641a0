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
/* A trace that is to be replaced, until the new one begins. */
#define ASIDE ".ringside-replaced"

/* A flight recorder's: the snapshots "1-error", "2-death" ... */
static bool is_trace_entry(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return !strcmp(name, TRACE_ENTRY) || !strcmp(name, PROBES_ENTRY) ||
	       !strcmp(name, KERNEL_ENTRY) || !strcmp(name, ASIDE) ||
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

/* The name of what is in a directory; a failed one is empty. */
static const char *inner(char name[PATH_MAX], const char *dir,
			 const char *entry)
{
	int n = snprintf(name, PATH_MAX, "%s/%s", dir, entry);

	if (n < 0 || n >= PATH_MAX)
		*name = '\0';
	return name;
}

/* Moves what there is of traces in one directory to another; 0 or -errno. */
static int trace_move(const char *from, const char *to)
{
	char a[PATH_MAX], b[PATH_MAX];
	DIR *d = opendir(from);
	struct dirent *e;
	int err = d ? 0 : -errno;

	while (!err && (e = readdir(d)))
		if (is_trace_entry(e->d_name) && strcmp(e->d_name, ASIDE) &&
		    rename(inner(a, from, e->d_name), inner(b, to, e->d_name)))
			err = -errno;
	if (d)
		closedir(d);
	return err;
}

static int set_aside(const char *abs)
{
	char aside[PATH_MAX];
	int err;

	/* Of a recorder that was killed before its trace began. */
	if (!access(inner(aside, abs, ASIDE), F_OK))
		record_dir_discard(abs, false);
	if (mkdir(inner(aside, abs, ASIDE), 0700))
		return -errno;
	err = trace_move(abs, aside);
	if (err) {
		/* What did not move is as dear as what did. */
		trace_move(aside, abs);
		rmdir(aside);
	}
	return err;
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
	err = holds ? set_aside(abs) : 0;
	return err ? why_set(why, err,
			     "the old trace in %s cannot be moved: %s", path,
			     strerror(-err))
		   : 0;
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

void record_dir_keep(const char *abs)
{
	char aside[PATH_MAX];

	record_dir_remove(inner(aside, abs, ASIDE));
}

void record_dir_discard(const char *abs, bool made)
{
	char path[PATH_MAX];
	DIR *d = opendir(abs);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (is_trace_entry(e->d_name) && strcmp(e->d_name, ASIDE))
			record_dir_remove(inner(path, abs, e->d_name));
	if (d)
		closedir(d);
	if (!trace_move(inner(path, abs, ASIDE), abs))
		rmdir(path);
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
	char aside[PATH_MAX];
	struct statvfs fs;

	if (statvfs(path, &fs))
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize +
	       record_dir_bytes(inner(aside, path, ASIDE));
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
