/* SPDX-License-Identifier: MIT */
/*
 * The pages of a guest while they are used: from grant references to memory
 * that the storage engine can read and write, and back.
 *
 * A `struct grant_space` belongs to one queue and its thread.  All that it
 * needs for a full ring is allocated when it opens; acquiring and releasing
 * allocate nothing.
 */
#ifndef GRANT_SPACE_H
#define GRANT_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "trace/emit.h"
#include "xen/xen.h"

/* One piece of a guest's page. */
struct grant_seg {
	uint32_t gref;
	uint16_t off_bytes; /* in its page */
	uint16_t len_bytes; /* 1..4096 - off_bytes */
	void *data;	    /* out: where these bytes are */
};

/*
 * The pieces of one request.  The caller fills in the first four, owns the
 * struct and its segs from acquire to release, and reads `error`.
 */
struct grant_use {
	uint64_t seq;	/* the request, for events */
	bool to_guest;	/* the data goes to the guest: a read */
	uint32_t count; /* segs, 1..segs_max of the space */
	struct grant_seg *segs;
	int error;	    /* out: 0, or -errno and nothing is held */
	struct xen_map map; /* the space's own */
};

struct grant_space;

/*
 * For at most `uses_max` uses at a time of at most `segs_max` segs, of pages
 * granted by `domid`.  Borrows `g`.
 */
int grant_space_open(struct grant_space **out, struct xen_gnttab *g,
		     const struct xen_host *host, uint16_t domid,
		     unsigned uses_max, unsigned segs_max,
		     const struct ev_origin *ev, struct why *why);

/* Everything was released before.  NULL is fine. */
void grant_space_close(struct grant_space *s);

/*
 * Make a batch of uses accessible.  Each gets its own result: a bad gref of
 * one disturbs no other (XSA-361), and what was mapped of it is unmapped.
 * Pages are mapped read-only unless the data goes to the guest (GR-49).
 * 0, or -errno if the host itself failed; then all `error`s say so.
 */
int grant_space_acquire(struct grant_space *s, struct grant_use **uses,
			unsigned n);

/*
 * Give back a batch that was acquired without error.  When it returns, no
 * page of it is mapped any more (GR-46), and each `count` is 0.
 */
void grant_space_release(struct grant_space *s, struct grant_use **uses,
			 unsigned n);

/*
 * Map the `count` pages of the shared ring, writable and at consecutive
 * addresses.  On failure the sentence names the gref that could not be
 * mapped and why.
 */
int grant_ring_map(struct xen_gnttab *g, const struct xen_host *host,
		   uint16_t domid, const uint32_t *grefs, unsigned count,
		   const struct ev_origin *ev, struct xen_map *map,
		   struct why *why);
void grant_ring_unmap(struct xen_gnttab *g, const struct xen_host *host,
		      const struct ev_origin *ev, struct xen_map *map);

/* The name of a GNTST status. */
const char *grant_status_name(int status);

#endif
