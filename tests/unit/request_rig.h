/* SPDX-License-Identifier: MIT */
/*
 * A guest of 16 pages in this process: a gnttab that maps them, and refuses
 * grefs that are none.
 */
#ifndef TESTS_REQUEST_RIG_H
#define TESTS_REQUEST_RIG_H

#include <stdlib.h>
#include <string.h>

#include "xen/xen.h"

#define GUEST_PAGES 16u
#define BAD_GREF    99u

static uint8_t guest[GUEST_PAGES * XEN_PAGE_SIZE];
static uint8_t ring_page[XEN_PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned live_maps, calls;
static bool last_writable;

/* Mapped as a copy, so that use after unmap is seen by ASan. */
static int fake_map(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	unsigned i, failed = 0;
	uint32_t j;

	(void)g;
	calls++;
	for (i = 0; i < n; i++) {
		bool good = true;

		for (j = 0; j < maps[i].count; j++) {
			bool ok = maps[i].grefs[j] < GUEST_PAGES;

			if (maps[i].status)
				maps[i].status[j] = ok ? XEN_GNTST_OKAY
						       : XEN_GNTST_BAD_GNTREF;
			good &= ok;
		}
		maps[i].addr = NULL;
		failed += !good;
		if (!good)
			continue;
		maps[i].addr = malloc((size_t)maps[i].count * XEN_PAGE_SIZE);
		for (j = 0; j < maps[i].count; j++)
			memcpy((uint8_t *)maps[i].addr + j * XEN_PAGE_SIZE,
			       guest + maps[i].grefs[j] * XEN_PAGE_SIZE,
			       XEN_PAGE_SIZE);
		last_writable = maps[i].writable;
		live_maps++;
	}
	return (int)failed;
}

static int fake_unmap(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	unsigned i;

	(void)g;
	for (i = 0; i < n; i++) {
		assert_non_null(maps[i].addr);
		free(maps[i].addr);
		maps[i].addr = NULL;
		live_maps--;
	}
	return 0;
}

static const struct xen_ops ops = {
	.gnttab = { .map = fake_map, .unmap = fake_unmap },
};
static struct xen_host host = { .ops = &ops };

#endif
