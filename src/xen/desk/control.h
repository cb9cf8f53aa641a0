/* SPDX-License-Identifier: MIT */
/*
 * Asking a desk about itself: not something Xen offers a domain, so it is
 * not in xen.h.  For the tool (`ringside desk`, `attach`) and for tests.
 */
#ifndef XEN_DESK_CONTROL_H
#define XEN_DESK_CONTROL_H

#include <stdint.h>

#include "base/why.h"

/*
 * What was done with the pages of a domain since it began, by those who map
 * it.  A call is one of xen_gnttab_ops, for whatever number of pages; what
 * failed is not counted as a page.  The host undoes the mappings of a handle
 * that is closed or a process that dies without a call: then pages_unmapped
 * stays behind pages_mapped.
 */
struct desk_tally {
	uint64_t map_calls;
	uint64_t unmap_calls;
	uint64_t copy_calls; /* of 64 pages at most: more are several */
	uint64_t pages_mapped;
	uint64_t pages_writable; /* of these, read-write */
	uint64_t pages_unmapped;
	uint64_t pages_copied;
};

/* What is in use on the desk, over all domains. */
struct desk_counters {
	uint32_t domains;     /* domain 0 not counted */
	uint32_t connections; /* processes attached to the desk */
	uint32_t grants;      /* entries that permit access */
	uint32_t mappings;    /* live mappings of pages */
	uint32_t ports_unbound;
	uint32_t ports_bound; /* each end of a channel counts */
	uint32_t watches;
	uint32_t transactions;
	uint32_t nodes;		 /* of the store */
	struct desk_tally tally; /* domains that are gone count, too */
};

int desk_control_counters(const char *dir, struct desk_counters *out,
			  struct why *why);

/*
 * The same of the grants of domain `domid` alone: grants, mappings and tally,
 * the others are 0.  -ESRCH: there is no such domain, or it is domain 0.
 */
int desk_control_domain_counters(const char *dir, uint16_t domid,
				 struct desk_counters *out, struct why *why);

/*
 * Create domain `domid` (1..32751) with `mem_bytes` of memory, 0 for the desk's
 * default.  0 if it exists.
 */
int desk_control_domain_create(const char *dir, uint16_t domid,
			       uint64_t mem_bytes, struct why *why);

/*
 * How many processes (store connections) of `domid` watch for new disks, that
 * is "backend/vbd" or "backend" of that domain: 0 means that no backend
 * listens.
 */
int desk_control_watchers(const char *dir, uint16_t domid, uint32_t *out,
			  struct why *why);

/* The desk ends after it has closed every connection. */
int desk_control_stop(const char *dir, struct why *why);

#endif
