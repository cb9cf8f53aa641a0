/* SPDX-License-Identifier: MIT */
/*
 * The pages of a guest while they are used: from grant references to memory
 * that the storage engine can read and write, and back.  There are three ways
 * (grant/path.h), one for a connection:
 *
 *   map      mapped for each request and unmapped before its answer
 *   copy     copied by the hypervisor to and from pages of our own
 *   persist  mapped once and kept, if the frontend said that it reuses its
 *            grants (GR-47)
 *
 * A `struct grant_space` belongs to one queue and its thread.  All that it
 * needs for the most pages at a time is allocated when it opens; acquiring
 * and releasing allocate nothing.
 */
#ifndef GRANT_SPACE_H
#define GRANT_SPACE_H

#include <stdatomic.h>
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
	void *held;	    /* the space's own */
};

/*
 * The pieces of one request.  The caller fills in the first four, owns the
 * struct and its segs from acquire to release, and reads `error`.
 */
struct grant_use {
	uint64_t seq;	/* the request, for events */
	bool to_guest;	/* the data goes to the guest: a read */
	uint32_t count; /* segs, at least 1 */
	struct grant_seg *segs;
	bool failed; /* before release: the data is not to be used */
	int error;   /* out: 0, or -errno and nothing is held */
	bool shared; /* out: another use has one of its grants (GR-48) */
	uint32_t shared_gref; /* then: this one */
	struct xen_map map;   /* the space's own */
};

enum grant_path { GRANT_PATH_MAP, GRANT_PATH_COPY, GRANT_PATH_PERSIST };

/*
 * How many pages all queues together may keep mapped for longer than a
 * request (XSA-300).  Shared by all spaces; `used` is theirs.
 */
struct grant_budget {
	atomic_uint used;
	unsigned max_pages;
};

struct grant_space_setup {
	const struct xen_host *host;
	struct xen_gnttab *gnttab; /* borrowed */
	uint16_t domid;		   /* who granted the pages */
	enum grant_path path;
	unsigned uses_max;	     /* uses at a time: the ring's entries */
	unsigned pages_max;	     /* segs of all of them together */
	unsigned keep_pages;	     /* persist: pages to keep, at most */
	struct grant_budget *budget; /* persist: borrowed */
	struct ev_origin ev;
};

struct grant_space;

int grant_space_open(struct grant_space **out,
		     const struct grant_space_setup *setup, struct why *why);

/* Everything was released before.  NULL is fine. */
void grant_space_close(struct grant_space *s);

/*
 * Make a batch of uses accessible.  The caller sees to it that together with
 * those that are held already they are at most uses_max, of pages_max pages.
 * Each gets its own result: a bad gref of one disturbs no other (XSA-361), and
 * of the use that has it nothing stays mapped.
 * Pages are mapped read-only unless the data goes to the guest (GR-49).
 * 0, or -errno if the host itself failed.  Either way each `error` says of its
 * own use whether it is held.
 */
int grant_space_acquire(struct grant_space *s, struct grant_use **uses,
			unsigned n);

/*
 * Give back a batch that was acquired without error.  When it returns, data
 * for the guest has arrived there, no page of it is mapped any more unless the
 * frontend agreed that it stays (GR-46), and each `count` is 0.  A use whose
 * data could not be handed over has its `error` set.
 */
void grant_space_release(struct grant_space *s, struct grant_use **uses,
			 unsigned n);

/*
 * Nothing has happened for a while: give back what was not used lately.
 * True if something is still kept, so that it is worth asking again.
 */
bool grant_space_idle(struct grant_space *s);

/* Pages that are mapped now and stay so when no request uses them. */
unsigned grant_space_kept(const struct grant_space *s);

#endif
