/* SPDX-License-Identifier: MIT */
/*
 * One grant, checked and pinned as Xen does it in map_grant_ref: under the
 * lock of the granting domain, against a guest that may change its entry at
 * any moment.
 */
#ifndef XEN_DESK_PIN_H
#define XEN_DESK_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/desk/view.h"

/* 0, or -EPIPE if the lock cannot be had any more. */
int desk_pin_lock(struct desk_view *v);
void desk_pin_unlock(struct desk_view *v);

/*
 * May domain `mapper` have the page of `gref`?  If so it is marked in the
 * guest's entry (GTF_reading, GTF_writing), noted in `track` and counted.  enum
 * xen_gntst: OKAY            the page is active->entry[gref].gfn until unpinned
 *   BAD_GNTREF      beyond the table
 *   GENERAL_ERROR   not granted, granted to another domain, read-only for a
 *                   writer, or the guest keeps changing the entry
 *   BAD_PAGE        a page the guest does not have
 */
int16_t desk_pin(struct desk_view *v, uint16_t mapper, uint32_t gref,
		 bool writable, struct desk_track *track);

/* Undo one successful pin. */
void desk_unpin(struct desk_view *v, uint32_t gref, bool writable,
		struct desk_track *track);

#endif
