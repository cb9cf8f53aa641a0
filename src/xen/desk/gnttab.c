/* SPDX-License-Identifier: MIT */
#include "xen/desk/gnttab.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen/desk/host.h"
#include "xen/desk/pin.h"

#define WINDOW_PAGES DESK_TRACK_ENTRIES
#define WINDOW_BYTES ((size_t)WINDOW_PAGES * XEN_PAGE_SIZE)
#define WORDS	     (WINDOW_PAGES / 64)
/* Copies note what they pin in entries of their own: the first ones. */
#define COPY_BATCH 64u

struct xen_gnttab {
	LIST_ENTRY(xen_gnttab) link;
	struct desk_host *host;
	uint8_t *window;
	struct desk_track *track; /* one for each page of the window */
	uint32_t track_id;
	uint32_t next; /* where the search for room begins */
	unsigned views;
	struct desk_view **view;
	uint64_t used[WORDS]; /* pages of the window */
};

/* ---- the window -------------------------------------------------------- */

/* The last used page of [first, first + count), or -1. */
static int64_t used_last(const struct xen_gnttab *g, uint32_t first,
			 uint32_t count)
{
	uint32_t end = first + count, w = (end - 1) / 64;
	uint64_t bits = g->used[w];

	if (end % 64)
		bits &= (1ull << (end % 64)) - 1;
	while (!bits) {
		if (w == first / 64)
			return -1;
		bits = g->used[--w];
	}
	end = w * 64 + 63 - (uint32_t)__builtin_clzll(bits);
	return end >= first ? (int64_t)end : -1;
}

static void used_set(struct xen_gnttab *g, uint32_t first, uint32_t count,
		     bool used)
{
	for (; count; first++, count--) {
		if (used)
			g->used[first / 64] |= 1ull << (first % 64);
		else
			g->used[first / 64] &= ~(1ull << (first % 64));
	}
}

static int64_t room_find(const struct xen_gnttab *g, uint32_t from, uint32_t to,
			 uint32_t count)
{
	int64_t last;

	while (from + count <= to) {
		last = used_last(g, from, count);
		if (last < 0)
			return from;
		from = (uint32_t)last + 1;
	}
	return -1;
}

/* First page of a free run, now taken; -1 if there is none. */
static int64_t room_take(struct xen_gnttab *g, uint32_t count)
{
	int64_t at = room_find(g, g->next, WINDOW_PAGES, count);

	if (at < 0)
		at = room_find(g, 0, WINDOW_PAGES, count);
	if (at < 0)
		return -1;
	used_set(g, (uint32_t)at, count, true);
	g->next = (uint32_t)at + count;
	return at;
}

static void *address(const struct xen_gnttab *g, uint32_t page)
{
	return g->window + (size_t)page * XEN_PAGE_SIZE;
}

static uint32_t page_of(const struct xen_gnttab *g, const void *addr)
{
	size_t off = (size_t)((const uint8_t *)addr - g->window);

	assert(off < WINDOW_BYTES && off % XEN_PAGE_SIZE == 0);
	return (uint32_t)(off / XEN_PAGE_SIZE);
}

/* Make addresses fault again. */
static int window_reset(void *addr, size_t bytes)
{
	void *p = mmap(addr, bytes, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
		       -1, 0);

	return p == MAP_FAILED ? -errno : 0;
}

/* ---- views of other domains -------------------------------------------- */

static void view_forget(struct xen_gnttab *g, unsigned i)
{
	desk_view_put(g->host, g->view[i]);
	g->view[i] = g->view[--g->views];
}

/*
 * The domain's view with its lock held, or NULL with *err.  The lock is the
 * moment at which the domain is known to live.
 */
static struct desk_view *view_lock(struct xen_gnttab *g, uint16_t domid,
				   int *err)
{
	struct desk_view **list, *v;
	unsigned i;

	for (;;) {
		for (i = 0; i < g->views; i++)
			if (g->view[i]->domid == domid)
				break;
		if (i == g->views) {
			list = realloc(g->view, (i + 1) * sizeof(*list));
			*err = list ? 0 : -ENOMEM;
			if (!list)
				return NULL;
			g->view = list;
			*err = desk_view_get(g->host, domid, &list[i]);
			if (*err)
				return NULL;
			g->views++;
		}
		v = g->view[i];
		*err = desk_pin_lock(v);
		if (*err)
			return NULL;
		if (!desk_view_dead(v))
			return v;
		/* Nothing of it is mapped, or it would not be dead. */
		desk_pin_unlock(v);
		view_forget(g, i);
	}
}

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
	g->window = mmap(NULL, WINDOW_BYTES, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (g->window == MAP_FAILED) {
		free(g);
		return -ENOMEM;
	}
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
	used_set(g, 0, COPY_BATCH, true);
	pthread_mutex_lock(&h->lock);
	LIST_INSERT_HEAD(&h->gnttabs, g, link);
	pthread_mutex_unlock(&h->lock);
	*out = g;
	return 0;
fail:
	munmap(g->window, WINDOW_BYTES);
	free(g);
	return err;
}

/* Let go of what a handle that is closed has mapped. */
static void unpin_rest(struct xen_gnttab *g, struct desk_view *v)
{
	uint32_t i;

	if (desk_pin_lock(v))
		return;
	for (i = 0; i < WINDOW_PAGES; i++)
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

	munmap(g->window, WINDOW_BYTES);
	while (g->views) {
		unpin_rest(g, g->view[0]);
		view_forget(g, 0);
	}
	munmap(g->track, DESK_TRACK_BYTES);
	/* If the desk is gone there is nothing to close. */
	desk_link_call(&g->host->link, &q, &reply, NULL, 0);
	pthread_mutex_lock(&g->host->lock);
	LIST_REMOVE(g, link);
	pthread_mutex_unlock(&g->host->lock);
	free(g->view);
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

/* Put the pinned pages in their place: one mmap for each run of gfns. */
static int place(struct xen_gnttab *g, struct desk_view *v,
		 const struct xen_map *m)
{
	int prot = PROT_READ | (m->writable ? PROT_WRITE : 0);
	uint32_t page = page_of(g, m->addr), i, run;
	uint64_t gfn;
	void *p;

	for (i = 0; i < m->count; i += run) {
		gfn = v->active->entry[g->track[page + i].gref].gfn;
		for (run = 1; i + run < m->count; run++)
			if (v->active->entry[g->track[page + i + run].gref]
				    .gfn != gfn + run)
				break;
		p = mmap(address(g, page + i), (size_t)run * XEN_PAGE_SIZE,
			 prot, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
			 v->memory_fd, (off_t)(gfn * XEN_PAGE_SIZE));
		if (p == MAP_FAILED)
			return -errno;
	}
	return 0;
}

/* Take back what place() could not finish. */
static void place_undo(struct xen_gnttab *g, struct desk_view *v,
		       struct xen_map *m)
{
	uint32_t page = page_of(g, m->addr), i;

	window_reset(m->addr, (size_t)m->count * XEN_PAGE_SIZE);
	if (!desk_pin_lock(v)) {
		for (i = 0; i < m->count; i++)
			desk_unpin(v, g->track[page + i].gref, m->writable,
				   &g->track[page + i]);
		desk_pin_unlock(v);
	}
	used_set(g, page, m->count, false);
	status_fill(m, XEN_GNTST_NO_SPACE);
}

/* All of `n` maps are of one domain. */
static int map_domain(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	struct desk_view *v;
	int failed = 0, err;
	int64_t page;
	unsigned i;

	v = view_lock(g, maps[0].domid, &err);
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
		page = room_take(g, maps[i].count);
		if (page < 0) {
			status_fill(&maps[i], XEN_GNTST_NO_SPACE);
			failed++;
		} else if (pin_all(g, v, &maps[i], (uint32_t)page)) {
			maps[i].addr = address(g, (uint32_t)page);
		} else {
			used_set(g, (uint32_t)page, maps[i].count, false);
			failed++;
		}
	}
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

static int unpin_domain(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	struct desk_view *v;
	uint32_t page, i;
	unsigned m;
	int err;

	v = view_lock(g, maps[0].domid, &err);
	if (!v)
		return err;
	for (m = 0; m < n; m++) {
		if (!maps[m].addr)
			continue;
		page = page_of(g, maps[m].addr);
		for (i = 0; i < maps[m].count; i++)
			desk_unpin(v, g->track[page + i].gref, maps[m].writable,
				   &g->track[page + i]);
	}
	desk_pin_unlock(v);
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
				err = window_reset(start,
						   (size_t)(end - start));
			start = end = addr;
		}
		end += (size_t)maps[i].count * XEN_PAGE_SIZE;
	}
	if (start && !err)
		err = window_reset(start, (size_t)(end - start));
	return err;
}

int desk_gnttab_unmap(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	unsigned i, run;
	int err, ret;

	/* Out of reach before the guest may have the pages back. */
	ret = reset_all(maps, n);
	for (i = 0; i < n; i += run) {
		run = same_domain(maps + i, n - i);
		err = unpin_domain(g, maps + i, run);
		if (err)
			ret = err;
	}
	for (i = 0; i < n; i++) {
		if (maps[i].addr)
			used_set(g, page_of(g, maps[i].addr), maps[i].count,
				 false);
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

/* At most COPY_BATCH copies of one domain; how many failed, or -errno. */
static int copy_domain(struct xen_gnttab *g, struct xen_copy *c, unsigned n)
{
	uint16_t me = g->host->base.host.domid;
	uint64_t gfn[COPY_BATCH];
	struct desk_view *v;
	int failed = 0, err;
	uint8_t *whole;
	unsigned i;

	v = view_lock(g, c[0].domid, &err);
	for (i = 0; !v && i < n; i++)
		c[i].status = status_of(err);
	if (!v)
		return err == -EPIPE || err == -ENOMEM ? err : (int)n;
	for (i = 0; i < n; i++) {
		if (c[i].off_bytes + (uint32_t)c[i].len_bytes > XEN_PAGE_SIZE)
			c[i].status = XEN_GNTST_BAD_COPY_ARG;
		else
			c[i].status = desk_pin(v, me, c[i].gref, c[i].to_guest,
					       &g->track[i]);
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
	for (i = 0; i < n; i++) {
		if (c[i].status == XEN_GNTST_OKAY) {
			desk_unpin(v, c[i].gref, c[i].to_guest, &g->track[i]);
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

	for (i = 0; i < n; i += run) {
		for (run = 1; i + run < n && run < COPY_BATCH; run++)
			if (copies[i + run].domid != copies[i].domid)
				break;
		err = copy_domain(g, copies + i, run);
		if (err < 0)
			return err;
		failed += err;
	}
	return failed;
}
