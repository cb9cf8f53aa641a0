/* SPDX-License-Identifier: MIT */
/*
 * Persistent grants: a page is mapped, writable, when its gref is first seen
 * and stays mapped for the next request that names it (GR-47).
 *
 * What is kept is bounded three ways: keep_pages for this queue, the budget of
 * all queues, and time.  A page is kept while a request uses it; beyond that
 * the least recently used one goes first, and grant_space_idle() takes what
 * was not used since it last looked.  Where nothing may be kept the pages of a
 * request are mapped for it only, so a full cache is slow and never an error;
 * and by one mapping (a group), for a process may have so many of them only,
 * and each page that is kept is one.
 *
 * The entries are hashed by gref with open chains; all are allocated at the
 * start: one for each page that may be kept and one for each that may be in
 * use at once.
 */
#include "grant/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	uint64_t seq; /* the request that used it last */
	uint32_t gref;
	uint32_t uses;	       /* of requests in flight */
	uint32_t next_hash;    /* chain, or the list of free ones */
	uint32_t newer, older; /* of those no request uses */
	uint32_t group;	       /* of own->group, or NONE: mapped alone */
	bool kept;	       /* counts against the bounds */
	bool fresh;	       /* used since the last idle look */
	struct xen_map map;    /* addr NULL: it could not be mapped */
};

#define NONE UINT32_MAX

/* Pages that were mapped together, and are unmapped together. */
struct group {
	struct xen_map map;
	uint32_t entries; /* that requests use */
	uint32_t next;	  /* of the free ones */
};

struct persist_own {
	struct entry *entry;
	uint32_t entries;
	uint32_t free;
	uint32_t *hash;
	uint32_t hash_mask;
	uint32_t newest, oldest;
	struct group *group; /* as many as pages may be in use */
	uint32_t group_free;
	/* Room for a batch. */
	struct xen_map *maps;
	struct entry **batch; /* each alone */
	struct group **groups;
	unsigned ngroups;
};

static void persist_close(struct grant_space *s);

static int persist_open(struct grant_space *s)
{
	struct persist_own *own = calloc(1, sizeof(*own));
	uint32_t buckets = 64, i;

	s->own = own;
	if (!own)
		return -ENOMEM;
	own->entries = s->setup.pages_max + s->setup.keep_pages;
	while (buckets < own->entries)
		buckets *= 2;
	own->hash_mask = buckets - 1;
	own->entry = calloc(own->entries, sizeof(*own->entry));
	own->hash = calloc(buckets, sizeof(*own->hash));
	own->maps = calloc(own->entries, sizeof(*own->maps));
	own->batch = calloc(own->entries, sizeof(*own->batch));
	own->group = calloc(s->setup.pages_max, sizeof(*own->group));
	own->groups = calloc(s->setup.pages_max, sizeof(*own->groups));
	if (!own->entry || !own->hash || !own->maps || !own->batch ||
	    !own->group || !own->groups) {
		own->entries = 0;
		persist_close(s);
		return -ENOMEM;
	}
	memset(own->hash, 0xff, buckets * sizeof(*own->hash));
	own->free = own->newest = own->oldest = own->group_free = NONE;
	for (i = 0; i < s->setup.pages_max; i++) {
		own->group[i].next = own->group_free;
		own->group_free = i;
	}
	for (i = 0; i < own->entries; i++) {
		own->entry[i].next_hash = own->free;
		own->free = i;
	}
	return 0;
}

/* ---- hash and order of use ---------------------------------------------- */

static uint32_t *bucket(struct persist_own *own, uint32_t gref)
{
	return &own->hash[(gref * 2654435761u >> 7) & own->hash_mask];
}

static struct entry *entry_find(struct persist_own *own, uint32_t gref)
{
	uint32_t at = *bucket(own, gref);

	while (at != NONE && own->entry[at].gref != gref)
		at = own->entry[at].next_hash;
	return at == NONE ? NULL : &own->entry[at];
}

static struct entry *entry_new(struct persist_own *own, uint32_t gref)
{
	uint32_t at = own->free, *head = bucket(own, gref);
	struct entry *e = &own->entry[at];

	own->free = e->next_hash;
	memset(e, 0, sizeof(*e));
	e->gref = gref;
	e->newer = e->older = e->group = NONE;
	e->next_hash = *head;
	*head = at;
	return e;
}

static void entry_free(struct persist_own *own, struct entry *e)
{
	uint32_t at = (uint32_t)(e - own->entry), *link = bucket(own, e->gref);

	while (*link != at)
		link = &own->entry[*link].next_hash;
	*link = e->next_hash;
	e->map.addr = NULL;
	e->next_hash = own->free;
	own->free = at;
}

static void order_add(struct persist_own *own, struct entry *e)
{
	uint32_t at = (uint32_t)(e - own->entry);

	e->newer = NONE;
	e->older = own->newest;
	if (own->newest != NONE)
		own->entry[own->newest].newer = at;
	else
		own->oldest = at;
	own->newest = at;
}

static void order_remove(struct persist_own *own, struct entry *e)
{
	if (e->newer != NONE)
		own->entry[e->newer].older = e->older;
	else
		own->newest = e->older;
	if (e->older != NONE)
		own->entry[e->older].newer = e->newer;
	else
		own->oldest = e->newer;
}

/* ---- keeping and letting go --------------------------------------------- */

static bool budget_take(struct grant_budget *b)
{
	unsigned used = atomic_load_explicit(&b->used, memory_order_relaxed);

	while (used < b->max_pages)
		if (atomic_compare_exchange_weak(&b->used, &used, used + 1))
			return true;
	return false;
}

static uint32_t group_new(struct persist_own *own)
{
	uint32_t at = own->group_free;

	own->group_free = own->group[at].next;
	own->group[at].entries = 0;
	return at;
}

static void group_free(struct persist_own *own, struct group *g)
{
	g->next = own->group_free;
	own->group_free = (uint32_t)(g - own->group);
}

/* Unmap own->batch[0..n) and own->groups, which nothing uses, in one call. */
static void batch_drop(struct grant_space *s, unsigned n)
{
	struct persist_own *own = s->own;
	uint32_t pages = n;
	unsigned i;

	if (!n && !own->ngroups)
		return;
	for (i = 0; i < n; i++)
		own->maps[i] = own->batch[i]->map;
	for (i = 0; i < own->ngroups; i++) {
		own->maps[n + i] = own->groups[i]->map;
		pages += own->groups[i]->map.count;
	}
	s->gnttab->unmap(s->setup.gnttab, own->maps, n + own->ngroups);
	for (i = 0; i < own->ngroups; i++)
		group_free(own, own->groups[i]);
	own->ngroups = 0;
	for (i = 0; i < n; i++) {
		if (own->batch[i]->kept) {
			s->kept--;
			atomic_fetch_sub(&s->setup.budget->used, 1);
		}
		entry_free(own, own->batch[i]);
	}
	ev_grant_unmap(&s->setup.ev, 0, pages);
	ev_grant_batch(&s->setup.ev, true, 0, pages, 0);
}

/* An entry that is to be mapped: is it to stay after its request? */
static bool entry_keep(struct grant_space *s, struct entry *e)
{
	e->kept = s->kept < s->setup.keep_pages && budget_take(s->setup.budget);
	s->kept += e->kept;
	return e->kept;
}

/* It could not be mapped. */
static void entry_unkeep(struct grant_space *s, struct entry *e)
{
	if (!e->kept)
		return;
	e->kept = false;
	s->kept--;
	atomic_fetch_sub(&s->setup.budget->used, 1);
}

static void persist_close(struct grant_space *s)
{
	struct persist_own *own = s->own;
	uint32_t i;
	unsigned n = 0;

	for (i = 0; i < own->entries; i++)
		if (own->entry[i].map.addr)
			own->batch[n++] = &own->entry[i];
	batch_drop(s, n);
	free(own->entry);
	free(own->hash);
	free(own->maps);
	free(own->batch);
	free(own->group);
	free(own->groups);
	free(own);
}

static bool persist_idle(struct grant_space *s)
{
	struct persist_own *own = s->own;
	unsigned n = 0;
	uint32_t at, newer;

	for (at = own->oldest; at != NONE; at = newer) {
		struct entry *e = &own->entry[at];

		newer = e->newer;
		if (!e->fresh) {
			order_remove(own, e);
			own->batch[n++] = e;
		}
		e->fresh = false;
	}
	batch_drop(s, n);
	return s->kept > 0;
}

/* ---- acquire and release ------------------------------------------------ */

/* Make room for `need` new entries by letting the least used ones go. */
static void room_make(struct grant_space *s, unsigned need)
{
	struct persist_own *own = s->own;
	unsigned n = 0;

	while (own->oldest != NONE && s->kept - n > 0 &&
	       s->kept - n + need > s->setup.keep_pages) {
		struct entry *e = &own->entry[own->oldest];

		order_remove(own, e);
		own->batch[n++] = e;
	}
	batch_drop(s, n);
}

/* Take hold of the entries of one use; new ones are not mapped yet. */
static unsigned use_hold(struct persist_own *own, struct grant_use *u)
{
	unsigned fresh = 0;
	uint32_t i;

	u->shared = false;
	for (i = 0; i < u->count; i++) {
		struct entry *e = entry_find(own, u->segs[i].gref);

		if (!e) {
			e = entry_new(own, u->segs[i].gref);
			fresh++;
		} else if (!e->uses) {
			order_remove(own, e);
		} else if (e->seq != u->seq) {
			u->shared = true; /* GR-48 */
			u->shared_gref = e->gref;
		}
		e->seq = u->seq;
		e->uses++;
		e->fresh = true;
		u->segs[i].held = e;
	}
	return fresh;
}

/*
 * Let go of the entries of one use.  Those that no other request uses go
 * back into the order, or into own->batch from `n` on if they are not kept.
 */
static unsigned use_drop(struct persist_own *own, struct grant_use *u,
			 unsigned n)
{
	uint32_t i;

	for (i = 0; i < u->count; i++) {
		struct entry *e = u->segs[i].held;

		if (--e->uses)
			continue;
		if (e->group != NONE) {
			struct group *g = &own->group[e->group];

			if (!--g->entries)
				own->groups[own->ngroups++] = g;
			entry_free(own, e);
		} else if (!e->map.addr) {
			entry_free(own, e); /* it was never mapped */
		} else if (e->kept) {
			order_add(own, e);
		} else {
			own->batch[n++] = e;
		}
	}
	return n;
}

/* What was mapped for each use, and what was still there. */
static void batch_tell(struct grant_space *s, struct grant_use **uses,
		       unsigned n)
{
	unsigned i, at = 0;

	for (i = 0; i < n; i++) {
		const struct grant_use *u = uses[i];
		uint32_t mapped = u->map.count;

		if (mapped)
			ev_grant_map(&s->setup.ev, u->seq, true, s->grefs + at,
				     mapped, s->status + at, mapped);
		if (mapped < u->count)
			ev_grant_reuse(&s->setup.ev, u->seq, u->count - mapped);
		at += mapped;
	}
}

/* What one use needs mapped, behind what others of the batch need. */
struct wanted {
	unsigned maps, pages;
};

static void want(struct grant_space *s, struct wanted *w, struct entry *e,
		 bool alone)
{
	struct persist_own *own = s->own;

	s->grefs[w->pages] = e->gref;
	own->batch[w->pages] = e;
	if (alone)
		own->maps[w->maps++] =
			(struct xen_map){ .domid = s->setup.domid,
					  .writable = true,
					  .grefs = &s->grefs[w->pages],
					  .status = &s->status[w->pages] };
	own->maps[w->maps - 1].count++;
	e->map = (struct xen_map){ .domid = s->setup.domid,
				   .writable = true,
				   .count = 1 };
	w->pages++;
}

/* First the pages that are kept, each alone; then all others together. */
static void use_want(struct grant_space *s, struct grant_use *u,
		     struct wanted *w)
{
	struct persist_own *own = s->own;
	uint32_t group = NONE, j;
	unsigned before = w->pages;

	for (j = 0; j < u->count; j++) {
		struct entry *e = u->segs[j].held;

		if (!e->map.count && entry_keep(s, e))
			want(s, w, e, true);
	}
	for (j = 0; j < u->count; j++) {
		struct entry *e = u->segs[j].held;

		if (e->map.count)
			continue;
		want(s, w, e, group == NONE);
		if (group == NONE)
			group = group_new(own);
		e->group = group;
		own->group[group].entries++;
	}
	u->map.count = w->pages - before;
}

/*
 * A group with a bad page: another request may name one of its good ones, and
 * is not to fail with it.  Each alone, then.
 */
static unsigned group_split(struct grant_space *s, const struct xen_map *all,
			    struct entry **entry)
{
	unsigned failed = 0;
	uint32_t i;

	for (i = 0; i < all->count; i++) {
		struct xen_map one = { .domid = all->domid,
				       .writable = true,
				       .count = 1,
				       .grefs = &all->grefs[i],
				       .status = &all->status[i] };

		if (s->gnttab->map(s->setup.gnttab, &one, 1) < 0)
			one.addr = NULL;
		entry[i]->map.addr = one.addr;
		failed += !one.addr;
	}
	return failed;
}

/*
 * What own->maps[at] became, which is of own->batch[page] and those behind it;
 * how many of these could not be mapped.
 */
static unsigned map_place(struct grant_space *s, unsigned at, unsigned page,
			  bool split)
{
	struct persist_own *own = s->own;
	const struct xen_map *m = &own->maps[at];
	struct entry **entry = &own->batch[page];
	struct group *group =
		entry[0]->group == NONE ? NULL : &own->group[entry[0]->group];
	uint32_t i;

	for (i = 0; m->addr && i < m->count; i++)
		entry[i]->map.addr = (uint8_t *)m->addr + i * XEN_PAGE_SIZE;
	if (group && m->addr)
		group->map = (struct xen_map){ .addr = m->addr,
					       .domid = m->domid,
					       .writable = true,
					       .count = m->count };
	if (m->addr)
		return 0;
	if (!group) {
		entry_unkeep(s, entry[0]);
		return 1;
	}
	group_free(own, group);
	for (i = 0; i < m->count; i++)
		entry[i]->group = NONE;
	return split && m->count > 1 ? group_split(s, m, entry) : m->count;
}

/* Map every entry of the batch that is not mapped yet, in one call. */
static int batch_map(struct grant_space *s, struct grant_use **uses, unsigned n)
{
	struct persist_own *own = s->own;
	struct wanted w = { 0 };
	unsigned i, page, failed = 0;
	int err;

	for (i = 0; i < n; i++)
		use_want(s, uses[i], &w);
	err = !w.maps ? 0 : s->gnttab->map(s->setup.gnttab, own->maps, w.maps);
	for (i = page = 0; i < w.maps; page += own->maps[i++].count) {
		if (err < 0)
			own->maps[i].addr = NULL;
		failed += map_place(s, i, page, err >= 0);
	}
	if (err >= 0)
		batch_tell(s, uses, n);
	if (w.pages)
		ev_grant_batch(&s->setup.ev, false, n, w.pages, failed);
	return err < 0 ? err : 0;
}

static int persist_acquire(struct grant_space *s, struct grant_use **uses,
			   unsigned n)
{
	struct persist_own *own = s->own;
	unsigned i, fresh = 0, drop = 0;
	uint32_t j;
	int err;

	for (i = 0; i < n; i++)
		fresh += use_hold(own, uses[i]);
	if (fresh)
		room_make(s, fresh);
	err = batch_map(s, uses, n);
	for (i = 0; i < n; i++) {
		struct grant_use *u = uses[i];

		u->error = 0;
		for (j = 0; j < u->count; j++) {
			struct entry *e = u->segs[j].held;

			if (e->map.addr)
				u->segs[j].data = (uint8_t *)e->map.addr +
						  u->segs[j].off_bytes;
			else
				u->error = err ? err : -EFAULT;
		}
	}
	/* XSA-371: the good pages of a bad request are kept all the same. */
	for (i = 0; i < n; i++)
		if (uses[i]->error)
			drop = use_drop(own, uses[i], drop);
	batch_drop(s, drop);
	return err;
}

static void persist_release(struct grant_space *s, struct grant_use **uses,
			    unsigned n)
{
	unsigned i, drop = 0;

	for (i = 0; i < n; i++)
		drop = use_drop(s->own, uses[i], drop);
	batch_drop(s, drop);
}

const struct grant_path_ops grant_path_persist = {
	.open = persist_open,
	.close = persist_close,
	.acquire = persist_acquire,
	.release = persist_release,
	.idle = persist_idle,
	.tells_shared = true,
};
