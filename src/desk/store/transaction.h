/* SPDX-License-Identifier: MIT */
/*
 * A transaction: a copy of the tree as it stood, the changes made to it, and
 * the nodes that were looked at.
 *
 * When it ends, each node it looked at or changed must stand in the store
 * as it stood at the first look; a node is its value, its permissions and the
 * set of its children, as in xenstored.  Then the changes are made in the
 * store, all of them; else none, and the client starts again (EAGAIN).
 * Nobody sees a transaction before it has ended.  It sees what others did
 * until its first look at a node, as in xenstored: the copy is made anew
 * before each of its requests, as long as what it looked at still stands.
 */
#ifndef DESK_STORE_TRANSACTION_H
#define DESK_STORE_TRANSACTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "desk/store/op.h"
#include "desk/store/tree.h"

struct store_transaction {
	LIST_ENTRY(store_transaction) link;
	uint32_t id;
	struct store_tree base; /* as it stood when last made anew */
	struct store_tree tree; /* as its client sees it */
	void *accessed;		/* a tsearch tree of paths */
	unsigned accesses;
	struct store_op *op;
	unsigned ops, room;
};

int store_transaction_start(const struct store_tree *now, uint32_t id,
			    struct store_transaction **out);
void store_transaction_free(struct store_transaction *t);

/* Before a request in it: see above.  0, or -ENOMEM with nothing changed. */
int store_transaction_refresh(struct store_transaction *t,
			      const struct store_tree *now);

/*
 * The client reads or changes `path`, and with it asks whether its nearest
 * existing parents are there.  -ENOSPC over quota (not for domain 0).
 */
int store_transaction_access(struct store_transaction *t, const char *path,
			     uint16_t domid);

/* Make the change in the transaction's own tree, and remember it. */
int store_transaction_apply(struct store_transaction *t,
			    const struct store_op *op);

/*
 * Bring the changes into `tree`, and tell in `changes` of nodes that are there
 * before or after.  0, -EAGAIN (conflict), -ENOSPC, -ENOMEM;
 * `tree` changes only on 0.
 */
int store_transaction_commit(struct store_transaction *t,
			     struct store_tree *tree,
			     struct store_changes *changes);

#endif
