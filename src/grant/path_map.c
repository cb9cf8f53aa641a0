/* SPDX-License-Identifier: MIT */
/*
 * Map per request: one mapping for all the pages of a request, made and
 * undone in batches, and undone before the request is answered (GR-46).
 */
#include "grant/path.h"

#include <errno.h>
#include <stdlib.h>

static int map_open(struct grant_space *s)
{
	s->own = calloc(s->setup.uses_max, sizeof(struct xen_map));
	return s->own ? 0 : -ENOMEM;
}

static void map_close(struct grant_space *s)
{
	free(s->own);
}

/* Where the bytes of each piece are, now that its pages are mapped. */
static void use_place(struct grant_use *u)
{
	uint8_t *page = u->map.addr;
	uint32_t i;

	for (i = 0; i < u->count; i++, page += XEN_PAGE_SIZE)
		u->segs[i].data = page + u->segs[i].off_bytes;
}

/* With `tell` it is found out which pages of a request are bad, page by page.
 */
static unsigned batch_fill(struct grant_space *s, struct grant_use **uses,
			   unsigned n, bool tell)
{
	struct xen_map *maps = s->own;
	unsigned i, pages = 0;
	uint32_t j;

	for (i = 0; i < n; i++) {
		const struct grant_use *u = uses[i];

		for (j = 0; j < u->count; j++)
			s->grefs[pages + j] = u->segs[j].gref;
		maps[i] = (struct xen_map){
			.domid = s->setup.domid,
			.writable = u->to_guest, /* GR-49 */
			.count = u->count,
			.grefs = s->grefs + pages,
			.status = tell ? s->status + pages : NULL,
		};
		pages += u->count;
	}
	return pages;
}

static int map_acquire(struct grant_space *s, struct grant_use **uses,
		       unsigned n)
{
	bool tell = ev_grant_map_on();
	unsigned pages = batch_fill(s, uses, n, tell), i, failed = 0;
	struct xen_map *maps = s->own;
	int err = s->gnttab->map(s->setup.gnttab, maps, n);

	for (i = 0; i < n; i++) {
		struct grant_use *u = uses[i];

		u->map = maps[i];
		u->error = err < 0 ? err : u->map.addr ? 0 : -EFAULT;
		if (!u->error)
			use_place(u);
		else
			failed++;
		if (err >= 0 && tell)
			ev_grant_map(&s->setup.ev, u->seq, u->to_guest,
				     u->map.grefs, u->count, u->map.status,
				     u->count);
		/* Both point into this batch's room, soon used again. */
		u->map.grefs = NULL;
		u->map.status = NULL;
	}
	ev_grant_batch(&s->setup.ev, false, n, pages, failed);
	return err < 0 ? err : 0;
}

static void map_release(struct grant_space *s, struct grant_use **uses,
			unsigned n)
{
	struct xen_map *maps = s->own;
	unsigned i, pages = 0;

	for (i = 0; i < n; i++) {
		maps[i] = uses[i]->map;
		pages += uses[i]->count;
	}
	s->gnttab->unmap(s->setup.gnttab, maps, n);
	for (i = 0; i < n; i++) {
		uses[i]->map.addr = NULL;
		ev_grant_unmap(&s->setup.ev, uses[i]->seq, uses[i]->count);
	}
	ev_grant_batch(&s->setup.ev, true, n, pages, 0);
}

const struct grant_path_ops grant_path_map = {
	.open = map_open,
	.close = map_close,
	.acquire = map_acquire,
	.release = map_release,
};
