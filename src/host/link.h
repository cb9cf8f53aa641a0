/* SPDX-License-Identifier: MIT */
/*
 * A way into dom0: one of the virtio ports of the host that runs in a
 * directory (machine.h).  remote.h runs commands over it.
 */
#ifndef HOST_LINK_H
#define HOST_LINK_H

#include "base/why.h"
#include "host/wire.h"

struct link {
	int lock_fd; /* while it is open, the port is ours */
	int fd;	     /* non-blocking */
	struct wire_reader in;
	struct wire_writer out;
};

/*
 * Take a free port of the host in `dir` and wait until its agent answers, for
 * at most `patience_ms`.  0 or -errno with a sentence: -ENOENT (no host runs
 * there), -EBUSY (all ports are taken), -ETIMEDOUT (nobody answers), -EINTR
 * (a signal was handled meanwhile), -EPROTO (it speaks another version).
 */
int link_open(const char *dir, int patience_ms, struct link **out,
	      struct why *why);

/* A command that still runs is ended.  NULL is fine. */
void link_close(struct link *l);

#endif
