/* SPDX-License-Identifier: MIT */
/* The states of a xenbus device (xen/io/xenbus.h). */
#ifndef XENBUS_STATE_H
#define XENBUS_STATE_H

enum xenbus_state {
	XENBUS_UNKNOWN = 0, /* no such node: the peer is gone */
	XENBUS_INITIALISING = 1,
	XENBUS_INIT_WAIT = 2,
	XENBUS_INITIALISED = 3,
	XENBUS_CONNECTED = 4,
	XENBUS_CLOSING = 5,
	XENBUS_CLOSED = 6,
	XENBUS_RECONFIGURING = 7,
	XENBUS_RECONFIGURED = 8,
};

#endif
