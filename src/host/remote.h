/* SPDX-License-Identifier: MIT */
/* A command in dom0, from here. */
#ifndef HOST_REMOTE_H
#define HOST_REMOTE_H

#include <stdbool.h>

#include "base/why.h"
#include "host/link.h"

struct remote_command {
	char *const *argv; /* NULL behind the last word */
	bool terminal;	   /* on a terminal: ours becomes raw meanwhile */
	int in_fd;	   /* what it reads, or -1: nothing */
	int out_fd;	   /* what it writes goes here */
	int err_fd;
};

/*
 * Run it and wait.  SIGINT and SIGTERM that come meanwhile go to the command;
 * a second one makes us give up.  Where nobody reads its output, it gets
 * SIGPIPE, as here.  0 with the exit status (128 + N after signal N), or
 * -errno with a sentence: -EINTR, -E2BIG, -ENOEXEC (it could not be started),
 * -EPIPE (the host went away), or why input or output failed here.  After
 * -errno the link is only good for link_close(), which ends the command.
 */
int remote_run(struct link *l, const struct remote_command *c, int *status,
	       struct why *why);

#endif
