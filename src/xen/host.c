/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "xen/desk/host.h"
#include "xen/libxen/host.h"
#include "xen/xen.h"

int xen_host_open(const char *spec, uint16_t domid, struct xen_host **out,
		  struct why *why)
{
	if (!strcmp(spec, "xen"))
		return libxen_host_open(out, why);
	if (!strncmp(spec, "desk:", 5) && spec[5])
		return desk_host_open(spec + 5, domid, out, why);
	return why_set(why, -EINVAL,
		       "\"%s\" is no host: it is \"xen\", or \"desk:DIR\" with "
		       "the directory of a desk",
		       spec);
}

void xen_host_close(struct xen_host *h)
{
	if (h)
		h->ops->close(h);
}
