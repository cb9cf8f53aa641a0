/* SPDX-License-Identifier: MIT */
/*
 * The backend's state machine (XB-06, XB-07, XB-19) as one function without
 * side effects: from what both sides say in the store to the next thing to
 * do.  The caller does it, looks again, and asks again until it is told to
 * wait; so a watch that fires ten times costs one round (XSA-349), and every
 * order of events comes to the same end.
 */
#ifndef XENBUS_HANDSHAKE_H
#define XENBUS_HANDSHAKE_H

#include <stdbool.h>

#include "xenbus/state.h"

struct handshake_view {
	enum xenbus_state own;	/* our state in the store */
	enum xenbus_state peer; /* the frontend's */
	bool online;		/* the toolstack wants the device to live */
	bool gone;		/* our directory was removed */
	bool connected;		/* rings mapped, ports bound, queues running */
	bool faulted;		/* this connection broke a rule and must end */
	bool overdue;	/* removal was asked for, and its grace is over */
	bool stale;	/* another backend wrote what is offered */
	bool removable; /* closed for good, and nobody else removes it */
};

enum handshake_action {
	HANDSHAKE_WAIT,	   /* nothing to do until something changes */
	HANDSHAKE_OFFER,   /* write what is offered, then state 2 */
	HANDSHAKE_CONNECT, /* read the keys, map, bind, write, state 4 */
	HANDSHAKE_CLOSING, /* state 5; requests are still served */
	HANDSHAKE_CLOSE,   /* drain, unmap, unbind, then state 6 */
	HANDSHAKE_REMOVE,  /* our directory, as the toolstack cannot */
	HANDSHAKE_DESTROY, /* drain, unmap, unbind and forget the device */
};

enum handshake_action handshake_next(const struct handshake_view *v);

const char *handshake_action_name(enum handshake_action a);

#endif
