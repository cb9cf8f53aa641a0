/* SPDX-License-Identifier: MIT */
/*
 * A vbd's connection to its frontend: from what both sides wrote to queues
 * that serve their rings, and back to nothing.  In the main thread.
 */
#ifndef BACKEND_CONNECT_H
#define BACKEND_CONNECT_H

#include "backend/vbd.h"

/*
 * HANDSHAKE_CONNECT.  Whatever the frontend did wrong becomes a fault and 0
 * is returned; -errno only if the store failed.
 */
int vbd_connect(struct vbd *v);

/*
 * Drain, unmap and unbind; XB-19.  Nothing where nothing is connected.  Of a
 * frontend that has left, is sent away or broke a rule only what the storage
 * has is waited for: all other devices wait meanwhile.
 */
void vbd_disconnect(struct vbd *v);

/*
 * The connection cannot go on: say why once, in the log, the trace and the
 * store, and let it close.  `rule` is an identifier or empty.
 */
void vbd_fault(struct vbd *v, const char *rule, const char *text);

#endif
