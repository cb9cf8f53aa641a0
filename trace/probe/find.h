/* SPDX-License-Identifier: MIT */
/*
 * The files that have to be looked into: those that running backends and
 * frontends were started from, or have loaded.  Unless one process alone was
 * asked for, a probe is set in a file, and with it in every process of that
 * file, also in those that start later.
 */
#ifndef PROBE_FIND_H
#define PROBE_FIND_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "trace/probe/note.h"

struct probe_file {
	dev_t dev;
	ino_t ino;
	char path[PATH_MAX];	  /* to open it by, while that process runs */
	char name[PATH_MAX];	  /* for people */
	int pid;		  /* a process of it; 0: none was seen */
	struct probe_kinds kinds; /* may be none */
};

struct probe_files {
	struct probe_file **file;
	unsigned count;
	unsigned running; /* backends and frontends that run */
	int closed;	  /* one that this user may not look into; 0: none */
};

/*
 * Adds the files of processes that run, or of process `only` where that is
 * not 0, where they are new.  -ENOMEM, -errno.
 */
int probe_files_running(struct probe_files *files, int only);

/*
 * Adds this program and those that are installed beside it: a command may
 * start them.  -ENOMEM.
 */
int probe_files_ours(struct probe_files *files);

void probe_files_free(struct probe_files *files);

#endif
