/* SPDX-License-Identifier: MIT */
/*
 * Event channels.
 *
 * A channel has two ends, each a port of a domain.  An end is unbound while
 * its other end is not there: then the remote domain it names may bind to
 * it.  When one end closes, the other falls back to unbound for the same
 * domain, as in Xen 4.17, and a new process may bind to it again.
 *
 * A notification does not come here.  Each end has an eventfd that wakes its
 * owner; the process at either end holds its own to wait on and the other's
 * to write to.  Both live as long as the channel, so that after a rebind the
 * fds that the peer holds are still the right ones.
 */
#ifndef DESK_EVTCHN_H
#define DESK_EVTCHN_H

#include "desk/desk.h"

struct desk_channel {
	int wake[2]; /* eventfds: wake[i] wakes the owner of end[i] */
	struct desk_port *end[2];
};

struct desk_port {
	struct desk_channel *channel;
	int side; /* which end it is */
	uint32_t port;
	uint16_t remote; /* the domain at, or allowed at, the other end */
	struct desk_domain *domain;
	struct desk_conn *conn;
};

/* Each gives the new port, with fds[0] to wait on and fds[1] to notify by,
 * borrowed.  -ENOSPC, -ESRCH (no such domain), -EINVAL (that port is not
 * unbound for us). */
int desk_evtchn_alloc(struct desk_conn *c, uint16_t remote, int fds[2]);
int desk_evtchn_bind(struct desk_conn *c, uint16_t remote, uint32_t port,
		     int fds[2]);

/* -EINVAL if it is not a port of this process. */
int desk_evtchn_unbind(struct desk_conn *c, uint32_t port);
void desk_evtchn_unbind_all(struct desk_conn *c);

void desk_evtchn_count(const struct desk *d, uint32_t *unbound,
		       uint32_t *bound);

#endif
