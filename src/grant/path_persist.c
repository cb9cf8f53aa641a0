/* SPDX-License-Identifier: MIT */
/*
 * Persistent grants: a page is mapped, writable, when its gref is first seen
 * and stays mapped for the next request that names it (GR-47).
 *
 * What is kept is bounded three ways: keep_pages for this queue, the budget of
 * all queues, and time.  A page is kept while a request uses it; beyond that
 * the least recently used one goes first, and grant_space_idle() takes what
 * was not used since it last looked.  Where nothing may be kept a page is
 * mapped for its request only, so a full cache is slow and never an error.
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
	bool kept;	       /* counts against the bounds */
	bool fresh;	       /* used since the last idle look */
	struct xen_map map;    /* addr NULL: it could not be mapped */
};

#define NONE UINT32_MAX

struct persist_own {
	struct entry *entry;
	uint32_t entries;
	uint32_t free;
	uint32_t *hash;
	uint32_t hash_mask;
	uint32_t newest, oldest;
	/* Room for a batch. */
	struct xen_map *maps;
	struct entry **batch;
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
	if (!own->entry || !own->hash || !own->maps || !own->batch) {
		own->entries = 0;
		persist_close(s);
		return -ENOMEM;
	}
	memset(own->hash, 0xff, buckets * sizeof(*own->hash));
	own->free = own->newest = own->oldest = NONE;
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
	e->newer = e->older = NONE;
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

/* Unmap own->batch[0..n), which nothing uses, in one call. */
static void batch_drop(struct grant_space *s, unsigned n)
{
	struct persist_own *own = s->own;
	unsigned i;

	if (!n)
		return;
	for (i = 0; i < n; i++)
		own->maps[i] = own->batch[i]->map;
	s->gnttab->unmap(s->setup.gnttab, own->maps, n);
	for (i = 0; i < n; i++) {
		if (own->batch[i]->kept) {
			s->kept--;
			atomic_fetch_sub(&s->setup.budget->used, 1);
		}
		entry_free(own, own->batch[i]);
	}
	ev_grant_unmap(&s->setup.ev, 0, n);
	ev_grant_batch(&s->setup.ev, true, 0, n, 0);
}

/* An entry that was just mapped: is it to stay after its request? */
static void entry_keep(struct grant_space *s, struct entry *e)
{
	if (s->kept < s->setup.keep_pages && budget_take(s->setup.budget)) {
		e->kept = true;
		s->kept++;
	}
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
		if (!e->map.addr)
			entry_free(own, e); /* it was never mapped */
		else if (e->kept)
			order_add(own, e);
		else
			own->batch[n++] = e;
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

/* Map every entry of the batch that is not mapped yet, in one call. */
static int batch_map(struct grant_space *s, struct grant_use **uses, unsigned n)
{
	struct persist_own *own = s->own;
	unsigned i, m = 0, failed = 0;
	uint32_t j;
	int err;

	for (i = 0; i < n; i++) {
		unsigned before = m;

		for (j = 0; j < uses[i]->count; j++) {
			struct entry *e = uses[i]->segs[j].held;

			if (e->map.count)
				continue;
			e->map = (struct xen_map){ .domid = s->setup.domid,
						   .writable = true,
						   .count = 1 };
			s->grefs[m] = e->gref;
			own->maps[m] = e->map;
			own->maps[m].grefs = &s->grefs[m];
			own->maps[m].status = &s->status[m];
			own->batch[m++] = e;
		}
		uses[i]->map.count = m - before;
	}
	err = !m ? 0 : s->gnttab->map(s->setup.gnttab, own->maps, m);
	for (i = 0; i < m; i++) {
		own->batch[i]->map.addr = err < 0 ? NULL : own->maps[i].addr;
		if (own->batch[i]->map.addr)
			entry_keep(s, own->batch[i]);
		else
			failed++;
	}
	if (err >= 0)
		batch_tell(s, uses, n);
	if (m)
		ev_grant_batch(&s->setup.ev, false, n, m, failed);
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
