/* SPDX-License-Identifier: MIT */
/*
 * Mapping grants on the desk (xen.h, struct xen_gnttab_ops).
 *
 * A handle reserves a window of addresses, one page for each entry of its
 * maptrack table; where in the window a page is mapped is its entry.  To map
 * is: under the granting domain's lock check and pin each grant, then map the
 * pages of the domain's memory over the reservation.  Nothing is allocated,
 * and nobody is asked.  Read-only mappings are read-only.  What is unmapped
 * faults, at once in strict mode and otherwise a little later (lazy.h).
 */
#ifndef XEN_DESK_GNTTAB_H
#define XEN_DESK_GNTTAB_H

#include "xen/xen.h"

int desk_gnttab_open(struct xen_host *h, struct xen_gnttab **out);
void desk_gnttab_close(struct xen_gnttab *g);
int desk_gnttab_map(struct xen_gnttab *g, struct xen_map *maps, unsigned n);
int desk_gnttab_unmap(struct xen_gnttab *g, struct xen_map *maps, unsigned n);
int desk_gnttab_copy(struct xen_gnttab *g, struct xen_copy *copies, unsigned n);

#define DESK_GNTTAB_OPS                                                        \
	{                                                                      \
		.open = desk_gnttab_open, .close = desk_gnttab_close,          \
		.map = desk_gnttab_map, .unmap = desk_gnttab_unmap,            \
		.copy = desk_gnttab_copy,                                      \
	}

#endif
