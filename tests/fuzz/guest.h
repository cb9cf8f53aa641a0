/* SPDX-License-Identifier: MIT */
/*
 * A guest of 16 pages in this process.  What is mapped of it is a copy that
 * ASan watches, and when it is unmapped, what was changed goes back; so a
 * piece that leaves its page is seen, and so is a write through a mapping that
 * was to be read only.
 */
#ifndef TESTS_FUZZ_GUEST_H
#define TESTS_FUZZ_GUEST_H

#include <errno.h>

#include "fuzz.h"
#include "xen/xen.h"

#define GUEST_PAGES 16u
#define GUEST_BYTES (GUEST_PAGES * XEN_PAGE_SIZE)
#define GUEST_MAPS  64u /* at a time */

static uint8_t guest[GUEST_BYTES];

/* A mapping that is not undone. */
static struct guest_mapping {
	uint8_t *pages;	 /* NULL: this entry is free */
	uint8_t *before; /* what they held */
	uint32_t grefs[1024];
} guest_mapping[GUEST_MAPS];
static unsigned guest_maps; /* how many */

static struct guest_mapping *guest_mapping_of(const void *pages)
{
	unsigned i;

	for (i = 0; i < GUEST_MAPS; i++)
		if (guest_mapping[i].pages == pages)
			return &guest_mapping[i];
	fuzz_check(false, "GR-46: what is unmapped was mapped");
	return NULL;
}

static bool guest_grefs_check(struct xen_map *m)
{
	bool good = true;
	uint32_t i;

	fuzz_check(m->count && m->count <= 1024, "pages of one mapping");
	for (i = 0; i < m->count; i++) {
		bool is = m->grefs[i] < GUEST_PAGES;

		if (m->status)
			m->status[i] =
				is ? XEN_GNTST_OKAY : XEN_GNTST_BAD_GNTREF;
		good &= is;
	}
	return good;
}

static int guest_map(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	unsigned failed = 0;

	(void)g;
	for (; n--; maps++) {
		size_t len = maps->count * (size_t)XEN_PAGE_SIZE;
		struct guest_mapping *to;
		uint32_t i;

		maps->addr = NULL;
		if (!guest_grefs_check(maps)) {
			failed++;
			continue;
		}
		to = guest_mapping_of(NULL);
		to->pages = malloc(len);
		to->before = malloc(len);
		fuzz_check(to->pages && to->before, "memory");
		for (i = 0; i < maps->count; i++) {
			to->grefs[i] = maps->grefs[i];
			memcpy(to->pages + i * XEN_PAGE_SIZE,
			       guest + to->grefs[i] * XEN_PAGE_SIZE,
			       XEN_PAGE_SIZE);
		}
		memcpy(to->before, to->pages, len);
		maps->addr = to->pages;
		guest_maps++;
	}
	return (int)failed;
}

/* What changed of these bytes of a mapping goes where they are of. */
static void guest_write(const struct guest_mapping *from, size_t off,
			size_t len)
{
	uint8_t *page =
		guest + from->grefs[off / XEN_PAGE_SIZE] * XEN_PAGE_SIZE;

	for (; len--; off++)
		if (from->pages[off] != from->before[off])
			page[off % XEN_PAGE_SIZE] = from->pages[off];
}

static int guest_unmap(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	(void)g;
	for (; n--; maps++) {
		struct guest_mapping *from = guest_mapping_of(maps->addr);
		size_t i, len = maps->count * (size_t)XEN_PAGE_SIZE;

		fuzz_check(maps->writable ||
				   !memcmp(from->pages, from->before, len),
			   "GR-49: nothing is written to read-only pages");
		for (i = 0; maps->writable && i < len; i += 512)
			if (memcmp(from->pages + i, from->before + i, 512))
				guest_write(from, i, 512);
		free(from->pages);
		free(from->before);
		from->pages = from->before = NULL;
		maps->addr = NULL;
		guest_maps--;
	}
	return 0;
}

static int guest_copy(struct xen_gnttab *g, struct xen_copy *c, unsigned n)
{
	int failed = 0;

	(void)g;
	for (; n--; c++) {
		uint8_t *page = guest;

		fuzz_check(c->off_bytes + c->len_bytes <= (int)XEN_PAGE_SIZE,
			   "GR-50: a copy stays inside the guest's page");
		fuzz_check(((uintptr_t)c->local & (XEN_PAGE_SIZE - 1)) +
					   c->len_bytes <=
				   XEN_PAGE_SIZE,
			   "GR-50: a copy stays inside our page");
		c->status = c->gref < GUEST_PAGES ? XEN_GNTST_OKAY
						  : XEN_GNTST_BAD_GNTREF;
		if (!c->status)
			page += c->gref * XEN_PAGE_SIZE;
		if (c->status)
			failed++;
		else if (c->to_guest)
			memcpy(page + c->off_bytes, c->local, c->len_bytes);
		else
			memcpy(c->local, page + c->off_bytes, c->len_bytes);
	}
	return failed;
}

static int guest_notify(struct xen_evtchn *e, uint32_t port)
{
	(void)e;
	(void)port;
	return 0;
}

static const struct xen_ops guest_ops = {
	.gnttab = { .map = guest_map,
		    .unmap = guest_unmap,
		    .copy = guest_copy },
	.evtchn = { .notify = guest_notify },
};
static struct xen_host guest_host = { .ops = &guest_ops };

#endif
