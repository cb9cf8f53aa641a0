/* SPDX-License-Identifier: MIT */
/*
 * The pages of guest memory in which a queue's requests carry their data and
 * their lists of segments, and the grants of these pages.
 *
 * A request takes as many as it needs and gives them back with its response,
 * last in, first out.  Without persistence a page is granted when it is taken
 * and the grant ends when it is given back.  With persistence (GR-47) it is
 * granted once, read-write, and stays so until the queue closes: the few
 * pages on top are used again and again, and the backend finds them mapped.
 */
#ifndef FRONTEND_POOL_H
#define FRONTEND_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

#define FRONT_NO_GRANT 0u /* reserved: never a grant of ours */

struct front_queue;

struct front_page {
	uint8_t *addr;
	uint32_t gref; /* FRONT_NO_GRANT where it is not granted */
	struct front_page *next;
};

struct front_pool {
	struct front_page *pages; /* total */
	struct front_page *free;
	unsigned total;
	unsigned free_count;
};

/*
 * Take up to `wanted` pages of the guest's memory.  0, with at least `least`;
 * or -ENOMEM with a sentence, and nothing is left.
 */
int front_pool_open(struct front_queue *q, unsigned wanted, unsigned least,
		    struct why *why);

/*
 * End every grant and free the pages.  Returns the number of pages that are
 * still mapped; these stay granted and are never used again.
 */
unsigned front_pool_close(struct front_queue *q);

/*
 * Add `count` granted pages to the front of *chain.  0; or nothing happened:
 * -EAGAIN, so many pages are not free; -ENOSPC, the grant table is full.
 */
int front_pool_take(struct front_queue *q, unsigned count, bool readonly,
		    struct front_page **chain);

/*
 * Give all of *chain back.  0; or -EBUSY, the grant of its first page is
 * still mapped: that one and those behind it stay in *chain.
 */
int front_pool_give(struct front_queue *q, struct front_page **chain);

/* Grant a page, with its event.  The gref or -ENOSPC. */
int front_grant(struct front_queue *q, const void *page, bool readonly);

/* Take a grant back, with its event.  0, or -EBUSY: it is mapped. */
int front_grant_end(struct front_queue *q, uint32_t gref);

#endif
