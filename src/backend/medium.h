/* SPDX-License-Identifier: MIT */
/*
 * The storage of a vbd, which may change while it is used: it grows or
 * shrinks (XB-18), and a cdrom's drive is emptied or gets another medium.
 *
 * The main thread looks at the size of a connected disk once a second, and
 * has the queues check by it before it tells the frontend.
 *
 * Another medium comes with another text in the toolstack's key `params`, ""
 * for none.  The new storage and a queue on it for each queue are opened here,
 * so what cannot be opened disturbs nobody; then each queue changes when
 * nothing of it is in flight at the old one (turn.h), and after the last one
 * the old storage is closed and the frontend told of the new size.  What cannot
 * be opened leaves the drive empty.  How it went is in two keys: MEDIUM_KEY is
 * the text in effect, and hotplug-error why that is not what was asked for.
 */
#ifndef BACKEND_MEDIUM_H
#define BACKEND_MEDIUM_H

#include "backend/vbd.h"

#define MEDIUM_KEY	 "ringside-medium"
#define SECTOR_SIZE_KEY	 "ringside-sector-size"
#define SECTOR_UNITS_KEY "ringside-sector-units"
#define INJECT_KEY	 "ringside-inject"
#define LIMIT_KEY	 "ringside-limit"

/*
 * Open what the toolstack names and settle what is offered for it.  Without
 * storage v->disk is NULL afterwards, and v->disk_why says why.
 */
void medium_open(struct vbd *v);

/* How that went, to the toolstack: its script waits for the answer. */
void medium_tell(struct vbd *v);

/* Look at the size now; v->dirty if it is another. */
void medium_measure(struct vbd *v);

/* The store says something else, or is to be told: 0 or -errno from it. */
int medium_step(struct vbd *v);

/* Queues may have changed: if all have, the old storage is closed. */
void medium_poll(struct vbd *v);

/* The queues are closed: a change under way is done now. */
void medium_settle(struct vbd *v);

/* No queue is open: nothing stays open here. */
void medium_close(struct vbd *v);

#endif
