/* SPDX-License-Identifier: MIT */
#include "desk/store/transaction.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "desk/store/path.h"
#include "desk/store/quota.h"

int store_transaction_start(const struct store_tree *now, uint32_t id,
			    struct store_transaction **out)
{
	struct store_transaction *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->id = id;
	if (store_tree_copy(&t->base, now) || store_tree_copy(&t->tree, now)) {
		store_transaction_free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

static void op_free(struct store_op *op)
{
	free((void *)(uintptr_t)op->path);
	free((void *)(uintptr_t)op->value);
	store_perms_put(op->perms);
}

void store_transaction_free(struct store_transaction *t)
{
	unsigned i;

	store_tree_free(&t->base);
	store_tree_free(&t->tree);
	tdestroy(t->accessed, free);
	for (i = 0; i < t->ops; i++)
		op_free(&t->op[i]);
	free(t->op);
	free(t);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int access_one(struct store_transaction *t, const char *path,
		      uint16_t domid)
{
	char *copy;

	if (tfind(path, &t->accessed, by_path))
		return 0;
	if (domid && t->accesses >= STORE_QUOTA_ACCESSED)
		return -ENOSPC;
	copy = strdup(path);
	if (!copy || !tsearch(copy, &t->accessed, by_path)) {
		free(copy);
		return -ENOMEM;
	}
	t->accesses++;
	return 0;
}

int store_transaction_access(struct store_transaction *t, const char *path,
			     uint16_t domid)
{
	char part[STORE_PATH_MAX];
	int err;

	strcpy(part, path);
	for (;;) {
		err = access_one(t, part, domid);
		if (err || store_tree_find(&t->tree, part))
			return err;
		part[store_path_parent_len(part)] = 0;
	}
}

struct removal {
	struct store_transaction *t;
	uint16_t domid;
};

static int removal_access(void *arg, const char *path,
			  const struct store_node *n)
{
	struct removal *r = arg;

	(void)n;
	return access_one(r->t, path, r->domid);
}

static int op_copy(struct store_op *to, const struct store_op *from)
{
	void *value = NULL;

	*to = *from;
	to->path = strdup(from->path);
	if (from->len) {
		value = malloc(from->len);
		if (value)
			memcpy(value, from->value, from->len);
	}
	to->value = value;
	if (to->perms)
		store_perms_get(to->perms);
	if (!to->path || (from->len && !value)) {
		op_free(to);
		return -ENOMEM;
	}
	return 0;
}

int store_transaction_apply(struct store_transaction *t,
			    const struct store_op *op)
{
	struct removal removal = { t, op->domid };
	struct store_op *list;
	unsigned room;
	int err;

	if (op->kind == STORE_OP_RM) {
		/* All that is removed counts as changed, and the parent. */
		char parent[STORE_PATH_MAX];

		strcpy(parent, op->path);
		parent[store_path_parent_len(parent)] = 0;
		err = access_one(t, parent, op->domid);
		if (!err)
			err = store_tree_walk(&t->tree, op->path,
					      removal_access, &removal);
		if (err)
			return err;
	}
	if (t->ops == t->room) {
		room = t->room ? t->room * 2 : 16;
		list = realloc(t->op, room * sizeof(*list));
		if (!list)
			return -ENOMEM;
		t->op = list;
		t->room = room;
	}
	/* A guest's quota of accesses bounds its paths, not its writes. */
	if (op->domid && t->ops >= STORE_QUOTA_ACCESSED)
		return -ENOSPC;
	err = op_copy(&t->op[t->ops], op);
	if (err)
		return err;
	err = store_op_apply(op, &t->tree, NULL);
	if (err)
		op_free(&t->op[t->ops]);
	else
		t->ops++;
	return err;
}

struct verdict {
	const struct store_transaction *t;
	const struct store_tree *now;
	bool conflict;
};

static void compare(const void *item, VISIT visit, void *arg)
{
	const char *path = *(const char *const *)item;
	struct verdict *v = arg;

	if ((visit == preorder || visit == leaf) &&
	    store_tree_generation(&v->t->base, path) !=
		    store_tree_generation(v->now, path))
		v->conflict = true;
}

static bool conflicts(const struct store_transaction *t,
		      const struct store_tree *now)
{
	struct verdict verdict = { t, now, false };

	twalk_r(t->accessed, compare, &verdict);
	return verdict.conflict;
}

/* What was made and removed in one transaction, nobody hears of. */
static void forget_unseen(struct store_changes *c, const struct store_tree *old,
			  const struct store_tree *next)
{
	unsigned i, kept = 0;

	for (i = 0; i < c->count; i++) {
		if (store_tree_find(old, c->list[i].path) ||
		    store_tree_find(next, c->list[i].path))
			c->list[kept++] = c->list[i];
		else
			free(c->list[i].path);
	}
	c->count = kept;
}

int store_transaction_refresh(struct store_transaction *t,
			      const struct store_tree *now)
{
	struct store_tree base, tree;
	unsigned i;
	int err;

	if (t->base.root == now->root || conflicts(t, now))
		return 0;
	if (store_tree_copy(&base, now))
		return -ENOMEM;
	err = store_tree_copy(&tree, now);
	for (i = 0; !err && i < t->ops; i++)
		err = store_op_apply(&t->op[i], &tree, NULL);
	if (err) {
		/* It stays with what it has. */
		store_tree_free(&base);
		store_tree_free(&tree);
		return err == -ENOMEM ? err : 0;
	}
	store_tree_free(&t->base);
	store_tree_free(&t->tree);
	t->base = base;
	t->tree = tree;
	return 0;
}

int store_transaction_commit(struct store_transaction *t,
			     struct store_tree *tree,
			     struct store_changes *changes)
{
	struct store_tree next;
	unsigned i;
	int err;

	if (conflicts(t, tree))
		return -EAGAIN;
	err = store_tree_copy(&next, tree);
	for (i = 0; !err && i < t->ops; i++)
		err = store_op_apply(&t->op[i], &next, changes);
	if (err) {
		store_tree_free(&next);
		store_op_changes_free(changes);
		return err;
	}
	forget_unseen(changes, tree, &next);
	store_tree_free(tree);
	*tree = next;
	return 0;
}
