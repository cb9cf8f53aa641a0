/* SPDX-License-Identifier: MIT */
#include "xen/desk/gnttab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen/desk/host.h"
#include "xen/desk/lazy.h"
#include "xen/desk/pin.h"
#include "xen/desk/window.h"

struct xen_gnttab {
	LIST_ENTRY(xen_gnttab) link;
	struct desk_host *host;
	struct desk_track *track; /* of the window's pages, and of copies */
	uint32_t track_id;
	struct desk_views views;
	struct desk_window window;
	struct desk_lazy lazy;
};

static int16_t status_of(int err)
{
	return err == -ESRCH ? XEN_GNTST_BAD_DOMAIN : XEN_GNTST_GENERAL_ERROR;
}

/* ---- open and close ---------------------------------------------------- */

int desk_gnttab_open(struct xen_host *xh, struct xen_gnttab **out)
{
	struct desk_wire_request q = { .magic = DESK_WIRE_MAGIC,
				       .op = DESK_WIRE_TRACK_OPEN };
	struct desk_host *h = desk_host_of(xh);
	struct desk_wire_reply reply;
	struct xen_gnttab *g;
	int err, fd;

	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->host = h;
	g->views.host = h;
	err = desk_window_open(&g->window);
	if (err) {
		free(g);
		return err;
	}
	desk_lazy_init(&g->lazy, &g->window);
	err = desk_link_call(&h->link, &q, &reply, &fd, 1);
	if (err)
		goto fail;
	g->track_id = reply.value;
	g->track = mmap(NULL, DESK_TRACK_BYTES, PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);
	close(fd);
	if (g->track == MAP_FAILED) {
		err = -ENOMEM;
		goto fail; /* the table is the desk's until we are gone */
	}
	pthread_mutex_lock(&h->lock);
	LIST_INSERT_HEAD(&h->gnttabs, g, link);
	pthread_mutex_unlock(&h->lock);
	*out = g;
	return 0;
fail:
	desk_window_close(&g->window);
	free(g);
	return err;
}

/* Let go of what a handle that is closed has mapped. */
static void unpin_rest(struct xen_gnttab *g, struct desk_view *v)
{
	uint32_t i;

	if (desk_pin_lock(v))
		return;
	for (i = 0; i < DESK_TRACK_ENTRIES; i++)
		if (g->track[i].flags & DESK_TRACK_USED &&
		    g->track[i].domid == v->domid)
			desk_unpin(v, g->track[i].gref,
				   g->track[i].flags & DESK_TRACK_WRITE,
				   &g->track[i]);
	desk_pin_unlock(v);
}

void desk_gnttab_close(struct xen_gnttab *g)
{
	struct desk_wire_request q = { .magic = DESK_WIRE_MAGIC,
				       .op = DESK_WIRE_TRACK_CLOSE,
				       .arg = g->track_id };
	struct desk_wire_reply reply;

	desk_window_close(&g->window);
	while (g->views.count) {
		unpin_rest(g, g->views.view[0]);
		desk_views_forget(&g->views, 0);
	}
	munmap(g->track, DESK_TRACK_BYTES);
	/* If the desk is gone there is nothing to close. */
	desk_link_call(&g->host->link, &q, &reply, NULL, 0);
	pthread_mutex_lock(&g->host->lock);
	LIST_REMOVE(g, link);
	pthread_mutex_unlock(&g->host->lock);
	free(g->views.view);
	free(g);
}

/* ---- map --------------------------------------------------------------- */

/*
 * Pin the grants of one map for the pages from `page`.  All or none; but
 * each gets its status.
 */
static bool pin_all(struct xen_gnttab *g, struct desk_view *v,
		    struct xen_map *m, uint32_t page)
{
	uint16_t me = g->host->base.host.domid;
	uint32_t i, gref;
	bool good = true;
	int16_t status;

	for (i = 0; i < m->count; i++) {
		status = desk_pin(v, me, m->grefs[i], m->writable,
				  &g->track[page + i]);
		if (m->status)
			m->status[i] = status;
		good &= status == XEN_GNTST_OKAY;
	}
	if (good)
		return true;
	for (i = 0; i < m->count; i++) {
		if (!(g->track[page + i].flags & DESK_TRACK_USED))
			continue;
		gref = g->track[page + i].gref;
		desk_unpin(v, gref, m->writable, &g->track[page + i]);
	}
	return false;
}

static void status_fill(struct xen_map *m, int16_t status)
{
	uint32_t i;

	for (i = 0; m->status && i < m->count; i++)
		m->status[i] = status;
	m->addr = NULL;
}

/* Under the lock of the domain that is counted; read by the desk at any time.
 */
static void tally_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void tally_map(struct desk_tally *t, const struct xen_map *maps,
		      unsigned n)
{
	unsigned i;

	tally_add(&t->map_calls, 1);
	for (i = 0; i < n; i++) {
		if (!maps[i].addr)
			continue;
		tally_add(&t->pages_mapped, maps[i].count);
		if (maps[i].writable)
			tally_add(&t->pages_writable, maps[i].count);
	}
}

static uint32_t pinned_gfn(const struct xen_gnttab *g,
			   const struct desk_view *v, uint32_t page)
{
	return v->active->entry[g->track[page].gref].gfn;
}

/*
 * Put the pinned pages in their place, where they do not lie already: one
 * mmap for each run of gfns.
 */
static int place(struct xen_gnttab *g, struct desk_view *v,
		 const struct xen_map *m)
{
	int prot = PROT_READ | (m->writable ? PROT_WRITE : 0);
	uint32_t page = desk_window_page(&g->window, m->addr);
	uint32_t end = page + m->count, run, gfn;
	void *p;

	for (; page < end; page += run) {
		gfn = pinned_gfn(g, v, page);
		run = 1;
		if (g->lazy.gfn[page] == gfn)
			continue;
		while (page + run < end &&
		       pinned_gfn(g, v, page + run) == gfn + run)
			run++;
		p = mmap(desk_window_address(&g->window, page),
			 (size_t)run * XEN_PAGE_SIZE, prot,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, v->memory_fd,
			 (off_t)((uint64_t)gfn * XEN_PAGE_SIZE));
		if (p == MAP_FAILED)
			return -errno;
	}
	for (page = end - m->count; page < end; page++)
		g->lazy.gfn[page] = pinned_gfn(g, v, page);
	return 0;
}

/* Take back what place() could not finish. */
static void place_undo(struct xen_gnttab *g, struct desk_view *v,
		       struct xen_map *m)
{
	uint32_t page = desk_window_page(&g->window, m->addr), i;

	desk_window_reset(m->addr, (size_t)m->count * XEN_PAGE_SIZE);
	if (!desk_pin_lock(v)) {
		for (i = 0; i < m->count; i++)
			desk_unpin(v, g->track[page + i].gref, m->writable,
				   &g->track[page + i]);
		tally_add(&v->active->tally.pages_unmapped, m->count);
		desk_pin_unlock(v);
	}
	desk_window_give(&g->window, page, m->count);
	status_fill(m, XEN_GNTST_NO_SPACE);
}

/*
 * Room in the window for one map, and best where its pages lie already.  The
 * guest may change its entries until they are pinned: what is read here is
 * only where to look, and place() puts right what came out otherwise.
 */
static int64_t room(struct xen_gnttab *g, const struct desk_view *v,
		    const struct xen_map *m)
{
	uint32_t gfn[XEN_MAP_MAX], i;
	int64_t page;

	for (i = 0; i < m->count && m->grefs[i] < DESK_GRANT_ENTRIES; i++)
		gfn[i] = __atomic_load_n(&v->grant[m->grefs[i]].frame,
					 __ATOMIC_RELAXED);
	if (i == m->count && !g->lazy.strict) {
		page = desk_lazy_find(&g->lazy, v->serial, m->writable, gfn,
				      m->count);
		if (page >= 0)
			return page;
	}
	do {
		page = desk_window_take(&g->window, m->count);
	} while (page < 0 && desk_lazy_drop(&g->lazy));
	for (i = 0; page >= 0 && i < m->count; i++)
		g->lazy.gfn[page + i] = DESK_GFN_NONE;
	return page;
}

/* The map's room is free again; what lies there stays for the next one. */
static void leave(struct xen_gnttab *g, const struct desk_view *v,
		  const struct xen_map *m, uint32_t page)
{
	if (g->lazy.strict || g->lazy.gfn[page] == DESK_GFN_NONE)
		desk_window_give(&g->window, page, m->count);
	else
		desk_lazy_keep(&g->lazy, v->serial, m->writable, page,
			       m->count);
}

/* All of `n` maps are of one domain. */
static int map_domain(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	struct desk_view *v;
	int failed = 0, err;
	int64_t page;
	unsigned i;

	v = desk_views_lock(&g->views, maps[0].domid, &err);
	if (!v) {
		for (i = 0; i < n; i++)
			status_fill(&maps[i], status_of(err));
		return err == -EPIPE || err == -ENOMEM ? err : (int)n;
	}
	for (i = 0; i < n; i++) {
		maps[i].addr = NULL;
		if (!maps[i].count || maps[i].count > XEN_MAP_MAX) {
			status_fill(&maps[i], XEN_GNTST_GENERAL_ERROR);
			failed++;
			continue;
		}
		page = room(g, v, &maps[i]);
		if (page < 0) {
			status_fill(&maps[i], XEN_GNTST_NO_SPACE);
			failed++;
		} else if (pin_all(g, v, &maps[i], (uint32_t)page)) {
			maps[i].addr =
				desk_window_address(&g->window, (uint32_t)page);
		} else {
			leave(g, v, &maps[i], (uint32_t)page);
			failed++;
		}
	}
	tally_map(&v->active->tally, maps, n);
	desk_pin_unlock(v);
	for (i = 0; i < n; i++) {
		if (maps[i].addr && place(g, v, &maps[i])) {
			place_undo(g, v, &maps[i]);
			failed++;
		}
	}
	return failed;
}

static unsigned same_domain(const struct xen_map *maps, unsigned n)
{
	unsigned i;

	for (i = 1; i < n; i++)
		if (maps[i].domid != maps[0].domid)
			break;
	return i;
}

int desk_gnttab_map(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	int failed = 0, err;
	unsigned i, run;

	for (i = 0; i < n; i += run) {
		run = same_domain(maps + i, n - i);
		err = map_domain(g, maps + i, run);
		if (err < 0) {
			/* All or nothing is left when the desk is gone. */
			desk_gnttab_unmap(g, maps, i);
			return err;
		}
		failed += err;
	}
	return failed;
}

/* ---- unmap ------------------------------------------------------------- */

static int unmap_domain(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	struct desk_view *v;
	uint32_t page, i;
	unsigned m;
	int err;

	v = desk_views_lock(&g->views, maps[0].domid, &err);
	if (!v)
		return err;
	for (m = 0; m < n; m++) {
		if (!maps[m].addr)
			continue;
		page = desk_window_page(&g->window, maps[m].addr);
		for (i = 0; i < maps[m].count; i++)
			desk_unpin(v, g->track[page + i].gref, maps[m].writable,
				   &g->track[page + i]);
		tally_add(&v->active->tally.pages_unmapped, maps[m].count);
	}
	tally_add(&v->active->tally.unmap_calls, 1);
	desk_pin_unlock(v);
	for (m = 0; m < n; m++) {
		if (maps[m].addr)
			leave(g, v, &maps[m],
			      desk_window_page(&g->window, maps[m].addr));
		maps[m].addr = NULL;
	}
	return 0;
}

/* Maps that lie side by side, as a batch does, go in one call. */
static int reset_all(const struct xen_map *maps, unsigned n)
{
	uint8_t *start = NULL, *end = NULL, *addr;
	unsigned i;
	int err = 0;

	for (i = 0; i < n && !err; i++) {
		addr = maps[i].addr;
		if (!addr)
			continue;
		if (addr != end) {
			if (start)
				err = desk_window_reset(start,
							(size_t)(end - start));
			start = end = addr;
		}
		end += (size_t)maps[i].count * XEN_PAGE_SIZE;
	}
	if (start && !err)
		err = desk_window_reset(start, (size_t)(end - start));
	return err;
}

int desk_gnttab_unmap(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	unsigned i, run;
	int err, ret = 0;

	/* Out of reach before the guest may have the pages back. */
	if (g->lazy.strict)
		ret = reset_all(maps, n);
	for (i = 0; i < n; i += run) {
		run = same_domain(maps + i, n - i);
		err = unmap_domain(g, maps + i, run);
		if (err)
			ret = err;
	}
	/* Left where the domain could not be reached any more. */
	for (i = 0; i < n; i++) {
		if (!maps[i].addr)
			continue;
		desk_window_reset(maps[i].addr,
				  (size_t)maps[i].count * XEN_PAGE_SIZE);
		desk_window_give(&g->window,
				 desk_window_page(&g->window, maps[i].addr),
				 maps[i].count);
		maps[i].addr = NULL;
	}
	return ret;
}

/* ---- copy -------------------------------------------------------------- */

static void copy_data(struct xen_copy *c, uint8_t *page)
{
	if (c->to_guest)
		memcpy(page + c->off_bytes, c->local, c->len_bytes);
	else
		memcpy(c->local, page + c->off_bytes, c->len_bytes);
}

/* At most DESK_TRACK_COPIES copies of one domain; how many failed, or -errno.
 */
static int copy_domain(struct xen_gnttab *g, struct xen_copy *c, unsigned n)
{
	struct desk_track *track = g->track + DESK_WINDOW_PAGES;
	uint16_t me = g->host->base.host.domid;
	uint64_t gfn[DESK_TRACK_COPIES];
	struct desk_view *v;
	int failed = 0, err;
	uint8_t *whole;
	unsigned i;

	v = desk_views_lock(&g->views, c[0].domid, &err);
	for (i = 0; !v && i < n; i++)
		c[i].status = status_of(err);
	if (!v)
		return err == -EPIPE || err == -ENOMEM ? err : (int)n;
	for (i = 0; i < n; i++) {
		c[i].status =
			desk_pin(v, me, c[i].gref, c[i].to_guest, &track[i]);
		if (c[i].status == XEN_GNTST_OKAY)
			gfn[i] = v->active->entry[c[i].gref].gfn;
	}
	desk_pin_unlock(v);
	whole = desk_view_whole(g->host, v);
	for (i = 0; whole && i < n; i++)
		if (c[i].status == XEN_GNTST_OKAY)
			copy_data(&c[i], whole + gfn[i] * XEN_PAGE_SIZE);
	err = desk_pin_lock(v);
	if (err)
		return err;
	tally_add(&v->active->tally.copy_calls, 1);
	for (i = 0; i < n; i++) {
		if (c[i].status == XEN_GNTST_OKAY) {
			tally_add(&v->active->tally.pages_copied, 1);
			desk_unpin(v, c[i].gref, c[i].to_guest, &track[i]);
			if (!whole)
				c[i].status = XEN_GNTST_GENERAL_ERROR;
		}
		failed += c[i].status != XEN_GNTST_OKAY;
	}
	desk_pin_unlock(v);
	return failed;
}

int desk_gnttab_copy(struct xen_gnttab *g, struct xen_copy *copies, unsigned n)
{
	int failed = 0, err;
	unsigned i, run;

	/* Linux's driver refuses all for one that leaves its page. */
	for (i = 0; i < n; i++)
		if (copies[i].off_bytes + (uint32_t)copies[i].len_bytes >
		    XEN_PAGE_SIZE)
			return -EINVAL;
	for (i = 0; i < n; i += run) {
		for (run = 1; i + run < n && run < DESK_TRACK_COPIES; run++)
			if (copies[i + run].domid != copies[i].domid)
				break;
		err = copy_domain(g, copies + i, run);
		if (err < 0)
			return err;
		failed += err;
	}
	return failed;
}
