/* SPDX-License-Identifier: MIT */
/* Domains of the desk: they come to be, and they go. */
#ifndef DESK_DOMAIN_H
#define DESK_DOMAIN_H

#include "desk/desk.h"

#define DESK_DOMAIN_MEM_MIN (1u << 20)
#define DESK_DOMAIN_MEM_MAX (64ull << 30)

/*
 * Domain 0 has no memory; for others 0 means the desk's default.  A domain that
 * exists is left as it is.  -EINVAL (number or size), -EBUSY (one of that
 * number is dying), or why it could not be made.
 */
int desk_domain_create(struct desk *d, uint16_t domid, uint64_t mem_bytes);

/*
 * Free it now: its last process is gone, and desk_grant_retire() said that
 * nobody maps it.  At the end of the desk that does not count.
 */
void desk_domain_free(struct desk_domain *dom);

/*
 * `pages` of its memory, rounded up to whole chunks, for one process.
 * The first page, or -ENOSPC.
 */
int64_t desk_domain_pages_take(struct desk_domain *dom, struct desk_conn *owner,
			       uint32_t pages);

/*
 * A process of it is gone.  Its pages may be taken again when nobody maps
 * them, zeroed; grants of them that stand unmapped are withdrawn.
 */
void desk_domain_pages_leave(struct desk_domain *dom, struct desk_conn *owner);

/* Look whether pages that were left are free now.  True if some are not. */
bool desk_domain_pages_reclaim(struct desk_domain *dom);

#endif
