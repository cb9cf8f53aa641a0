/* SPDX-License-Identifier: MIT */
#include "grant/ring.h"

#include <errno.h>
#include <string.h>

int grant_ring_map(struct xen_gnttab *g, const struct xen_host *host,
		   uint16_t domid, const uint32_t *grefs, unsigned count,
		   const struct ev_origin *ev, struct xen_map *map,
		   struct why *why)
{
	int16_t status[XEN_MAP_MAX] = { 0 };
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
