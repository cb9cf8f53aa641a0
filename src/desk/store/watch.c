/* SPDX-License-Identifier: MIT */
#include "desk/store/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "desk/store/path.h"
#include "desk/store/quota.h"
#include "desk/store/wire.h"

static bool readable(const struct store_tree *t, const char *path,
		     uint16_t domid)
{
	const struct store_node *n = store_tree_find(t, path);

	return n && store_perms_rights(n->perms, domid) & STORE_PERMS_READ;
}

static bool may_hear(const struct store *s, const struct store_tree *old,
		     const char *path, uint16_t domid)
{
	char parent[STORE_PATH_MAX];

	if (domid == 0 || readable(&s->tree, path, domid) ||
	    readable(old, path, domid))
		return true;
	strcpy(parent, path);
	parent[store_path_parent_len(parent)] = 0;
	return readable(&s->tree, parent, domid) ||
	       readable(old, parent, domid);
}

void store_watch_tell(struct store_conn *c, const struct store_watch *w,
		      const char *path, struct store_domain *cause)
{
	/* A relative watch hears relative paths; of a parent, its own. */
	size_t base = strlen(path) > w->base ? w->base : 0;

	store_wire_event(c, path + base, w->token, cause);
}

void store_watch_fire(struct store *s, struct store_domain *cause,
		      const struct store_tree *old,
		      const struct store_changes *changes)
{
	const struct store_change *change;
	struct store_conn *c, *next;
	struct store_watch *w;
	unsigned i;
	int heard;

	for (i = 0; i < changes->count; i++) {
		change = &changes->list[i];
		for (c = LIST_FIRST(&s->conns); c; c = next) {
			next = LIST_NEXT(c, link);
			heard = -1;
			TAILQ_FOREACH(w, &c->watches, link) {
				if (change->exact
					    ? strcmp(change->path, w->path) != 0
					    : !store_path_is_below(change->path,
								   w->path))
					continue;
				if (heard < 0)
					heard = may_hear(s, old, change->path,
							 c->domain->domid);
				if (heard)
					store_watch_tell(c, w, change->path,
							 cause);
			}
		}
	}
}

void store_watch_fire_special(struct store *s, const char *name,
			      const struct store_perms *perms)
{
	struct store_conn *c;
	struct store_watch *w;

	LIST_FOREACH(c, &s->conns, link) {
		if (!(store_perms_rights(perms, c->domain->domid) &
		      STORE_PERMS_READ))
			continue;
		TAILQ_FOREACH(w, &c->watches, link)
			if (!strcmp(name, w->path))
				store_wire_event(c, name, w->token, NULL);
	}
}

static struct store_watch *watch_find(struct store_conn *c, const char *path,
				      const char *token)
{
	struct store_watch *w;

	TAILQ_FOREACH(w, &c->watches, link)
		if (!strcmp(w->path, path) && !strcmp(w->token, token))
			return w;
	return NULL;
}

int store_watch_add(struct store_conn *c, const char *path, size_t base,
		    const char *token, struct store_watch **out)
{
	size_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;
	struct store_watch *w;

	if (watch_find(c, path, token))
		return -EEXIST;
	if (c->domain->domid && c->domain->watches >= STORE_QUOTA_WATCHES)
		return -E2BIG;
	w = malloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->path = malloc(path_len + token_len);
	if (!w->path) {
		free(w);
		return -ENOMEM;
	}
	memcpy(w->path, path, path_len);
	w->token = w->path + path_len;
	memcpy(w->token, token, token_len);
	w->base = base;
	/* Watches fire in the order in which they were set. */
	TAILQ_INSERT_TAIL(&c->watches, w, link);
	c->domain->watches++;
	c->domain->store->watches++;
	*out = w;
	return 0;
}

static void watch_free(struct store_conn *c, struct store_watch *w)
{
	TAILQ_REMOVE(&c->watches, w, link);
	c->domain->watches--;
	c->domain->store->watches--;
	free(w->path);
	free(w);
}

int store_watch_remove(struct store_conn *c, const char *path,
		       const char *token)
{
	struct store_watch *w = watch_find(c, path, token);

	if (!w)
		return -ENOENT;
	watch_free(c, w);
	return 0;
}

void store_watch_remove_all(struct store_conn *c)
{
	while (!TAILQ_EMPTY(&c->watches))
		watch_free(c, TAILQ_FIRST(&c->watches));
}
