/* SPDX-License-Identifier: MIT */
#include "desk/store/nodes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "desk/store/path.h"
#include "desk/store/quota.h"

/* ---- helpers ----------------------------------------------------------- */

int store_request_ok(struct store_request *r)
{
	store_wire_reply(r->c, "OK", 3);
	return 0;
}

const char *store_request_string(const struct store_request *r)
{
	return r->len && strlen(r->data) + 1 == r->len ? r->data : NULL;
}

const char *store_request_first(const struct store_request *r,
				const char **rest, size_t *rest_len)
{
	size_t n = strnlen(r->data, r->len);

	if (n == r->len)
		return NULL;
	*rest = r->data + n + 1;
	*rest_len = r->len - n - 1;
	return r->data;
}

static const struct store_tree *tree_of(const struct store_request *r)
{
	return r->t ? &r->t->tree : &r->s->tree;
}

/*
 * Who has no right to a node's nearest existing parent is not told whether
 * the node exists.
 */
static int hide_absence(const struct store_request *r, const char *path,
			unsigned right)
{
	char part[STORE_PATH_MAX];
	const struct store_node *n;

	strcpy(part, path);
	do {
		part[store_path_parent_len(part)] = 0;
		n = store_tree_find(tree_of(r), part);
	} while (!n);
	return store_perms_rights(n->perms, r->domid) & right ? -ENOENT
							      : -EACCES;
}

/*
 * The path that `name` means, and the node there, if the domain has all of
 * `rights`.  -EINVAL, -EACCES; -ENOENT only where it may know, and then
 * `path` is valid.
 */
static int find(struct store_request *r, const char *name, unsigned rights,
		char path[STORE_PATH_MAX], const struct store_node **node)
{
	const struct store_node *n;
	size_t base;
	int err;

	if (!name)
		return -EINVAL;
	err = store_path_absolute(name, r->domid, false, path, &base);
	if (!err && r->t)
		err = store_transaction_refresh(r->t, &r->s->tree);
	if (!err && r->t)
		err = store_transaction_access(r->t, path, r->domid);
	if (err)
		return err;
	n = store_tree_find(tree_of(r), path);
	if (!n)
		return hide_absence(r, path, rights);
	if ((store_perms_rights(n->perms, r->domid) & rights) != rights)
		return -EACCES;
	*node = n;
	return 0;
}

/* Apply one change: in the transaction, or to the store with its watches. */
static int change(struct store_request *r, struct store_op *op)
{
	struct store_changes changes = { 0 };
	struct store_tree old;
	int err;

	op->domid = r->domid;
	if (r->t)
		return store_transaction_apply(r->t, op);
	err = store_tree_copy(&old, &r->s->tree);
	if (err)
		return err;
	err = store_op_apply(op, &r->s->tree, &changes);
	if (!err)
		store_watch_fire(r->s, r->domid ? r->c->domain : NULL, &old,
				 &changes);
	store_op_changes_free(&changes);
	store_tree_free(&old);
	return err;
}

/* ---- nodes ------------------------------------------------------------- */

int store_do_read(struct store_request *r)
{
	const struct store_node *n;
	char path[STORE_PATH_MAX];
	int err = find(r, store_request_string(r), STORE_PERMS_READ, path, &n);

	if (!err)
		store_wire_reply(r->c, n->value ? n->value : "", n->value_len);
	return err;
}

int store_do_write(struct store_request *r)
{
	struct store_op op = { .kind = STORE_OP_WRITE };
	const struct store_node *n;
	char path[STORE_PATH_MAX];
	const char *name, *value;
	int err;

	name = store_request_first(r, &value, &op.len);
	if (!name)
		return -EINVAL;
	err = find(r, name, STORE_PERMS_WRITE, path, &n);
	if (err && err != -ENOENT)
		return err;
	op.path = path;
	op.value = value;
	err = change(r, &op);
	return err ? err : store_request_ok(r);
}

int store_do_mkdir(struct store_request *r)
{
	struct store_op op = { .kind = STORE_OP_MKDIR };
	const struct store_node *n;
	char path[STORE_PATH_MAX];
	int err = find(r, store_request_string(r), STORE_PERMS_WRITE, path, &n);

	if (err == -ENOENT) {
		op.path = path;
		err = change(r, &op);
	}
	return err ? err : store_request_ok(r);
}

int store_do_rm(struct store_request *r)
{
	struct store_op op = { .kind = STORE_OP_RM };
	const struct store_node *n;
	char path[STORE_PATH_MAX], parent[STORE_PATH_MAX];
	int err = find(r, store_request_string(r), STORE_PERMS_WRITE, path, &n);

	if (err == -ENOENT) {
		/* No error, if its parent is there. */
		strcpy(parent, path);
		parent[store_path_parent_len(parent)] = 0;
		return store_tree_find(tree_of(r), parent) ? store_request_ok(r)
							   : -ENOENT;
	}
	if (err)
		return err;
	if (!path[1])
		return -EINVAL;
	op.path = path;
	err = change(r, &op);
	return err ? err : store_request_ok(r);
}

/* All names of a node's children, each with its NUL; malloced. */
static char *child_names(const struct store_node *n, size_t *len)
{
	char *names, *p;
	unsigned i;

	*len = 0;
	for (i = 0; i < n->children; i++)
		*len += strlen(n->child[i]->name) + 1;
	names = p = malloc(*len + 1);
	for (i = 0; names && i < n->children; i++)
		p = stpcpy(p, n->child[i]->name) + 1;
	return names;
}

int store_do_directory(struct store_request *r)
{
	const struct store_node *n;
	char path[STORE_PATH_MAX];
	int err = find(r, store_request_string(r), STORE_PERMS_READ, path, &n);
	char *names;
	size_t len;

	if (err)
		return err;
	names = child_names(n, &len);
	if (!names)
		return -ENOMEM;
	store_wire_reply(r->c, names, len);
	free(names);
	return 0;
}

/*
 * The generation, so that the client notices a change between two parts,
 * then whole names from a byte offset; an empty name ends the last part.
 */
int store_do_directory_part(struct store_request *r)
{
	char path[STORE_PATH_MAX], part[XENSTORE_PAYLOAD_MAX];
	const struct store_node *n;
	const char *name, *text;
	size_t len, rest, used, room;
	uint64_t off;
	char *names, *p;
	int err;

	name = store_request_first(r, &text, &rest);
	if (!name || !rest || strnlen(text, rest) + 1 != rest)
		return -EINVAL;
	err = find(r, name, STORE_PERMS_READ, path, &n);
	if (err)
		return err;
	if (number_parse(text, 0, UINT32_MAX, &off))
		return -EINVAL;
	names = child_names(n, &len);
	if (!names)
		return -ENOMEM;
	used = (size_t)snprintf(part, sizeof(part), "%llu",
				(unsigned long long)n->generation) +
	       1;
	room = sizeof(part) - used - 1; /* the empty name */
	p = names + off;
	while (off < len && strlen(p) + 1 <= room) {
		rest = strlen(p) + 1;
		memcpy(part + used, p, rest);
		used += rest;
		room -= rest;
		off += rest;
		p += rest;
	}
	if (off >= len)
		part[used++] = 0;
	store_wire_reply(r->c, part, used);
	free(names);
	return 0;
}

int store_do_get_perms(struct store_request *r)
{
	char path[STORE_PATH_MAX], text[XENSTORE_PAYLOAD_MAX];
	const struct store_node *n;
	int err = find(r, store_request_string(r), STORE_PERMS_READ, path, &n);

	if (err)
		return err;
	err = store_perms_format(n->perms, text, sizeof(text));
	if (err < 0)
		return err;
	store_wire_reply(r->c, text, (size_t)err);
	return 0;
}

/* Who may hear of domains that come and go: for domain 0 to say. */
static int set_special(struct store_request *r, const char *name,
		       struct store_perms *p)
{
	struct store_perms **at;

	if (r->domid)
		return -EACCES;
	if (!strcmp(name, STORE_SPECIAL_INTRO))
		at = &r->s->intro_perms;
	else if (!strcmp(name, STORE_SPECIAL_REL))
		at = &r->s->rel_perms;
	else
		return -EINVAL;
	store_perms_put(*at);
	*at = store_perms_get(p);
	return store_request_ok(r);
}

int store_do_set_perms(struct store_request *r)
{
	struct store_op op = { .kind = STORE_OP_SET_PERMS };
	const struct store_node *n;
	char path[STORE_PATH_MAX];
	const char *name, *text;
	struct store_perms *p;
	size_t len;
	unsigned i;
	int err;

	name = store_request_first(r, &text, &len);
	if (!name)
		return -EINVAL;
	err = store_perms_parse(text, len, &p);
	if (err)
		return err;
	err = -ENOSPC;
	if (r->domid && p->count > STORE_QUOTA_PERMS)
		goto out;
	err = -ENOENT;
	if (!store_domain_find(r->s, p->entry[0].domid))
		goto out;
	for (i = 1; i < p->count; i++)
		if (!store_domain_find(r->s, p->entry[i].domid))
			p->entry[i].bits |= STORE_PERMS_VOID;
	if (name[0] == '@') {
		err = set_special(r, name, p);
		goto out;
	}
	err = find(r, name, STORE_PERMS_WRITE | STORE_PERMS_OWNER, path, &n);
	if (err)
		goto out;
	/* A guest may not give its nodes away. */
	err = -EPERM;
	if (r->domid && p->entry[0].domid != n->perms->entry[0].domid)
		goto out;
	op.path = path;
	op.perms = p;
	err = change(r, &op);
	if (!err)
		store_request_ok(r);
out:
	store_perms_put(p);
	return err;
}
