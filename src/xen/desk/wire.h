/* SPDX-License-Identifier: MIT */
/*
 * What goes over the desk's control socket, DIR/desk.sock.
 *
 * A SOCK_SEQPACKET connection is one process attached to the desk as one
 * domain; when it closes, the desk releases everything it held, as the
 * drivers of a real host do when a process dies.  The client asks, the desk
 * answers; the desk never speaks first.  A request and a reply are one
 * packet of a fixed struct each; file descriptors ride along.  Anything
 * else ends the connection.
 */
#ifndef XEN_DESK_WIRE_H
#define XEN_DESK_WIRE_H

#include <stdint.h>

#include "xen/desk/control.h"

/* Changes with any change of these structs or of shared.h. */
#define DESK_WIRE_MAGIC 0x52534402u

#define DESK_WIRE_SOCKET  "desk.sock"
#define DESK_WIRE_FDS_MAX 4u
#define DESK_DOMID_MAX	  32751u /* below DOMID_FIRST_RESERVED */
#define DESK_PORT_MAX	  4095u
#define DESK_CHUNK_PAGES  256u /* guest memory is handed out in MiB */

enum desk_wire_op {
	/*
	 * First on every connection: domid; arg is 1 where the connection
	 * only asks (control.h) and is no process of a domain.
	 * Back: size (memory in bytes), and as fds: one that becomes readable
	 * when the desk is gone; for domid > 0 also the domain's memory and
	 * its grant table.
	 */
	DESK_WIRE_HELLO = 1,
	/*
	 * Look at domain `domid` in order to map its grants.  Back: size, and
	 * as fds: memory, grant table, active entries.
	 */
	DESK_WIRE_DOMAIN_OPEN,
	/* A new maptrack table.  Back: value (its number); fd: the table. */
	DESK_WIRE_TRACK_OPEN,
	DESK_WIRE_TRACK_CLOSE, /* arg: its number */
	/*
	 * arg pages of the own domain's memory for this process alone, whole
	 * chunks.  Back: value, the first page.
	 */
	DESK_WIRE_PAGES_TAKE,
	/* domid: remote.  Back: value (port); fds: rx, tx. */
	DESK_WIRE_EVTCHN_ALLOC,
	/* domid: remote, arg: remote port.  Back as ALLOC. */
	DESK_WIRE_EVTCHN_BIND,
	DESK_WIRE_EVTCHN_UNBIND, /* arg: port */
	/* Only on a connection that asks: */
	DESK_WIRE_COUNTERS,	 /* arg: 1 if only of domain `domid` */
	DESK_WIRE_DOMAIN_CREATE, /* domid, size */
	DESK_WIRE_WATCHERS,	 /* domid. Back: value, see control.h */
	DESK_WIRE_STOP,
};

struct desk_wire_request {
	uint32_t magic;
	uint32_t op;
	uint32_t domid;
	uint32_t arg;
	uint64_t size;
};

struct desk_wire_reply {
	uint32_t op;   /* the request's */
	int32_t error; /* 0 or -errno; then nothing below counts */
	uint32_t value;
	uint32_t fds; /* how many ride along */
	uint64_t size;
	struct desk_counters counters;
};

#endif
