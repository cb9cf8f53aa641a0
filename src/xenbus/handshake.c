/* SPDX-License-Identifier: MIT */
#include "xenbus/handshake.h"

/* The toolstack wants the device away: online=0. */
static enum handshake_action removal_next(const struct handshake_view *v)
{
	if (v->own == XENBUS_CLOSED)
		return v->removable ? HANDSHAKE_REMOVE : HANDSHAKE_WAIT;

	switch (v->peer) {
	case XENBUS_INITIALISED:
	case XENBUS_CONNECTED:
	case XENBUS_CLOSING:
		/*
		 * The frontend is asked to close, and served until it has;
		 * one that never does cannot hold us (XB-19).
		 */
		if (v->overdue || !v->connected)
			return HANDSHAKE_CLOSE;
		return v->own == XENBUS_CLOSING ? HANDSHAKE_WAIT
						: HANDSHAKE_CLOSING;
	default:
		return HANDSHAKE_CLOSE;
	}
}

/* The connection has to end, whoever wanted it. */
static enum handshake_action fault_next(const struct handshake_view *v)
{
	switch (v->own) {
	case XENBUS_CLOSED:
		return HANDSHAKE_WAIT;
	case XENBUS_CLOSING:
		if (v->peer == XENBUS_CLOSED || v->peer == XENBUS_UNKNOWN ||
		    v->peer == XENBUS_INITIALISING)
			return HANDSHAKE_CLOSE;
		return HANDSHAKE_WAIT;
	default:
		return HANDSHAKE_CLOSING;
	}
}

enum handshake_action handshake_next(const struct handshake_view *v)
{
	if (v->gone)
		return HANDSHAKE_DESTROY;
	/* Somebody set our state back: what is held must be given up first. */
	if (v->connected &&
	    (v->own == XENBUS_INITIALISING || v->own == XENBUS_CLOSED))
		return HANDSHAKE_CLOSE;
	if (!v->online)
		return removal_next(v);

	/* A frontend that starts afresh starts without its old faults. */
	if (v->own == XENBUS_CLOSED)
		return v->peer == XENBUS_INITIALISING ? HANDSHAKE_OFFER
						      : HANDSHAKE_WAIT;
	if (v->faulted)
		return fault_next(v);

	switch (v->own) {
	case XENBUS_UNKNOWN:
	case XENBUS_INITIALISING:
		return HANDSHAKE_OFFER;

	case XENBUS_INIT_WAIT:
		if (v->stale && !v->connected)
			return HANDSHAKE_OFFER;
		break;

	case XENBUS_CONNECTED:
		/*
		 * State 4 without a connection was left by a backend that
		 * died: its ring cannot be taken up, so the frontend is
		 * asked to close and to come again.
		 */
		if (!v->connected)
			return HANDSHAKE_CLOSING;
		break;

	default:
		break;
	}

	switch (v->peer) {
	case XENBUS_INITIALISED:
	case XENBUS_CONNECTED: /* XB-07: it may have skipped 3 */
		if (v->own == XENBUS_INIT_WAIT && !v->connected)
			return HANDSHAKE_CONNECT;
		return HANDSHAKE_WAIT;
	case XENBUS_CLOSING:
		return v->own == XENBUS_CLOSING ? HANDSHAKE_WAIT
						: HANDSHAKE_CLOSING;
	case XENBUS_CLOSED:
		return HANDSHAKE_CLOSE;
	case XENBUS_INITIALISING:
	case XENBUS_UNKNOWN:
		/* It went away, or back to the start, without closing. */
		if (v->connected || v->own == XENBUS_CLOSING)
			return HANDSHAKE_CLOSE;
		return HANDSHAKE_WAIT;
	default:
		return HANDSHAKE_WAIT;
	}
}

const char *handshake_action_name(enum handshake_action a)
{
	static const char *const name[] = {
		[HANDSHAKE_WAIT] = "wait",
		[HANDSHAKE_OFFER] = "offer",
		[HANDSHAKE_CONNECT] = "connect",
		[HANDSHAKE_CLOSING] = "closing",
		[HANDSHAKE_CLOSE] = "close",
		[HANDSHAKE_REMOVE] = "remove",
		[HANDSHAKE_DESTROY] = "destroy",
	};

	return name[a];
}
