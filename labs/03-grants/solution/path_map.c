/* SPDX-License-Identifier: MIT */
/*
 * Lab 3: from grant references to memory, and back.
 *
 * A guest lends its pages by number: entry `gref` of its grant table says
 * which domain may have which page, and whether it may write there.  The
 * hypervisor maps such a page where we can read and write it, as long as we
 * want; and as long as it is mapped the guest cannot have it back.
 *
 * grant_space_acquire() calls map_acquire() with the requests (uses) that
 * start now, before the disk sees them; grant_space_release() calls
 * map_release() with those that are done, before they are answered.  What
 * both owe their caller is said in grant/space.h.
 *
 * A call of the hypervisor is dear, a page in it is cheap; so there is one
 * call for a batch, however many requests are in it.
 */
#include "grant/path.h"

#include <errno.h>
#include <stdlib.h>

/* s->own is this file's: room for the maps of the largest batch. */
static int map_open(struct grant_space *s)
{
	s->own = calloc(s->setup.uses_max, sizeof(struct xen_map));
	return s->own ? 0 : -ENOMEM;
}

static void map_close(struct grant_space *s)
{
	free(s->own);
}

/* ---- acquire ------------------------------------------------------------ */

/*
 * What to ask of the hypervisor for one use.  Its part of the batch's room
 * (s->grefs, s->status) begins at entry `at` and has u->count entries.
 */
static struct xen_map use_ask(struct grant_space *s, const struct grant_use *u,
			      unsigned at)
{
	struct xen_map m = { .domid = s->setup.domid, .count = u->count };

	/*
	 * TODO 1/5: Fill in the rest: the grant references of all segments,
	 * where the hypervisor may put their statuses, and whether the pages
	 * have to be writable (GR-49).  Who writes into a page whose data goes
	 * to the guest?
	 */
	for (uint32_t i = 0; i < u->count; i++)
		s->grefs[at + i] = u->segs[i].gref;
	m.grefs = s->grefs + at;
	m.status = s->status + at;
	m.writable = u->to_guest;
	return m;
	/* SKELETON: m.grefs = s->grefs + at; */
	/* SKELETON: return m; */
	/* END 1 */
}

/*
 * The hypervisor was asked: the call returned `err`, and `m` is what it made
 * of this use.
 */
static void use_answer(struct grant_space *s, struct grant_use *u,
		       const struct xen_map *m, int err)
{
	/*
	 * TODO 2/5: Keep the map for the release, and set u->error: the call's
	 * error if it failed as a whole, -EFAULT if this map failed, else 0.
	 * A map that failed is nobody else's affair (XSA-361); nothing of it
	 * is mapped any more.  Then, unless the call failed as a whole, tell:
	 * ev_grant_map(&s->setup.ev, seq, writable, grefs, count, statuses,
	 * count).  At last forget grefs and status in the map that is kept:
	 * their room is the next batch's.
	 */
	u->map = *m;
	if (err < 0)
		u->error = err;
	else
		u->error = m->addr ? 0 : -EFAULT;
	if (err >= 0)
		ev_grant_map(&s->setup.ev, u->seq, u->to_guest, m->grefs,
			     u->count, m->status, u->count);
	u->map.grefs = NULL;
	u->map.status = NULL;
	/* SKELETON: (void)s; */
	/* SKELETON: (void)m; */
	/* SKELETON: u->error = err < 0 ? err : -EFAULT; */
	/* END 2 */
}

/* The pages of this use are mapped, one behind the other from u->map.addr. */
static void use_place(struct grant_use *u)
{
	/*
	 * TODO 3/5: Say of each segment where its bytes are (data).  Page i of
	 * the map is segment i's; the bytes begin at off_bytes in it.
	 */
	uint8_t *page = u->map.addr;

	for (uint32_t i = 0; i < u->count; i++) {
		u->segs[i].data = page + u->segs[i].off_bytes;
		page += XEN_PAGE_SIZE;
	}
	/* SKELETON: for (uint32_t i = 0; i < u->count; i++) */
	/* SKELETON:	u->segs[i].data = u->map.addr; */
	/* END 3 */
}

/* Map a batch.  What xen/xen.h says that map() returns. */
static int batch_map(struct grant_space *s, struct xen_map *maps, unsigned n)
{
	/*
	 * TODO 4/5: Ask the hypervisor, once: s->gnttab->map() of xen/xen.h,
	 * with the handle s->setup.gnttab.
	 */
	return s->gnttab->map(s->setup.gnttab, maps, n);
	/* SKELETON: (void)s; */
	/* SKELETON: (void)maps; */
	/* SKELETON: (void)n; */
	/* SKELETON: return -ENOSYS; */
	/* END 4 */
}

static int map_acquire(struct grant_space *s, struct grant_use **uses,
		       unsigned n)
{
	struct xen_map *maps = s->own;
	unsigned i, pages = 0, failed = 0;
	int err;

	for (i = 0; i < n; i++) {
		maps[i] = use_ask(s, uses[i], pages);
		pages += uses[i]->count;
	}
	err = batch_map(s, maps, n);
	for (i = 0; i < n; i++) {
		use_answer(s, uses[i], &maps[i], err);
		if (uses[i]->error)
			failed++;
		else
			use_place(uses[i]);
	}
	ev_grant_batch(&s->setup.ev, false, n, pages, failed);
	return err < 0 ? err : 0;
}

/* ---- release ------------------------------------------------------------ */

static void map_release(struct grant_space *s, struct grant_use **uses,
			unsigned n)
{
	struct xen_map *maps = s->own;
	unsigned i, pages = 0;

	for (i = 0; i < n; i++) {
		maps[i] = uses[i]->map;
		pages += uses[i]->count;
	}
	/*
	 * TODO 5/5: Unmap the batch by one call, now: when this function
	 * returns, the requests are answered, and a frontend that takes back a
	 * page and finds it mapped stops using the disk (GR-46).  Then forget
	 * each use's address, and tell: ev_grant_unmap(&s->setup.ev, seq,
	 * count) for each, and ev_grant_batch() as above, but unmapped.
	 */
	s->gnttab->unmap(s->setup.gnttab, maps, n);
	for (i = 0; i < n; i++) {
		uses[i]->map.addr = NULL;
		ev_grant_unmap(&s->setup.ev, uses[i]->seq, uses[i]->count);
	}
	ev_grant_batch(&s->setup.ev, true, n, pages, 0);
	/* SKELETON: (void)pages; */
	/* END 5 */
}

const struct grant_path_ops grant_path_map = {
	.open = map_open,
	.close = map_close,
	.acquire = map_acquire,
	.release = map_release,
};
