/* SPDX-License-Identifier: MIT */
/* Processes attached to the desk: xen/desk/wire.h, answered. */
#ifndef DESK_CONN_H
#define DESK_CONN_H

#include "desk/desk.h"

/* Accept all that wait on desk.sock. */
void desk_conn_accept(struct desk_source *listener, uint32_t events);

/* Release all that the process held. */
void desk_conn_close(struct desk_conn *c);

#endif
