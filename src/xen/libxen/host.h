/* SPDX-License-Identifier: MIT */
/*
 * A Xen host: libxenstore, libxenevtchn and libxengnttab, each as thin as
 * xen.h allows.
 */
#ifndef XEN_LIBXEN_HOST_H
#define XEN_LIBXEN_HOST_H

#include <pthread.h>
#include <sys/queue.h>

#include "xen/store.h"

struct libxen_host {
	struct store_host base;
	pthread_mutex_t lock;		 /* of what stands below */
	LIST_HEAD(, xen_evtchn) evtchns; /* open handles */
	LIST_HEAD(, xen_gnttab) gnttabs;
};

static inline struct libxen_host *libxen_host_of(struct xen_host *h)
{
	return (struct libxen_host *)h;
}

/* See xen_host_open(). */
int libxen_host_open(struct xen_host **out, struct why *why);

/*
 * The libraries report every failed mapping on stderr, and a guest can
 * provoke as many as it likes: this logger keeps quiet.
 */
struct xentoollog_logger *libxen_quiet(void);

int libxen_evtchn_open(struct xen_host *h, struct xen_evtchn **out);
void libxen_evtchn_close(struct xen_evtchn *e);
int libxen_evtchn_fd(struct xen_evtchn *e);
int libxen_evtchn_alloc_unbound(struct xen_evtchn *e, uint16_t remote);
int libxen_evtchn_bind_interdomain(struct xen_evtchn *e, uint16_t remote,
				   uint32_t remote_port);
int libxen_evtchn_unbind(struct xen_evtchn *e, uint32_t port);
int libxen_evtchn_notify(struct xen_evtchn *e, uint32_t port);
int libxen_evtchn_pending(struct xen_evtchn *e);
int libxen_evtchn_unmask(struct xen_evtchn *e, uint32_t port);

#define LIBXEN_EVTCHN_OPS                                                      \
	{                                                                      \
		.open = libxen_evtchn_open, .close = libxen_evtchn_close,      \
		.fd = libxen_evtchn_fd,                                        \
		.alloc_unbound = libxen_evtchn_alloc_unbound,                  \
		.bind_interdomain = libxen_evtchn_bind_interdomain,            \
		.unbind = libxen_evtchn_unbind,                                \
		.notify = libxen_evtchn_notify,                                \
		.pending = libxen_evtchn_pending,                              \
		.unmask = libxen_evtchn_unmask,                                \
	}

int libxen_gnttab_open(struct xen_host *h, struct xen_gnttab **out);
void libxen_gnttab_close(struct xen_gnttab *g);
int libxen_gnttab_map(struct xen_gnttab *g, struct xen_map *maps, unsigned n);
int libxen_gnttab_unmap(struct xen_gnttab *g, struct xen_map *maps, unsigned n);
int libxen_gnttab_copy(struct xen_gnttab *g, struct xen_copy *copies,
		       unsigned n);

#define LIBXEN_GNTTAB_OPS                                                      \
	{                                                                      \
		.open = libxen_gnttab_open, .close = libxen_gnttab_close,      \
		.map = libxen_gnttab_map, .unmap = libxen_gnttab_unmap,        \
		.copy = libxen_gnttab_copy,                                    \
	}

#endif
