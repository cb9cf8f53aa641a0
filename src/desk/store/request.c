/* SPDX-License-Identifier: MIT */
#include "desk/store/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "desk/store/path.h"
#include "desk/store/quota.h"

/* One request, with what most handlers need of it. */
struct request {
	struct store_conn *c;
	struct store *s;
	uint16_t domid;
	struct store_transaction *t; /* NULL outside */
	const char *data;	     /* ended by a NUL that is not counted */
	size_t len;
};

/* ---- helpers ----------------------------------------------------------- */

static int ok(struct request *r)
{
	store_wire_reply(r->c, "OK", 3);
	return 0;
}

/* The payload is one string with its NUL. */
static const char *one_string(const struct request *r)
{
	return r->len && strlen(r->data) + 1 == r->len ? r->data : NULL;
}

/* The first string, and what follows its NUL; NULL if there is no NUL. */
static const char *first_string(const struct request *r, const char **rest,
				size_t *rest_len)
{
	size_t n = strnlen(r->data, r->len);

	if (n == r->len)
		return NULL;
	*rest = r->data + n + 1;
	*rest_len = r->len - n - 1;
	return r->data;
}

static const struct store_tree *tree_of(const struct request *r)
{
	return r->t ? &r->t->tree : &r->s->tree;
}

/*
 * Who has no right to a node's nearest existing parent is not told whether
 * the node exists.
 */
static int hide_absence(const struct request *r, const char *path,
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
static int find(struct request *r, const char *name, unsigned rights,
		char path[STORE_PATH_MAX], const struct store_node **node)
{
	const struct store_node *n;
	size_t base;
	int err;

	if (!name)
		return -EINVAL;
	err = store_path_absolute(name, r->domid, false, path, &base);
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
static int change(struct request *r, struct store_op *op)
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

static int do_read(struct request *r)
{
	const struct store_node *n;
	char path[STORE_PATH_MAX];
	int err = find(r, one_string(r), STORE_PERMS_READ, path, &n);

	if (!err)
		store_wire_reply(r->c, n->value ? n->value : "", n->value_len);
	return err;
}

static int do_write(struct request *r)
{
	struct store_op op = { .kind = STORE_OP_WRITE };
	const struct store_node *n;
	char path[STORE_PATH_MAX];
	const char *name, *value;
	int err;

	name = first_string(r, &value, &op.len);
	if (!name)
		return -EINVAL;
	err = find(r, name, STORE_PERMS_WRITE, path, &n);
	if (err && err != -ENOENT)
		return err;
	op.path = path;
	op.value = value;
	err = change(r, &op);
	return err ? err : ok(r);
}

static int do_mkdir(struct request *r)
{
	struct store_op op = { .kind = STORE_OP_MKDIR };
	const struct store_node *n;
	char path[STORE_PATH_MAX];
	int err = find(r, one_string(r), STORE_PERMS_WRITE, path, &n);

	if (err == -ENOENT) {
		op.path = path;
		err = change(r, &op);
	}
	return err ? err : ok(r);
}

static int do_rm(struct request *r)
{
	struct store_op op = { .kind = STORE_OP_RM };
	const struct store_node *n;
	char path[STORE_PATH_MAX], parent[STORE_PATH_MAX];
	int err = find(r, one_string(r), STORE_PERMS_WRITE, path, &n);

	if (err == -ENOENT) {
		/* No error, if its parent is there. */
		strcpy(parent, path);
		parent[store_path_parent_len(parent)] = 0;
		return store_tree_find(tree_of(r), parent) ? ok(r) : -ENOENT;
	}
	if (err)
		return err;
	if (!path[1])
		return -EINVAL;
	op.path = path;
	err = change(r, &op);
	return err ? err : ok(r);
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

static int do_directory(struct request *r)
{
	const struct store_node *n;
	char path[STORE_PATH_MAX];
	int err = find(r, one_string(r), STORE_PERMS_READ, path, &n);
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
static int do_directory_part(struct request *r)
{
	char path[STORE_PATH_MAX], part[XENSTORE_PAYLOAD_MAX];
	const struct store_node *n;
	const char *name, *text;
	size_t len, rest, used, room;
	uint64_t off;
	char *names, *p;
	int err;

	name = first_string(r, &text, &rest);
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

static int do_get_perms(struct request *r)
{
	char path[STORE_PATH_MAX], text[XENSTORE_PAYLOAD_MAX];
	const struct store_node *n;
	int err = find(r, one_string(r), STORE_PERMS_READ, path, &n);

	if (err)
		return err;
	err = store_perms_format(n->perms, text, sizeof(text));
	if (err < 0)
		return err;
	store_wire_reply(r->c, text, (size_t)err);
	return 0;
}

/* Who may hear of domains that come and go: for domain 0 to say. */
static int set_special(struct request *r, const char *name,
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
	return ok(r);
}

static int do_set_perms(struct request *r)
{
	struct store_op op = { .kind = STORE_OP_SET_PERMS };
	const struct store_node *n;
	char path[STORE_PATH_MAX];
	const char *name, *text;
	struct store_perms *p;
	size_t len;
	unsigned i;
	int err;

	name = first_string(r, &text, &len);
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
		ok(r);
out:
	store_perms_put(p);
	return err;
}

/* ---- watches ----------------------------------------------------------- */

/* Path and token of WATCH and UNWATCH: two strings. */
static int watch_strings(struct request *r, char path[STORE_PATH_MAX],
			 size_t *base, const char **token)
{
	const char *name;
	size_t len;

	name = first_string(r, token, &len);
	if (!name || !len || strnlen(*token, len) + 1 != len)
		return -EINVAL;
	return store_path_absolute(name, r->domid, true, path, base);
}

static int do_watch(struct request *r)
{
	char path[STORE_PATH_MAX];
	const char *token;
	struct store_watch *w;
	size_t base;
	int err = watch_strings(r, path, &base, &token);

	if (!err)
		err = store_watch_add(r->c, path, base, token, &w);
	if (err)
		return err;
	ok(r);
	store_watch_tell(r->c, w, path, NULL);
	return 0;
}

static int do_unwatch(struct request *r)
{
	char path[STORE_PATH_MAX];
	const char *token;
	size_t base;
	int err = watch_strings(r, path, &base, &token);

	if (!err)
		err = store_watch_remove(r->c, path, token);
	return err ? err : ok(r);
}

void store_request_forget(struct store_conn *c)
{
	struct store_transaction *t;

	store_watch_remove_all(c);
	while ((t = LIST_FIRST(&c->transactions))) {
		LIST_REMOVE(t, link);
		store_transaction_free(t);
		c->domain->transactions--;
		c->domain->store->transactions--;
	}
}

static int do_reset_watches(struct request *r)
{
	store_request_forget(r->c);
	return ok(r);
}

/* ---- transactions ------------------------------------------------------ */

static int do_transaction_start(struct request *r)
{
	struct store_transaction *t;
	char id[16];
	int err;

	if (r->t)
		return -EBUSY;
	if (r->domid && r->c->domain->transactions >= STORE_QUOTA_TRANSACTIONS)
		return -ENOSPC;
	if (!++r->s->last_transaction)
		++r->s->last_transaction; /* 0 means none */
	err = store_transaction_start(&r->s->tree, r->s->last_transaction, &t);
	if (err)
		return err;
	LIST_INSERT_HEAD(&r->c->transactions, t, link);
	r->c->domain->transactions++;
	r->s->transactions++;
	snprintf(id, sizeof(id), "%u", t->id);
	store_wire_reply(r->c, id, strlen(id) + 1);
	return 0;
}

static int do_transaction_end(struct request *r)
{
	const char *how = one_string(r);
	struct store_changes changes = { 0 };
	struct store_transaction *t = r->t;
	struct store_tree old;
	int err = 0;

	if (!how || (strcmp(how, "T") && strcmp(how, "F")))
		return -EINVAL;
	if (!t)
		return -ENOENT;
	LIST_REMOVE(t, link);
	r->c->domain->transactions--;
	r->s->transactions--;
	if (how[0] == 'T') {
		err = store_tree_copy(&old, &r->s->tree);
		if (!err) {
			err = store_transaction_commit(t, &r->s->tree,
						       &changes);
			if (!err)
				store_watch_fire(r->s,
						 r->domid ? r->c->domain : NULL,
						 &old, &changes);
			store_tree_free(&old);
		}
		store_op_changes_free(&changes);
	}
	store_transaction_free(t);
	return err ? err : ok(r);
}

/* ---- domains ----------------------------------------------------------- */

static int domid_of(const char *text, uint16_t *domid)
{
	uint64_t n;

	if (!text || number_parse(text, 0, UINT16_MAX, &n))
		return -EINVAL;
	*domid = (uint16_t)n;
	return 0;
}

static int do_get_domain_path(struct request *r)
{
	char path[64];
	uint16_t domid;

	if (domid_of(one_string(r), &domid))
		return -EINVAL;
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	store_wire_reply(r->c, path, strlen(path) + 1);
	return 0;
}

static int do_is_introduced(struct request *r)
{
	struct store_domain *d;
	uint16_t domid;

	if (domid_of(one_string(r), &domid))
		return -EINVAL;
	d = store_domain_find(r->s, domid);
	store_wire_reply(r->c, d && d->introduced ? "T" : "F", 2);
	return 0;
}

/* The desk introduces its domains itself; here it is done again or undone. */
static int do_introduce(struct request *r)
{
	const char *rest;
	struct store_domain *d;
	uint16_t domid;
	size_t len;

	if (domid_of(first_string(r, &rest, &len), &domid))
		return -EINVAL;
	d = store_domain_find(r->s, domid);
	if (!d || !domid)
		return -EINVAL;
	ok(r);
	d->introduced = true;
	store_watch_fire_special(r->s, STORE_SPECIAL_INTRO, r->s->intro_perms);
	return 0;
}

static int do_release(struct request *r)
{
	struct store_domain *d;
	uint16_t domid;

	if (domid_of(one_string(r), &domid))
		return -EINVAL;
	d = store_domain_find(r->s, domid);
	if (!d || !domid || !d->introduced)
		return -EINVAL;
	ok(r);
	d->introduced = false;
	store_released(r->s);
	return 0;
}

static int do_resume(struct request *r)
{
	uint16_t domid;

	if (domid_of(one_string(r), &domid))
		return -EINVAL;
	return store_domain_find(r->s, domid) ? ok(r) : -ENOENT;
}

/* xenstore-control: there is nothing here to be controlled. */
static int do_control(struct request *r)
{
	(void)r;
	return -EINVAL;
}

/* ---- dispatch ---------------------------------------------------------- */

#define NO_TRANSACTION 1u /* tx_id is ignored */
#define PRIVILEGED     2u /* domain 0 only */

static const struct {
	int (*run)(struct request *r);
	unsigned flags;
} handler[XS_TYPE_COUNT] = {
	[XS_CONTROL] = { do_control, PRIVILEGED },
	[XS_DIRECTORY] = { do_directory, 0 },
	[XS_READ] = { do_read, 0 },
	[XS_GET_PERMS] = { do_get_perms, 0 },
	[XS_WATCH] = { do_watch, NO_TRANSACTION },
	[XS_UNWATCH] = { do_unwatch, NO_TRANSACTION },
	[XS_TRANSACTION_START] = { do_transaction_start, 0 },
	[XS_TRANSACTION_END] = { do_transaction_end, 0 },
	[XS_INTRODUCE] = { do_introduce, PRIVILEGED },
	[XS_RELEASE] = { do_release, PRIVILEGED },
	[XS_GET_DOMAIN_PATH] = { do_get_domain_path, 0 },
	[XS_WRITE] = { do_write, 0 },
	[XS_MKDIR] = { do_mkdir, 0 },
	[XS_RM] = { do_rm, 0 },
	[XS_SET_PERMS] = { do_set_perms, 0 },
	[XS_IS_DOMAIN_INTRODUCED] = { do_is_introduced, 0 },
	[XS_RESUME] = { do_resume, PRIVILEGED },
	[XS_RESET_WATCHES] = { do_reset_watches, NO_TRANSACTION },
	[XS_DIRECTORY_PART] = { do_directory_part, 0 },
};

void store_request_run(struct store_conn *c)
{
	struct request r = {
		.c = c,
		.s = c->domain->store,
		.domid = c->domain->domid,
		.data = c->payload,
		.len = c->hdr.len,
	};
	uint32_t type = c->hdr.type;
	int err;

	if (type >= XS_TYPE_COUNT || !handler[type].run) {
		store_wire_reply_error(c, -ENOSYS);
		return;
	}
	if (handler[type].flags & PRIVILEGED && r.domid) {
		store_wire_reply_error(c, -EACCES);
		return;
	}
	if (c->hdr.tx_id && !(handler[type].flags & NO_TRANSACTION)) {
		LIST_FOREACH(r.t, &c->transactions, link)
			if (r.t->id == c->hdr.tx_id)
				break;
		if (!r.t) {
			store_wire_reply_error(c, -ENOENT);
			return;
		}
	}
	err = handler[type].run(&r);
	if (err)
		store_wire_reply_error(c, err);
}
