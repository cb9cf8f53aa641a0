/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <xenevtchn.h>

#include "xen/libxen/host.h"

struct xen_evtchn {
	LIST_ENTRY(xen_evtchn) link;
	struct libxen_host *host;
	xenevtchn_handle *xce;
};

static int result(int r)
{
	return r < 0 ? -errno : r;
}

int libxen_evtchn_open(struct xen_host *h, struct xen_evtchn **out)
{
	struct xen_evtchn *e = malloc(sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->xce = xenevtchn_open(libxen_quiet(), 0);
	if (!e->xce) {
		err = -errno;
		free(e);
		return err;
	}
	/* xenevtchn_pending() blocks where nothing is, unless told not to. */
	if (fcntl(xenevtchn_fd(e->xce), F_SETFL, O_NONBLOCK)) {
		err = -errno;
		xenevtchn_close(e->xce);
		free(e);
		return err;
	}
	e->host = libxen_host_of(h);
	pthread_mutex_lock(&e->host->lock);
	LIST_INSERT_HEAD(&e->host->evtchns, e, link);
	pthread_mutex_unlock(&e->host->lock);
	*out = e;
	return 0;
}

void libxen_evtchn_close(struct xen_evtchn *e)
{
	xenevtchn_close(e->xce); /* the driver unbinds its ports */
	pthread_mutex_lock(&e->host->lock);
	LIST_REMOVE(e, link);
	pthread_mutex_unlock(&e->host->lock);
	free(e);
}

int libxen_evtchn_fd(struct xen_evtchn *e)
{
	return xenevtchn_fd(e->xce);
}

int libxen_evtchn_alloc_unbound(struct xen_evtchn *e, uint16_t remote)
{
	return result(xenevtchn_bind_unbound_port(e->xce, remote));
}

int libxen_evtchn_bind_interdomain(struct xen_evtchn *e, uint16_t remote,
				   uint32_t remote_port)
{
	return result(xenevtchn_bind_interdomain(e->xce, remote, remote_port));
}

int libxen_evtchn_unbind(struct xen_evtchn *e, uint32_t port)
{
	return result(xenevtchn_unbind(e->xce, port));
}

int libxen_evtchn_notify(struct xen_evtchn *e, uint32_t port)
{
	return result(xenevtchn_notify(e->xce, port));
}

int libxen_evtchn_pending(struct xen_evtchn *e)
{
	return result(xenevtchn_pending(e->xce));
}

int libxen_evtchn_unmask(struct xen_evtchn *e, uint32_t port)
{
	return result(xenevtchn_unmask(e->xce, port));
}
