/* SPDX-License-Identifier: MIT */
/*
 * The daemon's main loop: finds the vbds of its domain by one watch on
 * backend/vbd, keeps one watch on each frontend's state, and lets each
 * device that something happened to take its steps.
 */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include "backend/vbd.h"
#include "base/why.h"
#include "xen/xen.h"

/*
 * Serve until SIGTERM or SIGINT, which must be blocked in the caller's
 * thread: then every device is closed in order, a frontend that does not
 * close is given config->grace_ms, and 0 is returned.  A second signal ends
 * the waiting.  -errno with a sentence if the host fails.
 */
int backend_run(struct xen_host *host, const struct vbd_config *config,
		struct why *why);

#endif
