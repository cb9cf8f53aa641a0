/* SPDX-License-Identifier: MIT */
/* The client's end of the control socket: one call at a time, any thread. */
#ifndef XEN_DESK_LINK_H
#define XEN_DESK_LINK_H

#include <pthread.h>
#include <stdbool.h>

#include "base/why.h"
#include "xen/desk/wire.h"

struct desk_link {
	pthread_mutex_t lock;
	int fd;
	int dir_fd;  /* DIR, for paths below it */
	int gone_fd; /* readable when the desk is gone */
};

/*
 * Attach to the desk in `dir` as domain `domid`, or only to ask.  `reply`
 * and `fds` (DESK_WIRE_FDS_MAX, -1 where there is none, to be closed by the
 * caller) have what HELLO brought besides gone_fd.
 */
int desk_link_open(struct desk_link *l, const char *dir, uint16_t domid,
		   bool asks, struct desk_wire_reply *reply, int *fds,
		   struct why *why);

void desk_link_close(struct desk_link *l);

/*
 * Ask and wait for the answer.  0 or -errno, the desk's own or -EPIPE where
 * it is gone.  On 0 `nfds` descriptors came, close-on-exec; -EPROTO if it
 * was another number.
 */
int desk_link_call(struct desk_link *l, const struct desk_wire_request *q,
		   struct desk_wire_reply *reply, int *fds, unsigned nfds);

#endif
