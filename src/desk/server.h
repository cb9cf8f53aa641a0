/* SPDX-License-Identifier: MIT */
/*
 * The desk as a server in a directory:
 *
 *   lock            held (flock) as long as the desk lives
 *   desk.pid        its process
 *   desk.sock       processes attach here (xen/desk/wire.h)
 *   domN/store.sock the store, with the rights of domain N
 */
#ifndef DESK_SERVER_H
#define DESK_SERVER_H

#include "base/why.h"
#include "desk/desk.h"

/*
 * Take the directory (it exists) and listen; what a killed desk left there
 * is cleared away.  Domain 0 exists then.  -EBUSY if a desk lives there.
 * `mem_default` is for domains that name no size, in bytes; 0 is 64 MiB.
 */
int desk_server_open(const char *dir, uint64_t mem_default, struct desk **out,
		     struct why *why);

/* Until a client or a signal (SIGTERM, SIGINT) stops it.  0 or -errno. */
int desk_server_run(struct desk *d);

/* Every connection is closed, and sockets and pid are removed.  NULL is fine.
 */
void desk_server_close(struct desk *d);

/* The store's socket of a domain: the listening fd or -errno. */
int desk_server_listen_store(struct desk *d, uint16_t domid);
void desk_server_unlink_store(struct desk *d, uint16_t domid);

#endif
