/* SPDX-License-Identifier: MIT */
#include "desk/store/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "desk/store/nodes.h"
#include "desk/store/path.h"
#include "desk/store/quota.h"

/* ---- watches ----------------------------------------------------------- */

/* Path and token of WATCH and UNWATCH: two strings. */
static int watch_strings(struct store_request *r, char path[STORE_PATH_MAX],
			 size_t *base, const char **token)
{
	const char *name;
	size_t len;

	name = store_request_first(r, token, &len);
	if (!name || !len || strnlen(*token, len) + 1 != len)
		return -EINVAL;
	return store_path_absolute(name, r->domid, true, path, base);
}

static int do_watch(struct store_request *r)
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
	store_request_ok(r);
	store_watch_tell(r->c, w, path, NULL);
	return 0;
}

static int do_unwatch(struct store_request *r)
{
	char path[STORE_PATH_MAX];
	const char *token;
	size_t base;
	int err = watch_strings(r, path, &base, &token);

	if (!err)
		err = store_watch_remove(r->c, path, token);
	return err ? err : store_request_ok(r);
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

static int do_reset_watches(struct store_request *r)
{
	store_request_forget(r->c);
	return store_request_ok(r);
}

/* ---- transactions ------------------------------------------------------ */

static int do_transaction_start(struct store_request *r)
{
	struct store_transaction *t;
	char id[16];
	int err;

	if (r->t)
		return -EBUSY;
	if (r->domid && r->c->domain->transactions > STORE_QUOTA_TRANSACTIONS)
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

static int do_transaction_end(struct store_request *r)
{
	const char *how = store_request_string(r);
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
	return err ? err : store_request_ok(r);
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

static int do_get_domain_path(struct store_request *r)
{
	char path[64];
	uint16_t domid;

	if (domid_of(store_request_string(r), &domid))
		return -EINVAL;
	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	store_wire_reply(r->c, path, strlen(path) + 1);
	return 0;
}

static int do_is_introduced(struct store_request *r)
{
	struct store_domain *d;
	uint16_t domid;

	if (domid_of(store_request_string(r), &domid))
		return -EINVAL;
	d = store_domain_find(r->s, domid);
	store_wire_reply(r->c, d && d->introduced ? "T" : "F", 2);
	return 0;
}

/* The desk introduces its domains itself; here it is done again or undone. */
static int do_introduce(struct store_request *r)
{
	const char *rest;
	struct store_domain *d;
	uint16_t domid;
	size_t len;

	if (domid_of(store_request_first(r, &rest, &len), &domid))
		return -EINVAL;
	d = store_domain_find(r->s, domid);
	if (!d || !domid)
		return -EINVAL;
	store_request_ok(r);
	d->introduced = true;
	store_watch_fire_special(r->s, STORE_SPECIAL_INTRO, r->s->intro_perms);
	return 0;
}

static int do_release(struct store_request *r)
{
	struct store_domain *d;
	uint16_t domid;

	if (domid_of(store_request_string(r), &domid))
		return -EINVAL;
	d = store_domain_find(r->s, domid);
	if (!d || !domid || !d->introduced)
		return -EINVAL;
	store_request_ok(r);
	d->introduced = false;
	store_released(r->s);
	return 0;
}

static int do_resume(struct store_request *r)
{
	uint16_t domid;

	if (domid_of(store_request_string(r), &domid))
		return -EINVAL;
	return store_domain_find(r->s, domid) ? store_request_ok(r) : -ENOENT;
}

/* xenstore-control: there is nothing here to be controlled. */
static int do_control(struct store_request *r)
{
	(void)r;
	return -EINVAL;
}

/* ---- dispatch ---------------------------------------------------------- */

#define NO_TRANSACTION 1u /* tx_id is ignored */
#define PRIVILEGED     2u /* domain 0 only */

static const struct {
	int (*run)(struct store_request *r);
	unsigned flags;
} handler[XS_TYPE_COUNT] = {
	[XS_CONTROL] = { do_control, PRIVILEGED },
	[XS_DIRECTORY] = { store_do_directory, 0 },
	[XS_READ] = { store_do_read, 0 },
	[XS_GET_PERMS] = { store_do_get_perms, 0 },
	[XS_WATCH] = { do_watch, NO_TRANSACTION },
	[XS_UNWATCH] = { do_unwatch, NO_TRANSACTION },
	[XS_TRANSACTION_START] = { do_transaction_start, 0 },
	[XS_TRANSACTION_END] = { do_transaction_end, 0 },
	[XS_INTRODUCE] = { do_introduce, PRIVILEGED },
	[XS_RELEASE] = { do_release, PRIVILEGED },
	[XS_GET_DOMAIN_PATH] = { do_get_domain_path, 0 },
	[XS_WRITE] = { store_do_write, 0 },
	[XS_MKDIR] = { store_do_mkdir, 0 },
	[XS_RM] = { store_do_rm, 0 },
	[XS_SET_PERMS] = { store_do_set_perms, 0 },
	[XS_IS_DOMAIN_INTRODUCED] = { do_is_introduced, 0 },
	[XS_RESUME] = { do_resume, PRIVILEGED },
	[XS_RESET_WATCHES] = { do_reset_watches, NO_TRANSACTION },
	[XS_DIRECTORY_PART] = { store_do_directory_part, 0 },
};

void store_request_run(struct store_conn *c)
{
	struct store_request r = {
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
