/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of the desk: what a domain does with its own memory and
 * its own grant table.  A frontend uses this beside the store and the event
 * channels of xen.h; a backend never does.
 *
 * The memory is one memfd of the domain's size, mapped here whole; page
 * numbers (gfn) count from 0.  Granting writes an entry of the shared grant
 * table exactly as a guest of Xen does (xen/grant_table.h, version 1): no
 * message is sent, and nobody is asked.
 */
#ifndef XEN_DESK_GUEST_H
#define XEN_DESK_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xen/xen.h"

/*
 * The memory of the domain as which `h` was opened; `h` must be a desk and
 * its domid not 0.  Returns NULL where it is not.  Valid until `h` closes.
 */
void *desk_guest_memory(struct xen_host *h, size_t *pages);

/*
 * A run of `count` free pages of that memory, zeroed; NULL if there is none.
 * Not thread-safe: one allocator a process, used from one thread.
 */
void *desk_guest_alloc(struct xen_host *h, unsigned count);
void desk_guest_free(struct xen_host *h, void *addr, unsigned count);

/*
 * Let `domid` map the page at `addr`.  Returns the gref (8 and up; 0 to 7
 * are reserved as in Linux), or -ENOSPC.
 */
int desk_guest_grant(struct xen_host *h, uint16_t domid, const void *addr,
		     bool readonly);

/* The page that is granted by `gref` now becomes the one at `addr`. */
int desk_guest_regrant(struct xen_host *h, uint32_t gref, uint16_t domid,
		       const void *addr, bool readonly);

/*
 * Take a grant back.  0; or -EBUSY while it is mapped: then it stands as it
 * was (gnttab_end_foreign_access_ref in Linux).
 */
int desk_guest_grant_end(struct xen_host *h, uint32_t gref);

#endif
