/* SPDX-License-Identifier: MIT */
/*
 * One end of an event channel, owned by one queue's thread.
 *
 * Taking a notification masks the port, and it stays masked while the queue
 * works: a frontend that notifies in a loop wakes us once a round at most
 * (XSA-332).  Before sleeping the port is unmasked; what came meanwhile is
 * pending then, so nothing is lost.
 */
#ifndef BACKEND_CHANNEL_H
#define BACKEND_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "trace/emit.h"
#include "xen/xen.h"

struct channel {
	struct xen_evtchn *evtchn;
	const struct xen_evtchn_ops *ops;
	uint32_t port; /* ours */
	bool masked;   /* taken, and not unmasked since */
	struct ev_origin ev;
	uint64_t sent;
	uint64_t received;
	uint64_t spurious; /* received without work (RG-32) */
};

/*
 * Bind a new port to `remote_port` of `domid`.  Where that is no port to bind
 * to, *rule is the rule that the frontend broke.
 */
int channel_open(struct channel *c, struct xen_host *host, uint16_t domid,
		 uint32_t remote_port, const struct ev_origin *ev,
		 const char **rule, struct why *why);
void channel_close(struct channel *c);

/* Readable when channel_take() has something. */
int channel_fd(const struct channel *c);

/* 1: a notification was taken.  0: there is none.  -errno: the host failed. */
int channel_take(struct channel *c);

/*
 * Before sleeping, after the ring's final check.  `worked` tells whether the
 * notification taken had brought work.
 */
int channel_rearm(struct channel *c, bool worked);

int channel_notify(struct channel *c);

#endif
