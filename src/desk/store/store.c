/* SPDX-License-Identifier: MIT */
#include "desk/store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "desk/store/op.h"
#include "desk/store/path.h"
#include "desk/store/watch.h"
#include "desk/store/wire.h"

int store_open(struct store **out, struct desk_loop *loop)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	LIST_INIT(&s->domains);
	LIST_INIT(&s->conns);
	s->stuck.fire = store_wire_look_for_stuck;
	s->intro_perms = store_perms_new(1);
	s->rel_perms = store_perms_new(1);
	if (!s->intro_perms || !s->rel_perms ||
	    store_tree_init(&s->tree, &s->generation) ||
	    store_write(s, "/local/domain", NULL) ||
	    store_write(s, "/tool", NULL)) {
		store_close(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

static void domain_end(struct store_domain *d)
{
	struct store *s = d->store;
	struct store_conn *c, *next;

	for (c = LIST_FIRST(&s->conns); c; c = next) {
		next = LIST_NEXT(c, link);
		if (c->domain == d)
			store_wire_close(c);
	}
	/* Its last events may wait in the queues of others. */
	LIST_FOREACH(c, &s->conns, link) {
		struct store_frame *f;

		TAILQ_FOREACH(f, &c->queue, link)
			if (f->cause == d)
				f->cause = NULL;
	}
	desk_loop_remove(s->loop, &d->listener);
	close(d->listener.fd);
	LIST_REMOVE(d, link);
	free(d);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	while (!LIST_EMPTY(&s->domains))
		domain_end(LIST_FIRST(&s->domains));
	desk_loop_timer_stop(&s->stuck);
	store_tree_free(&s->tree);
	store_perms_put(s->intro_perms);
	store_perms_put(s->rel_perms);
	free(s);
}

int store_domain_add(struct store *s, uint16_t domid, int listen_fd)
{
	struct store_domain *d = calloc(1, sizeof(*d));
	int err = -ENOMEM;

	if (!d)
		goto fail;
	d->store = s;
	d->domid = domid;
	d->introduced = true;
	d->listener.fd = listen_fd;
	d->listener.ready = store_wire_accept;
	err = desk_loop_add(s->loop, &d->listener, EPOLLIN);
	if (err)
		goto fail;
	LIST_INSERT_HEAD(&s->domains, d, link);
	if (domid)
		store_watch_fire_special(s, STORE_SPECIAL_INTRO,
					 s->intro_perms);
	return 0;
fail:
	free(d);
	close(listen_fd);
	return err;
}

struct store_domain *store_domain_find(struct store *s, uint16_t domid)
{
	struct store_domain *d;

	LIST_FOREACH(d, &s->domains, link)
		if (d->domid == domid)
			return d;
	return NULL;
}

void store_released(struct store *s)
{
	store_watch_fire_special(s, STORE_SPECIAL_REL, s->rel_perms);
}

static int do_op(struct store *s, struct store_op *op)
{
	struct store_changes changes = { 0 };
	struct store_tree old;
	int err = store_tree_copy(&old, &s->tree);

	if (err)
		return err;
	err = store_op_apply(op, &s->tree, &changes);
	if (!err)
		store_watch_fire(s, NULL, &old, &changes);
	store_op_changes_free(&changes);
	store_tree_free(&old);
	return err;
}

int store_write(struct store *s, const char *path, const char *value)
{
	struct store_op op = { .kind = value ? STORE_OP_WRITE : STORE_OP_MKDIR,
			       .path = path };

	if (value) {
		op.value = value;
		op.len = strlen(value);
	}
	return do_op(s, &op);
}

int store_remove(struct store *s, const char *path)
{
	struct store_op op = { .kind = STORE_OP_RM, .path = path };

	return store_tree_find(&s->tree, path) ? do_op(s, &op) : 0;
}

int store_read(const struct store *s, const char *path, char *buf, size_t room)
{
	const struct store_node *n = store_tree_find(&s->tree, path);

	if (!n)
		return -ENOENT;
	if (n->value_len >= room)
		return -E2BIG;
	if (n->value_len)
		memcpy(buf, n->value, n->value_len);
	buf[n->value_len] = 0;
	return 0;
}

unsigned store_watchers(const struct store *s, uint16_t domid, const char *path)
{
	struct store_conn *c;
	struct store_watch *w;
	unsigned n = 0;

	LIST_FOREACH(c, &s->conns, link) {
		if (c->domain->domid != domid)
			continue;
		TAILQ_FOREACH(w, &c->watches, link)
			if (w->path[1] && store_path_is_below(path, w->path))
				break;
		n += w != NULL;
	}
	return n;
}

/* ---- the end of a domain ----------------------------------------------- */

/* The first thing found that still speaks of the domain. */
struct remains {
	uint16_t domid;
	bool owned; /* look for nodes it owns, else for its permissions */
	char path[STORE_PATH_MAX];
	struct store_perms *perms; /* without it */
};

static int look(void *arg, const char *path, const struct store_node *n)
{
	struct remains *r = arg;
	bool same;

	if (r->owned) {
		if (n->perms->entry[0].domid != r->domid)
			return 0;
	} else {
		r->perms = store_perms_without(n->perms, r->domid, &same);
		if (!r->perms)
			return same ? 0 : -ENOMEM;
	}
	strcpy(r->path, path);
	return 1;
}

static void forget_in(struct store_perms **perms, uint16_t domid)
{
	bool same;
	struct store_perms *p = store_perms_without(*perms, domid, &same);

	if (p) {
		store_perms_put(*perms);
		*perms = p;
	}
}

void store_domain_remove(struct store *s, uint16_t domid)
{
	struct remains r = { .domid = domid, .owned = true };
	struct store_domain *d = store_domain_find(s, domid);
	struct store_op op = { .kind = STORE_OP_SET_PERMS, .path = r.path };

	if (!d)
		return;
	domain_end(d);
	if (!domid)
		return; /* the store ends with it */
	while (store_tree_walk(&s->tree, "/", look, &r) == 1 && r.path[1])
		if (store_remove(s, r.path))
			break;
	forget_in(&s->intro_perms, domid);
	forget_in(&s->rel_perms, domid);
	r.owned = false;
	while (store_tree_walk(&s->tree, "/", look, &r) == 1) {
		int err;

		op.perms = r.perms;
		err = do_op(s, &op);
		store_perms_put(r.perms);
		if (err)
			break;
	}
	store_released(s);
}
