/* SPDX-License-Identifier: MIT */
/*
 * A command in dom0, from here: over one of the virtio ports of the host that
 * runs in a directory (machine.h).
 */
#ifndef HOST_LINK_H
#define HOST_LINK_H

#include <stdbool.h>

#include "base/why.h"

struct link;

/*
 * Take a free port of the host in `dir` and wait until its agent answers, for
 * at most `patience_ms`.  0 or -errno with a sentence: -ENOENT (no host runs
 * there), -EBUSY (all ports are taken), -ETIMEDOUT (nobody answers).
 */
int link_open(const char *dir, int patience_ms, struct link **out,
	      struct why *why);

/* A command that still runs is ended.  NULL is fine. */
void link_close(struct link *l);

struct link_command {
	char *const *argv; /* NULL behind the last word */
	bool terminal;	   /* on a terminal: ours becomes raw meanwhile */
	int in_fd;	   /* what it reads, or -1: nothing */
	int out_fd;	   /* what it writes goes here */
	int err_fd;
};

/*
 * Run it and wait.  SIGINT and SIGTERM that come meanwhile go to the command;
 * a second one makes us give up.  0 with the exit status (128 + N after
 * signal N), or -errno with a sentence: -EINTR, -ENOEXEC (it could not be
 * started), -EPIPE (the host went away).
 */
int link_run(struct link *l, const struct link_command *c, int *status,
	     struct why *why);

#endif
