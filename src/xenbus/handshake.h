/* SPDX-License-Identifier: MIT */
/*
 * The backend's state machine (XB-06, XB-07, XB-19) as one function without
 * side effects: from what both sides say in the store to the next thing to
 * do.  The caller does it, looks again, and asks again until it is told to
 * wait; so a watch that fires ten times costs one round (XSA-349), and every
 * order of events comes to the same end.  It follows that from every view,
 * with a frontend that stands still, a few actions come to HANDSHAKE_WAIT.
 *
 * The caller is src/backend/vbd.c: vbd_step().
 */
#ifndef XENBUS_HANDSHAKE_H
#define XENBUS_HANDSHAKE_H

#include <stdbool.h>

#include "xenbus/state.h"

/*
 * States are what stands in the store: XENBUS_UNKNOWN is no state at all, or
 * none that is a number from 1 to 8.  Whoever may write there may write any of
 * them at any time: the toolstack ours, and the frontend its own.
 */
struct handshake_view {
	enum xenbus_state own;	/* ours */
	enum xenbus_state peer; /* the frontend's */
	bool online;		/* the toolstack wants the device to live */
	bool gone;		/* our directory was removed */
	bool connected;		/* rings mapped, ports bound, queues running */
	bool faulted;		/* this connection broke a rule and must end */
	bool overdue;	/* removal was asked for, and its grace is over */
	bool stale;	/* what is offered was not written by us */
	bool removable; /* closed for good, and nobody else removes it */
};

/* What each does to the next view, beside what others write meanwhile. */
enum handshake_action {
	/* Nothing to do until something changes. */
	HANDSHAKE_WAIT,
	/* Write what is offered, then state 2.  Not faulted, not stale. */
	HANDSHAKE_OFFER,
	/*
	 * Read the frontend's keys, map, bind, write, state 4: connected.  Or
	 * faulted, with the state as it was, if a key breaks a rule.
	 */
	HANDSHAKE_CONNECT,
	/* State 5.  What is connected stays so, and requests are served. */
	HANDSHAKE_CLOSING,
	/* Drain, unmap, unbind, then state 6.  Not connected, not faulted. */
	HANDSHAKE_CLOSE,
	/* Remove our directory, where the toolstack cannot: then it is gone. */
	HANDSHAKE_REMOVE,
	/* Drain, unmap, unbind and forget the device; nothing is written. */
	HANDSHAKE_DESTROY,
};

/* The next thing to do.  Called again after each action but DESTROY. */
enum handshake_action handshake_next(const struct handshake_view *v);

/* A word for the log, a constant. */
const char *handshake_action_name(enum handshake_action a);

#endif
