/* SPDX-License-Identifier: MIT */
/*
 * What xl does when a guest dies: the desk does it, for there is no xl here.
 *
 * A frontend that is killed has not closed its disks.  Each of them is then
 * taken away as from a destroyed guest: the backend is told online=0 and
 * state=5, and when it has reached 6 (or is gone itself, or does not answer
 * for ten seconds) both directories are removed.  If it was the last process
 * of its domain, the domain dies: @releaseDomain fires, and it is gone when
 * its disks are and nobody maps its memory.
 *
 * A frontend that closed in an orderly way (state 6, or 1 as it was at the
 * start) leaves its disks to the next one.
 *
 * What the guest wrote is not trusted here: backends are found from their
 * own directories, into which no guest writes (XSA-240 is such a fault).
 */
#ifndef DESK_TOOLSTACK_H
#define DESK_TOOLSTACK_H

#include "desk/desk.h"

/* Before a connection's ports are closed: which of its disks die with it. */
void desk_toolstack_process_gone(struct desk_conn *c);

/* A step forward for all that is being removed; a timer calls it as well. */
void desk_toolstack_step(struct desk *d);
void desk_toolstack_timer(struct desk_timer *t);

/* Forget all of it: the desk ends. */
void desk_toolstack_drop(struct desk *d);

#endif
