/* SPDX-License-Identifier: MIT */
/*
 * Lab 2: the backend's side of the handshake.
 *
 * Both sides of a disk have a number in the store, their state.  A backend
 * may write its own and read the frontend's; everything that the two ever
 * agree on, they agree on by these numbers:
 *
 *	backend    1 -> 2 -------> 4 ----------> 5 -> 6
 *	frontend   1 -------> 3 -----> 4 -> 5 ------> 6 -> 1, and again
 *
 * This file decides, and does nothing: from what stands in the store now
 * (struct handshake_view) it says what to do next (enum handshake_action).
 * The caller (src/backend/vbd.c) does that, reads the store again, and asks
 * again, until it is told to wait.  So there is no "last state" to be kept
 * here, and a question that is asked twice has the same answer twice.
 *
 * Beware of an answer that changes nothing: the caller would ask for ever.
 */
#include "xenbus/handshake.h"

/*
 * Is it time to write what is offered, and state 2?  HANDSHAKE_OFFER, or
 * HANDSHAKE_WAIT if not.
 */
static enum handshake_action offer_due(const struct handshake_view *v)
{
	/*
	 * TODO 1/6: Say when to offer.  A new device (own state 1, or none)
	 * is offered at once, whatever the frontend does.  At 2 it is offered
	 * anew if somebody else wrote what stands there (stale), as long as
	 * nothing is connected.  A closed device is offered anew when its
	 * frontend starts again (XB-06).
	 */
	switch (v->own) {
	case XENBUS_UNKNOWN:
	case XENBUS_INITIALISING:
		return HANDSHAKE_OFFER;
	case XENBUS_INIT_WAIT:
		if (v->stale && !v->connected)
			return HANDSHAKE_OFFER;
		return HANDSHAKE_WAIT;
	case XENBUS_CLOSED:
		if (v->peer == XENBUS_INITIALISING)
			return HANDSHAKE_OFFER;
		return HANDSHAKE_WAIT;
	default:
		return HANDSHAKE_WAIT;
	}
	/* SKELETON: (void)v; */
	/* SKELETON: return HANDSHAKE_WAIT; */
	/* END 1 */
}

/* Is it time to connect?  HANDSHAKE_CONNECT, or HANDSHAKE_WAIT if not. */
static enum handshake_action connect_due(const struct handshake_view *v)
{
	/*
	 * TODO 2/6: Say when to connect: once, after the offer, when the
	 * frontend says that its keys are there.  Which of its states say so?
	 * XB-07: it may have skipped one.
	 */
	if (v->own != XENBUS_INIT_WAIT || v->connected)
		return HANDSHAKE_WAIT;
	if (v->peer == XENBUS_INITIALISED || v->peer == XENBUS_CONNECTED)
		return HANDSHAKE_CONNECT;
	return HANDSHAKE_WAIT;
	/* SKELETON: (void)v; */
	/* SKELETON: return HANDSHAKE_WAIT; */
	/* END 2 */
}

/*
 * Does the frontend leave, or has it left?  HANDSHAKE_CLOSING to follow it to
 * state 5, HANDSHAKE_CLOSE to end the connection, or HANDSHAKE_WAIT.
 */
static enum handshake_action close_due(const struct handshake_view *v)
{
	/*
	 * TODO 3/6: Follow a frontend that leaves.  Who is closed already has
	 * nothing to do.  State 4 with nothing connected was left by a backend
	 * that died: its ring cannot be taken up, so ask the frontend to close
	 * (it can come again).  Else it depends on the frontend: at 5 go to 5,
	 * too, if you are not there; at 6 end it, whether or not there was a 5
	 * (XB-07).  At 1, or with no state at all, it went away, or started
	 * again, without a word: if something is connected, or you are at 5,
	 * that is as good as 6; else a frontend at 1 has only not begun.
	 */
	if (v->own == XENBUS_CLOSED)
		return HANDSHAKE_WAIT;
	if (v->own == XENBUS_CONNECTED && !v->connected)
		return HANDSHAKE_CLOSING;

	switch (v->peer) {
	case XENBUS_CLOSING:
		if (v->own == XENBUS_CLOSING)
			return HANDSHAKE_WAIT;
		return HANDSHAKE_CLOSING;
	case XENBUS_CLOSED:
		return HANDSHAKE_CLOSE;
	case XENBUS_INITIALISING:
	case XENBUS_UNKNOWN:
		if (v->connected || v->own == XENBUS_CLOSING)
			return HANDSHAKE_CLOSE;
		return HANDSHAKE_WAIT;
	default:
		return HANDSHAKE_WAIT;
	}
	/* SKELETON: (void)v; */
	/* SKELETON: return HANDSHAKE_WAIT; */
	/* END 3 */
}

/* The toolstack wants the device away (online=0); what to do next. */
static enum handshake_action removal_next(const struct handshake_view *v)
{
	/* The end; in a driver domain the directory is ours to remove. */
	if (v->own == XENBUS_CLOSED)
		return v->removable ? HANDSHAKE_REMOVE : HANDSHAKE_WAIT;

	/*
	 * TODO 4/6: Come to state 6, always (XB-19); but not at once, as now.
	 * A frontend that is connected (3, 4, 5) is asked to close, by our
	 * state 5, and served until it has; though not for ever (overdue), and
	 * not if nothing is connected that could be served.  With any other
	 * (0, 1, 2, 6, 7, 8) there is nothing to wait for.  Mind that the
	 * toolstack may have written our state 5 already.
	 */
	switch (v->peer) {
	case XENBUS_INITIALISED:
	case XENBUS_CONNECTED:
	case XENBUS_CLOSING:
		if (v->overdue || !v->connected)
			return HANDSHAKE_CLOSE;
		if (v->own == XENBUS_CLOSING)
			return HANDSHAKE_WAIT;
		return HANDSHAKE_CLOSING;
	default:
		return HANDSHAKE_CLOSE;
	}
	/* SKELETON: return HANDSHAKE_CLOSE; */
	/* END 4 */
}

/* This connection broke a rule; what to do next.  Not asked in state 6. */
static enum handshake_action fault_next(const struct handshake_view *v)
{
	/*
	 * TODO 5/6: End the connection in order: say so by state 5, wait until
	 * the frontend has closed, is gone or starts again, and then end it.
	 * That it stays at 3, 4 or 5 is no reason to hurry: its requests are
	 * in flight.
	 */
	if (v->own != XENBUS_CLOSING)
		return HANDSHAKE_CLOSING;
	switch (v->peer) {
	case XENBUS_CLOSED:
	case XENBUS_UNKNOWN:
	case XENBUS_INITIALISING:
		return HANDSHAKE_CLOSE;
	default:
		return HANDSHAKE_WAIT;
	}
	/* SKELETON: (void)v; */
	/* SKELETON: return HANDSHAKE_WAIT; */
	/* END 5 */
}

/* What comes before everything else; HANDSHAKE_WAIT: nothing of the kind. */
static enum handshake_action first_due(const struct handshake_view *v)
{
	/*
	 * TODO 6/6: If somebody set our state back to 1 or 6 while we are
	 * connected, what is held has to be given up before anything else.
	 */
	if (v->connected &&
	    (v->own == XENBUS_INITIALISING || v->own == XENBUS_CLOSED))
		return HANDSHAKE_CLOSE;
	return HANDSHAKE_WAIT;
	/* SKELETON: (void)v; */
	/* SKELETON: return HANDSHAKE_WAIT; */
	/* END 6 */
}

enum handshake_action handshake_next(const struct handshake_view *v)
{
	enum handshake_action action;

	/* Our directory is gone: nothing may be written there any more. */
	if (v->gone)
		return HANDSHAKE_DESTROY;
	action = first_due(v);
	if (action != HANDSHAKE_WAIT)
		return action;
	if (!v->online)
		return removal_next(v);
	/* A frontend that starts again starts without its old faults. */
	if (v->faulted && v->own != XENBUS_CLOSED)
		return fault_next(v);

	action = offer_due(v);
	if (action == HANDSHAKE_WAIT)
		action = connect_due(v);
	if (action == HANDSHAKE_WAIT)
		action = close_due(v);
	return action;
}

/* For the log. */
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
