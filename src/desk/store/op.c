/* SPDX-License-Identifier: MIT */
#include "desk/store/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "desk/store/quota.h"

static int change_add(struct store_changes *c, const char *path, bool exact)
{
	struct store_change *list;
	unsigned room;

	if (!c)
		return 0;
	if (c->count == c->room) {
		room = c->room ? c->room * 2 : 8;
		list = realloc(c->list, room * sizeof(*list));
		if (!list)
			return -ENOMEM;
		c->list = list;
		c->room = room;
	}
	c->list[c->count].path = strdup(path);
	if (!c->list[c->count].path)
		return -ENOMEM;
	c->list[c->count++].exact = exact;
	return 0;
}

void store_op_changes_free(struct store_changes *c)
{
	unsigned i;

	for (i = 0; i < c->count; i++)
		free(c->list[i].path);
	free(c->list);
	memset(c, 0, sizeof(*c));
}

struct removal {
	const char *root;
	struct store_changes *changes;
};

/*
 * A watch on a node below the removed one hears of its own node; one above
 * hears only of the root of what was removed (xenstore.txt, WATCH_EVENT).
 */
static int removal_note(void *arg, const char *path, const struct store_node *n)
{
	struct removal *r = arg;

	(void)n;
	return change_add(r->changes, path, strcmp(path, r->root) != 0);
}

static int apply(const struct store_op *op, struct store_tree *t,
		 struct store_changes *c)
{
	struct removal removal = { op->path, c };
	int err;

	switch (op->kind) {
	case STORE_OP_WRITE:
		err = store_tree_make(t, op->path, op->domid);
		if (err < 0)
			return err;
		err = store_tree_set_value(t, op->path, op->value, op->len);
		return err ? err : change_add(c, op->path, false);
	case STORE_OP_MKDIR:
		err = store_tree_make(t, op->path, op->domid);
		return err <= 0 ? err : change_add(c, op->path, false);
	case STORE_OP_RM:
		err = store_tree_walk(t, op->path, removal_note, &removal);
		return err ? err : store_tree_remove(t, op->path);
	case STORE_OP_SET_PERMS:
		if (!store_tree_find(t, op->path))
			return -ENOENT;
		err = store_tree_set_perms(t, op->path, op->perms);
		return err ? err : change_add(c, op->path, false);
	}
	return -EINVAL;
}

int store_op_apply(const struct store_op *op, struct store_tree *t,
		   struct store_changes *changes)
{
	unsigned noted = changes ? changes->count : 0;
	struct store_tree next;
	int err;

	err = store_tree_copy(&next, t);
	if (err)
		return err;
	err = apply(op, &next, changes);
	if (!err)
		err = store_quota_check(t, &next, op->path, op->domid);
	if (!err) {
		store_tree_free(t);
		*t = next;
		return 0;
	}
	store_tree_free(&next);
	while (changes && changes->count > noted)
		free(changes->list[--changes->count].path);
	return err;
}
