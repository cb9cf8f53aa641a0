/* SPDX-License-Identifier: MIT */
/* The pages of the shared ring itself, mapped for the life of a queue. */
#ifndef GRANT_RING_H
#define GRANT_RING_H

#include <stdint.h>

#include "base/why.h"
#include "trace/emit.h"
#include "xen/xen.h"

/*
 * Map the `count` pages of the shared ring, writable and at consecutive
 * addresses.  On failure the sentence names the gref that could not be
 * mapped and why.
 */
int grant_ring_map(struct xen_gnttab *g, const struct xen_host *host,
		   uint16_t domid, const uint32_t *grefs, unsigned count,
		   const struct ev_origin *ev, struct xen_map *map,
		   struct why *why);
void grant_ring_unmap(struct xen_gnttab *g, const struct xen_host *host,
		      const struct ev_origin *ev, struct xen_map *map);

/* The name of a GNTST status. */
const char *grant_status_name(int status);

#endif
