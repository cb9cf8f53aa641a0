/* SPDX-License-Identifier: MIT */
/* The parts of the store that need no connection: tree, paths, permissions,
 * changes, transactions. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "desk/store/op.h"
#include "desk/store/path.h"
#include "desk/store/quota.h"
#include "desk/store/transaction.h"

static uint64_t generation;

static int start(void **state)
{
	struct store_tree *t = malloc(sizeof(*t));

	assert_non_null(t);
	assert_int_equal(store_tree_init(t, &generation), 0);
	*state = t;
	return 0;
}

static int stop(void **state)
{
	store_tree_free(*state);
	free(*state);
	return 0;
}

static int do_write(struct store_tree *t, uint16_t domid, const char *path,
		    const char *value)
{
	struct store_op op = { .kind = STORE_OP_WRITE,
			       .domid = domid,
			       .path = path,
			       .value = value,
			       .len = strlen(value) };

	return store_op_apply(&op, t, NULL);
}

static int do_rm(struct store_tree *t, const char *path,
		 struct store_changes *changes)
{
	struct store_op op = { .kind = STORE_OP_RM, .path = path };

	return store_op_apply(&op, t, changes);
}

static const char *value_of(const struct store_tree *t, const char *path)
{
	static char text[64];
	const struct store_node *n = store_tree_find(t, path);

	if (!n)
		return NULL;
	snprintf(text, sizeof(text), "%.*s", (int)n->value_len,
		 n->value ? n->value : "");
	return text;
}

/* ---- paths
 * ---------------------------------------------------------------------------
 */

static void paths_are_refused(void **state)
{
	static const char *const bad[] = {
		"",	"//",	     "/a//b",
		"/a/",	"a/",	     "/a b",
		"/a\n", "/\xc3\xa4", "@introduceDomain",
	};
	char out[STORE_PATH_MAX], *name;
	size_t base;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			store_path_absolute(bad[i], 1, false, out, &base),
			-EINVAL);
	/* 2048 below the domain's own directory, not one more. */
	name = malloc(4000);
	memset(name, 'a', 4000);
	name[2048] = 0;
	assert_int_equal(store_path_absolute(name, 1, false, out, &base), 0);
	name[2048] = 'a';
	name[2049] = 0;
	assert_int_equal(store_path_absolute(name, 1, false, out, &base),
			 -EINVAL);
	name[2049] = 'a';
	name[3999] = 0;
	assert_int_equal(store_path_absolute(name, 1, false, out, &base),
			 -EINVAL);
	free(name);
}

static void paths_become_absolute(void **state)
{
	char out[STORE_PATH_MAX];
	size_t base;

	(void)state;
	assert_int_equal(
		store_path_absolute("device/vbd", 7, false, out, &base), 0);
	assert_string_equal(out, "/local/domain/7/device/vbd");
	assert_string_equal(out + base, "device/vbd");
	assert_int_equal(store_path_absolute("/", 7, false, out, &base), 0);
	assert_string_equal(out, "/");
	assert_int_equal(base, 0);
	assert_int_equal(
		store_path_absolute("@releaseDomain", 7, true, out, &base), 0);
	assert_true(store_path_is_below("/a/b", "/a"));
	assert_true(store_path_is_below("/a", "/a"));
	assert_true(store_path_is_below("/a", "/"));
	assert_false(store_path_is_below("/ab", "/a"));
	assert_false(store_path_is_below("/", "/a"));
	assert_false(store_path_is_below("@releaseDomain", "/"));
}

/* ---- permissions
 * --------------------------------------------------------------------- */

static void permissions_say_who_may(void **state)
{
	static const char text[] = "n1\0r2\0b3\0w4";
	struct store_perms *p, *q;
	char out[64];
	bool same;

	(void)state;
	assert_int_equal(store_perms_parse(text, sizeof(text), &p), 0);
	assert_int_equal(store_perms_rights(p, 0), STORE_PERMS_ALL);
	assert_int_equal(store_perms_rights(p, 1), STORE_PERMS_ALL);
	assert_int_equal(store_perms_rights(p, 2), STORE_PERMS_READ);
	assert_int_equal(store_perms_rights(p, 3),
			 STORE_PERMS_READ | STORE_PERMS_WRITE);
	assert_int_equal(store_perms_rights(p, 4), STORE_PERMS_WRITE);
	assert_int_equal(store_perms_rights(p, 5), 0);
	assert_int_equal(store_perms_format(p, out, sizeof(out)), sizeof(text));
	assert_memory_equal(out, text, sizeof(text));
	assert_int_equal(store_perms_format(p, out, 5), -E2BIG);

	/* What is void gives no right to a later domain of that number. */
	p->entry[1].bits |= STORE_PERMS_VOID;
	assert_int_equal(store_perms_rights(p, 2), 0);

	q = store_perms_without(p, 3, &same);
	assert_non_null(q);
	assert_int_equal(q->count, 3);
	assert_int_equal(store_perms_rights(q, 3), 0);
	assert_null(store_perms_without(q, 3, &same));
	assert_true(same);
	store_perms_put(q);
	/* An owner that is gone leaves its node to domain 0. */
	q = store_perms_without(p, 1, &same);
	assert_int_equal(q->entry[0].domid, 0);
	store_perms_put(q);
	store_perms_put(p);
}

static void permissions_are_refused(void **state)
{
	static const char *const bad[] = { "",	     "x1",  "r", "r-1",
					   "r99999", "r1x", "1" };
	struct store_perms *p;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			store_perms_parse(bad[i], strlen(bad[i]) + 1, &p),
			-EINVAL);
	assert_int_equal(store_perms_parse("r1", 2, &p), -EINVAL); /* no NUL */
	assert_int_equal(store_perms_parse("r1", 0, &p), -EINVAL);
}

/* ---- the tree
 * -------------------------------------------------------------------------- */

static void parents_come_to_be(void **state)
{
	struct store_tree *t = *state;

	assert_int_equal(do_write(t, 0, "/a/b/c", "x"), 0);
	assert_string_equal(value_of(t, "/a/b/c"), "x");
	assert_string_equal(value_of(t, "/a/b"), "");
	assert_string_equal(value_of(t, "/a"), "");
	assert_null(store_tree_find(t, "/a/b/c/d"));
	assert_null(store_tree_find(t, "/a/bb"));
	assert_int_equal(t->nodes, 4);
	assert_int_equal(do_rm(t, "/a", NULL), 0);
	assert_int_equal(t->nodes, 1);
	assert_int_equal(store_tree_owned(t, 0), 1);
}

static void copies_stand_still(void **state)
{
	struct store_tree *t = *state, old;
	uint64_t before;

	do_write(t, 0, "/a/b", "1");
	do_write(t, 0, "/a/c", "2");
	assert_int_equal(store_tree_copy(&old, t), 0);
	before = store_tree_generation(t, "/a/c");
	do_write(t, 0, "/a/b", "3");
	do_write(t, 0, "/a/d", "4");
	assert_string_equal(value_of(&old, "/a/b"), "1");
	assert_null(store_tree_find(&old, "/a/d"));
	assert_string_equal(value_of(t, "/a/b"), "3");
	/* What was not changed is the same node, by its generation. */
	assert_int_equal(store_tree_generation(t, "/a/c"), before);
	assert_int_equal(store_tree_generation(&old, "/a/c"), before);
	assert_true(store_tree_generation(t, "/a") >
		    store_tree_generation(&old, "/a"));
	do_rm(t, "/a", NULL);
	assert_string_equal(value_of(&old, "/a/c"), "2");
	store_tree_free(&old);
}

static void children_inherit(void **state)
{
	struct store_op op = { .kind = STORE_OP_SET_PERMS, .path = "/g" };
	struct store_tree *t = *state;
	const struct store_node *n;

	do_write(t, 0, "/g", "");
	assert_int_equal(store_perms_parse("n0\0b5", 6, &op.perms), 0);
	assert_int_equal(store_op_apply(&op, t, NULL), 0);
	do_write(t, 5, "/g/x/y", "");
	n = store_tree_find(t, "/g/x/y");
	assert_int_equal(n->perms->entry[0].domid, 5); /* its maker's */
	assert_int_equal(n->perms->count, 2);
	do_write(t, 0, "/g/z", "");
	n = store_tree_find(t, "/g/z");
	assert_int_equal(n->perms->entry[0].domid, 0);
	assert_int_equal(store_tree_owned(t, 5), 2);
	store_perms_put(op.perms);
}

static void removal_tells_each_node(void **state)
{
	struct store_changes c = { 0 };
	struct store_tree *t = *state;

	do_write(t, 0, "/a/b/c", "");
	do_write(t, 0, "/a/d", "");
	assert_int_equal(do_rm(t, "/a", &c), 0);
	assert_int_equal(c.count, 4);
	assert_string_equal(c.list[0].path, "/a/b/c");
	assert_true(c.list[0].exact);
	assert_string_equal(c.list[3].path, "/a");
	assert_false(c.list[3].exact);
	store_op_changes_free(&c);
	assert_int_equal(do_rm(t, "/a", &c), -ENOENT);
}

/* ---- quotas
 * ------------------------------------------------------------------------------
 */

static void quotas_bind_guests(void **state)
{
	struct store_op op = { .kind = STORE_OP_MKDIR, .domid = 3 };
	struct store_tree *t = *state;
	char path[64], big[3000];
	unsigned i;

	for (i = 0; i < STORE_QUOTA_NODES; i++) {
		snprintf(path, sizeof(path), "/n/%u/%u", i / 100, i);
		op.path = path;
		if (store_op_apply(&op, t, NULL))
			break;
	}
	/* 10 directories, "/n", and the rest. */
	assert_int_equal(i, STORE_QUOTA_NODES - 11);
	assert_int_equal(store_tree_owned(t, 3), STORE_QUOTA_NODES);
	assert_int_equal(store_op_apply(&op, t, NULL), -ENOSPC);
	assert_null(store_tree_find(t, path)); /* nothing half done */
	assert_int_equal(do_write(t, 0, path, "x"), 0);

	memset(big, 'x', sizeof(big));
	big[2500] = 0;
	assert_int_equal(do_write(t, 3, "/n/0/0", big), -ENOSPC);
	assert_string_equal(value_of(t, "/n/0/0"), "");
	assert_int_equal(do_write(t, 0, "/n/0/0", big), 0);
	big[1900] = 0;
	assert_int_equal(do_write(t, 3, "/n/0/1", big), 0);
}

static void quotas_count_child_names(void **state)
{
	struct store_tree *t = *state;
	char path[300];
	int i, err = 0;

	do_write(t, 4, "/d", "");
	for (i = 0; i < 20 && !err; i++) {
		snprintf(path, sizeof(path), "/d/%0200d", i);
		err = do_write(t, 4, path, "");
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(i - 1, 10); /* 201 bytes each in 2048 */
	assert_null(store_tree_find(t, path));
}

/* ---- transactions
 * -------------------------------------------------------------------------- */

static struct store_transaction *begin(struct store_tree *t)
{
	struct store_transaction *x;

	assert_int_equal(store_transaction_start(t, 1, &x), 0);
	return x;
}

static void x_read(struct store_transaction *x, const char *path)
{
	assert_int_equal(store_transaction_access(x, path, 0), 0);
}

static void x_write(struct store_transaction *x, const char *path,
		    const char *value)
{
	struct store_op op = { .kind = STORE_OP_WRITE,
			       .path = path,
			       .value = value,
			       .len = strlen(value) };

	x_read(x, path);
	assert_int_equal(store_transaction_apply(x, &op), 0);
}

static void x_rm(struct store_transaction *x, const char *path)
{
	struct store_op op = { .kind = STORE_OP_RM, .path = path };

	x_read(x, path);
	assert_int_equal(store_transaction_apply(x, &op), 0);
}

static int end(struct store_transaction *x, struct store_tree *t)
{
	struct store_changes c = { 0 };
	int err = store_transaction_commit(x, t, &c);

	store_op_changes_free(&c);
	store_transaction_free(x);
	return err;
}

static void transactions_are_alone(void **state)
{
	struct store_tree *t = *state;
	struct store_transaction *x;

	do_write(t, 0, "/a", "old");
	x = begin(t);
	x_write(x, "/a", "new");
	assert_string_equal(value_of(t, "/a"), "old");
	assert_string_equal(value_of(&x->tree, "/a"), "new");
	do_write(t, 0, "/b", "b");
	assert_null(store_tree_find(&x->tree, "/b"));
	assert_int_equal(end(x, t), 0);
	assert_string_equal(value_of(t, "/a"), "new");
	assert_string_equal(value_of(t, "/b"), "b");
}

/* It sees what others did until its first look at a node, as in xenstored. */
static void transactions_look_late(void **state)
{
	struct store_tree *t = *state;
	struct store_transaction *x;

	do_write(t, 0, "/a", "1");
	do_write(t, 0, "/b", "1");
	x = begin(t);
	x_write(x, "/a", "2");
	do_write(t, 0, "/b", "3");
	assert_int_equal(store_transaction_refresh(x, t), 0);
	assert_string_equal(value_of(&x->tree, "/a"), "2");
	assert_string_equal(value_of(&x->tree, "/b"), "3");
	x_read(x, "/b");
	/* What it looked at has changed: now it stays as it is. */
	do_write(t, 0, "/b", "4");
	assert_int_equal(store_transaction_refresh(x, t), 0);
	assert_string_equal(value_of(&x->tree, "/b"), "3");
	assert_int_equal(end(x, t), -EAGAIN);
}

/* What was made and removed in one is no change. */
static void transactions_tell_what_is_left(void **state)
{
	struct store_tree *t = *state;
	struct store_changes c = { 0 };
	struct store_transaction *x = begin(t);

	x_write(x, "/tmp", "1");
	x_rm(x, "/tmp");
	x_write(x, "/kept", "1");
	assert_int_equal(store_transaction_commit(x, t, &c), 0);
	assert_int_equal(c.count, 1);
	assert_string_equal(c.list[0].path, "/kept");
	store_op_changes_free(&c);
	store_transaction_free(x);
}

static void transactions_conflict(void **state)
{
	struct store_tree *t = *state;
	struct store_transaction *x;

	do_write(t, 0, "/a/read", "1");
	do_write(t, 0, "/a/other", "1");

	/* What it read was changed. */
	x = begin(t);
	x_read(x, "/a/read");
	x_write(x, "/w", "1");
	do_write(t, 0, "/a/read", "2");
	assert_int_equal(end(x, t), -EAGAIN);
	assert_null(store_tree_find(t, "/w"));

	/* What it wrote was changed. */
	x = begin(t);
	x_write(x, "/a/read", "3");
	do_write(t, 0, "/a/read", "4");
	assert_int_equal(end(x, t), -EAGAIN);
	assert_string_equal(value_of(t, "/a/read"), "4");

	/* What it read was removed, and made again as it was. */
	x = begin(t);
	x_read(x, "/a/read");
	do_rm(t, "/a/read", NULL);
	do_write(t, 0, "/a/read", "4");
	assert_int_equal(end(x, t), -EAGAIN);

	/* What it found missing came to be. */
	x = begin(t);
	x_read(x, "/missing/node");
	do_write(t, 0, "/missing", "");
	assert_int_equal(end(x, t), -EAGAIN);

	/* A child of what it removed was changed. */
	x = begin(t);
	x_rm(x, "/a");
	do_write(t, 0, "/a/other", "2");
	assert_int_equal(end(x, t), -EAGAIN);

	/* Both make a child of the same directory: both change it. */
	x = begin(t);
	x_write(x, "/a/mine", "");
	do_write(t, 0, "/a/theirs", "");
	assert_int_equal(end(x, t), -EAGAIN);
}

static void transactions_do_not_conflict(void **state)
{
	struct store_tree *t = *state;
	struct store_transaction *x;

	do_write(t, 0, "/a/read", "1");
	do_write(t, 0, "/b/c/d", "1");
	x = begin(t);
	x_read(x, "/a/read");
	x_write(x, "/a/new", "1");
	x_rm(x, "/b/c/d");
	/* Elsewhere, above and beside: none of its business. */
	do_write(t, 0, "/b", "value");
	do_write(t, 0, "/e/f", "");
	do_write(t, 0, "/", "root");
	assert_int_equal(end(x, t), 0);
	assert_string_equal(value_of(t, "/a/new"), "1");
	assert_null(store_tree_find(t, "/b/c/d"));
	assert_string_equal(value_of(t, "/b"), "value");
	assert_non_null(store_tree_find(t, "/e/f"));
	/* One that changed what it made itself. */
	x = begin(t);
	x_write(x, "/x", "1");
	x_write(x, "/x", "2");
	x_rm(x, "/x");
	x_write(x, "/x", "3");
	assert_int_equal(end(x, t), 0);
	assert_string_equal(value_of(t, "/x"), "3");
}

static void transactions_end_whole_or_not(void **state)
{
	struct store_op op = { .kind = STORE_OP_MKDIR, .domid = 3 };
	struct store_tree *t = *state;
	struct store_transaction *x;
	char path[32];
	unsigned i;

	do_write(t, 0, "/mine", "");
	x = begin(t);
	for (i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "/x/%u/%u", i % 10, i);
		op.path = path;
		assert_int_equal(store_transaction_access(x, path, 3), 0);
		assert_int_equal(store_transaction_apply(x, &op), 0);
	}
	/* Meanwhile the quota is used up outside. */
	for (i = 0; i < 800; i++) {
		snprintf(path, sizeof(path), "/y/%u/%u", i % 10, i);
		assert_int_equal(store_op_apply(&op, t, NULL), 0);
	}
	assert_int_equal(store_tree_owned(t, 3), 811);
	assert_int_equal(end(x, t), -EAGAIN); /* "/" has another child */
	x = begin(t);
	op.path = path;
	do_write(t, 3, "/y/0/z", "");
	for (i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "/y/1/z/%u", i);
		assert_int_equal(store_transaction_access(x, path, 3), 0);
		if (store_transaction_apply(x, &op))
			break;
	}
	assert_true(i > 100 && i < 300); /* its own copy has the quota too */
	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/y/2/z/%u", i);
		assert_int_equal(store_op_apply(&op, t, NULL), 0);
	}
	assert_int_equal(end(x, t), -ENOSPC);
	assert_null(store_tree_find(t, "/y/1/z"));
}

static void transactions_have_a_quota(void **state)
{
	struct store_tree *t = *state;
	struct store_transaction *x = begin(t);
	char path[32];
	unsigned i;

	for (i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		if (store_transaction_access(x, path, 3))
			break;
	}
	assert_int_equal(x->accesses, STORE_QUOTA_ACCESSED);
	assert_int_equal(store_transaction_access(x, "/0", 3), 0);
	assert_int_equal(store_transaction_access(x, "/new", 3), -ENOSPC);
	assert_int_equal(store_transaction_access(x, "/new", 0), 0);
	store_transaction_free(x);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_refused),
		cmocka_unit_test(paths_become_absolute),
		cmocka_unit_test(permissions_say_who_may),
		cmocka_unit_test(permissions_are_refused),
		T(parents_come_to_be),
		T(copies_stand_still),
		T(children_inherit),
		T(removal_tells_each_node),
		T(quotas_bind_guests),
		T(quotas_count_child_names),
		T(transactions_are_alone),
		T(transactions_look_late),
		T(transactions_tell_what_is_left),
		T(transactions_conflict),
		T(transactions_do_not_conflict),
		T(transactions_end_whole_or_not),
		T(transactions_have_a_quota),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
