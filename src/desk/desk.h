/* SPDX-License-Identifier: MIT */
/*
 * The desk: an emulated Xen host in one process with one thread.
 *
 *   server     the directory, the sockets, start and end
 *   conn       a process attached as a domain: what it asks, what it held
 *   domain     a domain: memory, grant table, when it is gone
 *   grant      mapping counts: what is left of them when a mapper dies
 *   evtchn     event channels
 *   toolstack  what xl does when a guest dies
 *   store/     the xenstored
 *   loop       waiting
 *
 * The path of a disk request never comes here: mapping grants and notifying
 * happen in the processes themselves (src/xen/desk/shared.h).  A process
 * that dies is noticed by its connection, and everything of it is released
 * as Xen and its kernel drivers would.
 *
 * Clients can send what they want: each request is checked, costs a bounded
 * time, and nothing here waits for a client.
 */
#ifndef DESK_DESK_H
#define DESK_DESK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "desk/loop.h"
#include "desk/store/store.h"
#include "xen/desk/shared.h"
#include "xen/desk/wire.h"

struct desk_conn;
struct desk_port;

/* Guest memory is handed out to the processes of a domain in chunks. */
struct desk_chunk {
	struct desk_conn *owner;
	bool left; /* its owner is gone; grants of it may still be mapped */
};

struct desk_domain {
	LIST_ENTRY(desk_domain) link;
	struct desk *desk;
	uint16_t domid;
	unsigned conns; /* processes */
	bool dying;	/* killed: its disks are being removed */

	/* Domain 0 has none of these. */
	uint64_t mem_bytes;
	int memory_fd, grant_fd, active_fd;
	struct desk_grant_entry *grant;
	struct desk_active *active;
	struct desk_chunk *chunk;
	unsigned chunks;
	struct desk_timer
		recount; /* desk_grant_recount() found the lock taken */

	struct desk_port *port[DESK_PORT_MAX + 1]; /* 0 is never used */
};

/* One maptrack table: an open handle of a mapper. */
struct desk_table {
	LIST_ENTRY(desk_table) link;
	uint32_t id;
	const struct desk_track *entry;
};

struct desk_conn {
	LIST_ENTRY(desk_conn) link;
	struct desk *desk;
	struct desk_source source;
	struct desk_domain *domain; /* NULL before HELLO */
	bool asks;		    /* no process of the domain */
	int gone_fd;		    /* our end: closes with us */
	uint32_t last_table;
	unsigned tables;
	LIST_HEAD(, desk_table) table;
};

struct desk_removal; /* toolstack.c */

struct desk {
	struct desk_loop loop;
	struct store *store;
	int dir_fd, lock_fd;
	struct desk_source listener;
	struct desk_source signals;
	LIST_HEAD(, desk_conn) conns;
	LIST_HEAD(, desk_domain) domains;
	LIST_HEAD(, desk_removal) removals;
	struct desk_timer toolstack;
	bool ending;	      /* nobody is missed any more */
	uint64_t mem_default; /* bytes, of a domain that names no size */
	unsigned channels, channels_max; /* two descriptors each */
	struct desk_tally gone;		 /* of domains that are no more */
};

struct desk_domain *desk_domain_find(struct desk *d, uint16_t domid);

#endif
