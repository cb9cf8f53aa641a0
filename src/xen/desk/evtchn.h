/* SPDX-License-Identifier: MIT */
/*
 * Event channels on the desk (xen.h, struct xen_evtchn_ops).
 *
 * Each port is two eventfds: rx wakes us, tx wakes the peer.  A handle is an
 * epoll set of its ports' rx, each armed for one event: when pending() has
 * taken a port it stays disarmed, that is masked, until unmask().  An event
 * that comes in between waits in the eventfd, as it does in Xen's pending
 * bit.  To notify is one write, and asks nobody.
 */
#ifndef XEN_DESK_EVTCHN_H
#define XEN_DESK_EVTCHN_H

#include "xen/xen.h"

int desk_port_open(struct xen_host *h, struct xen_evtchn **out);
void desk_port_close(struct xen_evtchn *e);
int desk_port_fd(struct xen_evtchn *e);
int desk_port_alloc(struct xen_evtchn *e, uint16_t remote);
int desk_port_bind(struct xen_evtchn *e, uint16_t remote, uint32_t remote_port);
int desk_port_unbind(struct xen_evtchn *e, uint32_t port);
int desk_port_notify(struct xen_evtchn *e, uint32_t port);
int desk_port_pending(struct xen_evtchn *e);
int desk_port_unmask(struct xen_evtchn *e, uint32_t port);

#define DESK_EVTCHN_OPS                                                        \
	{                                                                      \
		.open = desk_port_open, .close = desk_port_close,              \
		.fd = desk_port_fd, .alloc_unbound = desk_port_alloc,          \
		.bind_interdomain = desk_port_bind,                            \
		.unbind = desk_port_unbind, .notify = desk_port_notify,        \
		.pending = desk_port_pending, .unmask = desk_port_unmask,      \
	}

#endif
