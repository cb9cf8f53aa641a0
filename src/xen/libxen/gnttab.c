/* SPDX-License-Identifier: MIT */
/*
 * libxengnttab says of a batch that it failed, but not of which page.  Pages
 * are then tried one by one, only to learn their status; errno is all it
 * gives, so that the reasons of Xen come out as GENERAL_ERROR.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xengnttab.h>

#include "xen/libxen/host.h"

#define COPY_BATCH 64u

struct xen_gnttab {
	LIST_ENTRY(xen_gnttab) link;
	struct libxen_host *host;
	xengnttab_handle *xgt;
};

int libxen_gnttab_open(struct xen_host *h, struct xen_gnttab **out)
{
	struct xen_gnttab *g = malloc(sizeof(*g));
	int err;

	if (!g)
		return -ENOMEM;
	g->xgt = xengnttab_open(libxen_quiet(), 0);
	if (!g->xgt) {
		err = -errno;
		free(g);
		return err;
	}
	g->host = libxen_host_of(h);
	pthread_mutex_lock(&g->host->lock);
	LIST_INSERT_HEAD(&g->host->gnttabs, g, link);
	pthread_mutex_unlock(&g->host->lock);
	*out = g;
	return 0;
}

void libxen_gnttab_close(struct xen_gnttab *g)
{
	xengnttab_close(g->xgt); /* the driver unmaps what is left */
	pthread_mutex_lock(&g->host->lock);
	LIST_REMOVE(g, link);
	pthread_mutex_unlock(&g->host->lock);
	free(g);
}

static void *map_some(struct xen_gnttab *g, const struct xen_map *m,
		      const uint32_t *grefs, uint32_t count)
{
	int prot = PROT_READ | (m->writable ? PROT_WRITE : 0);

	/* The library does not change the references; it lacks a const. */
	return xengnttab_map_domain_grant_refs(
		g->xgt, count, m->domid, (uint32_t *)(uintptr_t)grefs, prot);
}

static int16_t status_of(int err)
{
	return err == ENOMEM || err == ENOSPC ? XEN_GNTST_NO_SPACE
					      : XEN_GNTST_GENERAL_ERROR;
}

/* After a batch failed as a whole with `err`: which of its pages fail. */
static void find_status(struct xen_gnttab *g, struct xen_map *m, int err)
{
	bool found = false;
	uint32_t i;
	void *p;

	if (!m->status)
		return;
	for (i = 0; i < m->count; i++) {
		p = map_some(g, m, &m->grefs[i], 1);
		m->status[i] = p ? XEN_GNTST_OKAY : status_of(errno);
		found |= !p;
		if (p)
			xengnttab_unmap(g->xgt, p, 1);
	}
	/* Each one alone is fine: it was the batch, or the guest mended it. */
	for (i = 0; !found && i < m->count; i++)
		m->status[i] = status_of(err);
}

int libxen_gnttab_map(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	int failed = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		struct xen_map *m = &maps[i];

		m->addr = NULL;
		errno = EINVAL;
		if (m->count && m->count <= XEN_MAP_MAX)
			m->addr = map_some(g, m, m->grefs, m->count);
		if (m->addr) {
			if (m->status)
				memset(m->status, 0,
				       m->count * sizeof(*m->status));
			continue;
		}
		failed++;
		find_status(g, m, errno);
	}
	return failed;
}

int libxen_gnttab_unmap(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	int err = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (maps[i].addr &&
		    xengnttab_unmap(g->xgt, maps[i].addr, maps[i].count))
			err = -errno;
		maps[i].addr = NULL;
	}
	return err;
}

static void segment_fill(xengnttab_grant_copy_segment_t *s,
			 const struct xen_copy *c)
{
	union xengnttab_copy_ptr guest = {
		.foreign = { .ref = c->gref,
			     .offset = c->off_bytes,
			     .domid = c->domid },
	};
	union xengnttab_copy_ptr local = { .virt = c->local };

	memset(s, 0, sizeof(*s));
	s->source = c->to_guest ? local : guest;
	s->dest = c->to_guest ? guest : local;
	s->len = c->len_bytes;
	s->flags = c->to_guest ? GNTCOPY_dest_gref : GNTCOPY_source_gref;
}

int libxen_gnttab_copy(struct xen_gnttab *g, struct xen_copy *copies,
		       unsigned n)
{
	xengnttab_grant_copy_segment_t seg[COPY_BATCH];
	int failed = 0;
	unsigned i, j, run;

	for (i = 0; i < n; i += run) {
		run = n - i < COPY_BATCH ? n - i : COPY_BATCH;
		for (j = 0; j < run; j++)
			segment_fill(&seg[j], &copies[i + j]);
		if (xengnttab_grant_copy(g->xgt, run, seg))
			return -errno;
		for (j = 0; j < run; j++) {
			copies[i + j].status = seg[j].status;
			failed += seg[j].status != GNTST_okay;
		}
	}
	return failed;
}
