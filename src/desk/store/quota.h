/* SPDX-License-Identifier: MIT */
/*
 * How much of the store a guest may use: the limits of xenstored 4.17.
 * They bind every domain but 0.
 */
#ifndef DESK_STORE_QUOTA_H
#define DESK_STORE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "desk/store/store.h"

#define STORE_QUOTA_NODES   1000u /* owned by a domain */
#define STORE_QUOTA_WATCHES 128u  /* over its connections */
/* Open at once, over its connections; xenstored lets one more begin. */
#define STORE_QUOTA_TRANSACTIONS 10u
#define STORE_QUOTA_ACCESSED	 1024u /* nodes that one transaction looks at */
#define STORE_QUOTA_ENTRY_BYTES                                                \
	2048u			   /* a node: value, permissions, child names */
#define STORE_QUOTA_PERMS	5u /* entries of a node */
#define STORE_QUOTA_CONNECTIONS 64u /* sockets of one guest */
#define STORE_QUOTA_EVENTS	64u /* that wait because of it */
/* Of domain 0 as well: what one reader may leave unread. */
#define STORE_QUOTA_QUEUE_BYTES (1u << 20)

/* What a node takes, as STORE_QUOTA_ENTRY_BYTES counts it. */
uint64_t store_quota_node_bytes(const struct store_node *n);

/*
 * After a change of `path` by `domid` that made `next` of `old`: -ENOSPC if
 * the domain now owns more nodes, and too many, or if a node on that path
 * that changed is too big.
 */
int store_quota_check(const struct store_tree *old,
		      const struct store_tree *next, const char *path,
		      uint16_t domid);

#endif
