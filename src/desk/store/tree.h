/* SPDX-License-Identifier: MIT */
/*
 * The nodes of the store, as a tree that is never changed in place while
 * somebody else looks at it.
 *
 * A `struct store_tree` is a root with a reference; store_tree_copy() takes
 * another reference and costs nothing, whatever the size.  A change copies the
 * nodes from the root down to what it changes, where they are shared.  So a
 * transaction is a copy at its start, a single write is a copy that becomes
 * the store if all of it succeeded, and what stood before can still be
 * looked at while watches fire.
 *
 * Each change of a node (value, permissions, or the set of its children)
 * gives it a new generation from one count for all trees: two trees hold the
 * same node exactly if its generation is the same.
 */
#ifndef DESK_STORE_TREE_H
#define DESK_STORE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "desk/store/perms.h"

struct store_node {
	unsigned refs;
	unsigned children;
	unsigned room;
	uint32_t value_len;
	uint64_t generation;
	struct store_perms *perms;
	char *value;		   /* not ended by a NUL; NULL if empty */
	struct store_node **child; /* in the order in which they were made */
	char name[];
};

/* How many nodes a domain owns. */
struct store_owner {
	uint16_t domid;
	unsigned nodes;
};

struct store_tree {
	struct store_node *root;
	struct store_owner *owner;
	unsigned owners;
	unsigned nodes;
	uint64_t *clock; /* the last generation given */
};

/* The root alone, n0.  `clock` is borrowed for the life of all copies. */
int store_tree_init(struct store_tree *t, uint64_t *clock);
int store_tree_copy(struct store_tree *to,
		    const struct store_tree *from); /* 0 or -ENOMEM */
void store_tree_free(struct store_tree *t);

/* Paths are absolute and were checked.  NULL if there is no such node. */
const struct store_node *store_tree_find(const struct store_tree *t,
					 const char *path);

/* Generation of a node; 0 if it does not exist. */
uint64_t store_tree_generation(const struct store_tree *t, const char *path);

unsigned store_tree_owned(const struct store_tree *t, uint16_t domid);

/*
 * The node and its missing parents come to be: permissions from the nearest
 * parent that existed, owned by `creator` unless that is domain 0.  0 if it
 * existed, 1 if it was made, or -ENOMEM; then the tree is as good as lost
 * and must be freed.
 */
int store_tree_make(struct store_tree *t, const char *path, uint16_t creator);

/* The node exists. 0 or -ENOMEM, as above. */
int store_tree_set_value(struct store_tree *t, const char *path,
			 const void *value, size_t len);
int store_tree_set_perms(struct store_tree *t, const char *path,
			 struct store_perms *perms);

/* Remove the node with all below it; it exists and is not the root. */
int store_tree_remove(struct store_tree *t, const char *path);

/*
 * Call `each` for a node and all below it, children first.  `path` is valid
 * during the call.  Stops at the first non-zero result and returns it.
 */
int store_tree_walk(const struct store_tree *t, const char *path,
		    int (*each)(void *arg, const char *path,
				const struct store_node *n),
		    void *arg);

#endif
