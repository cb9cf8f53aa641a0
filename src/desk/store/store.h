/* SPDX-License-Identifier: MIT */
/*
 * The desk's xenstored.  It keeps the tree, and one listening socket for
 * each domain; a connection to a domain's socket has that domain's rights
 * and speaks the wire protocol of xen/io/xs_wire.h.
 *
 *   wire         a connection: frames in and out, what may wait in memory
 *   request      what each message means, and who may ask it
 *   nodes        of that, what is about nodes
 *   transaction  several requests at once, or not at all
 *   op           one change of the tree
 *   watch        who is told
 *   quota        how much a guest may use
 *   tree, perms, path   below all of them, knowing none of them
 *
 * Guests are trusted with nothing: what a guest sends costs a bounded time
 * and bounded memory, and disturbs nobody else.  Domain 0 has no quotas.
 */
#ifndef DESK_STORE_H
#define DESK_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/log.h"
#include "desk/loop.h"
#include "desk/store/tree.h"

struct store;
struct store_conn;

struct store_domain {
	LIST_ENTRY(store_domain) link;
	struct store *store;
	uint16_t domid;
	bool introduced;
	struct desk_source listener;
	unsigned conns;
	unsigned watches;
	unsigned transactions;
	/*
	 * Watch events that requests of this domain caused and that wait in
	 * somebody's queue.  Past a limit the domain's requests wait, so that
	 * it cannot fill the memory for a slow reader (XSA-326, XSA-349).
	 */
	unsigned events;
	struct log_limit log;
};

struct store {
	struct desk_loop *loop;
	struct store_tree tree;
	uint64_t generation;
	uint32_t last_transaction;
	unsigned watches;
	unsigned transactions;
	struct store_perms *intro_perms; /* who may watch @introduceDomain */
	struct store_perms *rel_perms;	 /* and @releaseDomain */
	LIST_HEAD(, store_domain) domains;
	LIST_HEAD(, store_conn) conns;
	struct desk_timer stuck; /* looks for readers that do not read */
};

/* Borrows the loop.  Domain 0 is not there yet. */
int store_open(struct store **out, struct desk_loop *loop);
/* Ends all connections and domains.  NULL is fine. */
void store_close(struct store *s);

/*
 * A domain begins: @introduceDomain fires.  `listen_fd` is its listening
 * socket, non-blocking, and is taken in every case.
 */
int store_domain_add(struct store *s, uint16_t domid, int listen_fd);

/*
 * It ends: its connections are closed, the nodes it owns are removed, what
 * permissions say of it is forgotten, and @releaseDomain fires.
 */
void store_domain_remove(struct store *s, uint16_t domid);

/* NULL if there is none of that number. */
struct store_domain *store_domain_find(struct store *s, uint16_t domid);

/* Special watches fire for something that no request did. */
void store_released(struct store *s);

/*
 * The desk's own hand in the store, with the rights of domain 0.  `value`
 * NULL makes only the node.  Watches fire.
 */
int store_write(struct store *s, const char *path, const char *value);
int store_remove(struct store *s, const char *path); /* 0 if it is not there */
/* Value as a string into `buf`; -ENOENT, or -E2BIG. */
int store_read(const struct store *s, const char *path, char *buf, size_t room);

/* Connections of `domid` that watch `path` or a parent of it, not "/". */
unsigned store_watchers(const struct store *s, uint16_t domid,
			const char *path);

#endif
