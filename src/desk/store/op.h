/* SPDX-License-Identifier: MIT */
/*
 * One change of the tree, already permitted: applied at once, or kept in a
 * transaction and applied again when that ends.
 */
#ifndef DESK_STORE_OP_H
#define DESK_STORE_OP_H

#include "desk/store/tree.h"

enum store_op_kind {
	STORE_OP_WRITE,
	STORE_OP_MKDIR,
	STORE_OP_RM,
	STORE_OP_SET_PERMS
};

struct store_op {
	enum store_op_kind kind;
	uint16_t domid; /* who asked: owner of what comes to be, quotas */
	const char *path;
	const void *value; /* STORE_OP_WRITE */
	size_t len;
	struct store_perms *perms; /* STORE_OP_SET_PERMS */
};

/* A path that changed; watches below it are told only if it is `exact`. */
struct store_change {
	char *path;
	bool exact; /* only watches on exactly this path */
};

struct store_changes {
	struct store_change *list;
	unsigned count, room;
};

/*
 * Apply to `t`, and note in `changes` (may be NULL) what watches are to hear.
 * 0, -ENOENT (STORE_OP_SET_PERMS, STORE_OP_RM without node), -ENOSPC (quota),
 * -ENOMEM. All or nothing.
 */
int store_op_apply(const struct store_op *op, struct store_tree *t,
		   struct store_changes *changes);

void store_op_changes_free(struct store_changes *c);

#endif
