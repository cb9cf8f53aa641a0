/* SPDX-License-Identifier: MIT */
/*
 * The data path "map per request": one mapping for all the pages of a
 * request, made and undone in batches.
 */
#include "grant/space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct grant_space {
	struct xen_gnttab *g;
	const struct xen_gnttab_ops *ops;
	uint16_t domid;
	unsigned uses_max;
	unsigned segs_max;
	struct ev_origin ev;
	/* Room for one batch. */
	struct xen_map *maps; /* uses_max */
	uint32_t *grefs;      /* uses_max * segs_max */
	int16_t *status;      /* uses_max * segs_max */
};

int grant_space_open(struct grant_space **out, struct xen_gnttab *g,
		     const struct xen_host *host, uint16_t domid,
		     unsigned uses_max, unsigned segs_max,
		     const struct ev_origin *ev, struct why *why)
{
	struct grant_space *s = calloc(1, sizeof(*s));
	size_t pages = (size_t)uses_max * segs_max;

	if (!s)
		goto nomem;
	s->g = g;
	s->ops = &host->ops->gnttab;
	s->domid = domid;
	s->uses_max = uses_max;
	s->segs_max = segs_max;
	s->ev = *ev;
	s->maps = calloc(uses_max, sizeof(*s->maps));
	s->grefs = calloc(pages, sizeof(*s->grefs));
	s->status = calloc(pages, sizeof(*s->status));
	if (!s->maps || !s->grefs || !s->status)
		goto nomem;
	*out = s;
	return 0;
nomem:
	grant_space_close(s);
	return why_set(why, -ENOMEM, "no memory for %zu grants", pages);
}

void grant_space_close(struct grant_space *s)
{
	if (!s)
		return;
	free(s->maps);
	free(s->grefs);
	free(s->status);
	free(s);
}

/* Where the bytes of each piece are, now that its pages are mapped. */
static void use_place(struct grant_use *u)
{
	uint8_t *page = u->map.addr;
	uint32_t i;

	for (i = 0; i < u->count; i++, page += XEN_PAGE_SIZE)
		u->segs[i].data = page + u->segs[i].off_bytes;
}

int grant_space_acquire(struct grant_space *s, struct grant_use **uses,
			unsigned n)
{
	unsigned i, failed = 0, pages = 0;
	int err;

	for (i = 0; i < n; i++) {
		struct grant_use *u = uses[i];
		size_t at = (size_t)i * s->segs_max;
		uint32_t j;

		for (j = 0; j < u->count; j++)
			s->grefs[at + j] = u->segs[j].gref;
		pages += u->count;
		s->maps[i] = (struct xen_map){
			.domid = s->domid,
			.writable = u->to_guest,
			.count = u->count,
			.grefs = s->grefs + at,
			.status = s->status + at,
		};
	}

	err = s->ops->map(s->g, s->maps, n);

	for (i = 0; i < n; i++) {
		struct grant_use *u = uses[i];

		u->map = s->maps[i];
		u->error = err < 0 ? err : u->map.addr ? 0 : -EFAULT;
		if (!u->error)
			use_place(u);
		else
			failed++;
		if (err >= 0)
			ev_grant_map(&s->ev, u->seq, u->to_guest, u->map.grefs,
				     u->count, u->map.status, u->count);
		/* Both point into this batch's room, soon used again. */
		u->map.grefs = NULL;
		u->map.status = NULL;
	}
	ev_grant_batch(&s->ev, false, n, pages, failed);
	return err < 0 ? err : 0;
}

void grant_space_release(struct grant_space *s, struct grant_use **uses,
			 unsigned n)
{
	unsigned i, pages = 0;

	if (!n)
		return;
	for (i = 0; i < n; i++) {
		s->maps[i] = uses[i]->map;
		pages += uses[i]->count;
	}
	s->ops->unmap(s->g, s->maps, n);
	for (i = 0; i < n; i++) {
		uses[i]->map.addr = NULL;
		ev_grant_unmap(&s->ev, uses[i]->seq, uses[i]->count);
		uses[i]->count = 0;
	}
	ev_grant_batch(&s->ev, true, n, pages, 0);
}

int grant_ring_map(struct xen_gnttab *g, const struct xen_host *host,
		   uint16_t domid, const uint32_t *grefs, unsigned count,
		   const struct ev_origin *ev, struct xen_map *map,
		   struct why *why)
{
	int16_t status[XEN_MAP_MAX] = {0};
	unsigned i;
	int err;

	*map = (struct xen_map){
		.domid = domid,
		.writable = true,
		.count = count,
		.grefs = grefs,
		.status = status,
	};
	err = host->ops->gnttab.map(g, map, 1);
	map->grefs = NULL;
	map->status = NULL;
	if (err < 0)
		return why_set(why, err, "cannot map the ring: %s",
			       strerror(-err));
	ev_grant_map(ev, 0, true, grefs, count, status, count);
	if (map->addr)
		return 0;
	for (i = 0; i + 1 < count && !status[i]; i++)
		;
	return why_set(why, -EFAULT,
		       "cannot map the ring: grant %u of domain "
		       "%u was refused (%s)",
		       grefs[i], domid, grant_status_name(status[i]));
}

void grant_ring_unmap(struct xen_gnttab *g, const struct xen_host *host,
		      const struct ev_origin *ev, struct xen_map *map)
{
	uint32_t count = map->count;

	if (!map->addr)
		return;
	host->ops->gnttab.unmap(g, map, 1);
	ev_grant_unmap(ev, 0, count);
}

const char *grant_status_name(int status)
{
	switch (status) {
	case XEN_GNTST_OKAY:
		return "okay";
	case XEN_GNTST_GENERAL_ERROR:
		return "general error";
	case XEN_GNTST_BAD_DOMAIN:
		return "bad domain";
	case XEN_GNTST_BAD_GNTREF:
		return "bad grant reference";
	case XEN_GNTST_NO_DEVICE_SPACE:
		return "no space";
	case XEN_GNTST_PERMISSION_DENIED:
		return "permission denied";
	case XEN_GNTST_BAD_COPY_ARG:
		return "bad copy argument";
	default:
		return "unknown status";
	}
}
