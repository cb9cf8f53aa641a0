/* SPDX-License-Identifier: MIT */
/*
 * A frontend's way through the xenbus states, step by step as Linux's
 * xenbus and blkfront go it (XB-06).  Each function returns 0 or -errno
 * with a sentence, and undoes nothing: front_device_open() and _close() put
 * the steps together.
 */
#ifndef FRONTEND_HANDSHAKE_H
#define FRONTEND_HANDSHAKE_H

#include "frontend/device.h"

/* Find the disk: where its backend is, and both states; watch the backend. */
int front_handshake_find(struct front_device *d, struct why *why);

/* Bring what an earlier frontend left behind back to state 1. */
int front_handshake_reset(struct front_device *d, struct why *why);

/* From state 1 to 4, with rings and ports; reads what is offered. */
int front_handshake_connect(struct front_device *d,
			    const struct front_device_options *opt,
			    struct why *why);

/* From any state to 6, and the backend too, if it still does its part. */
int front_handshake_leave(struct front_device *d, unsigned timeout_ms,
			  struct why *why);

/* Stop watching the backend. */
void front_handshake_forget(struct front_device *d);

#endif
