/* SPDX-License-Identifier: MIT */
/*
 * Grant copy: the hypervisor copies between the guest's pages and ours, so
 * nothing of the guest is ever mapped.  Data that the guest sends is copied
 * when a batch is acquired, data for the guest when it is released, and then
 * only if the storage really delivered it: our pages still hold what other
 * requests left there.
 *
 * A page for each piece that may be held at a time is reserved at the start;
 * it takes memory when it is first used, and the one used last is used next.
 * A piece keeps its offset in the page, so one copy never crosses a page on
 * either side (GR-50), and direct I/O finds the alignment it would find in
 * the guest.
 */
#include "grant/path.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

struct copy_own {
	uint8_t *pages; /* pages_max of them */
	size_t bytes;
	uint32_t *free; /* pages */
	unsigned nfree;
	struct xen_copy *copies; /* pages_max */
};

static void copy_close(struct grant_space *s)
{
	struct copy_own *own = s->own;

	if (own->pages)
		munmap(own->pages, own->bytes);
	free(own->free);
	free(own->copies);
	free(own);
}

static int copy_open(struct grant_space *s)
{
	uint32_t pages = s->setup.pages_max;
	struct copy_own *own = calloc(1, sizeof(*own));

	s->own = own;
	if (!own)
		return -ENOMEM;
	own->bytes = (size_t)pages * XEN_PAGE_SIZE;
	own->copies = calloc(pages, sizeof(*own->copies));
	own->free = calloc(pages, sizeof(*own->free));
	own->pages = mmap(NULL, own->bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (own->pages == MAP_FAILED)
		own->pages = NULL;
	if (!own->copies || !own->free || !own->pages) {
		copy_close(s);
		return -ENOMEM;
	}
	while (pages)
		own->free[own->nfree++] = --pages;
	return 0;
}

static void pages_take(struct grant_space *s, struct grant_use *u)
{
	struct copy_own *own = s->own;
	uint32_t i;

	for (i = 0; i < u->count; i++) {
		size_t page = own->free[--own->nfree];

		u->segs[i].data = own->pages + page * XEN_PAGE_SIZE +
				  u->segs[i].off_bytes;
	}
}

static void pages_give(struct grant_space *s, const struct grant_use *u)
{
	struct copy_own *own = s->own;
	uint32_t i;

	for (i = u->count; i--;) {
		size_t off = (size_t)((uint8_t *)u->segs[i].data - own->pages);

		own->free[own->nfree++] = (uint32_t)(off / XEN_PAGE_SIZE);
	}
}

/* The copies of one use, from copies[at] on. */
static void copies_fill(struct grant_space *s, const struct grant_use *u,
			unsigned at)
{
	struct copy_own *own = s->own;
	uint32_t i;

	for (i = 0; i < u->count; i++)
		own->copies[at + i] = (struct xen_copy){
			.local = u->segs[i].data,
			.domid = s->setup.domid,
			.gref = u->segs[i].gref,
			.off_bytes = u->segs[i].off_bytes,
			.len_bytes = u->segs[i].len_bytes,
			.to_guest = u->to_guest,
		};
}

/* One use's results.  0, or -EFAULT if a piece was refused. */
static int copies_judge(struct grant_space *s, const struct grant_use *u,
			unsigned at)
{
	const struct copy_own *own = s->own;
	int err = 0;
	uint32_t i;

	for (i = 0; i < u->count; i++) {
		s->grefs[i] = u->segs[i].gref;
		s->status[i] = own->copies[at + i].status;
		if (s->status[i])
			err = -EFAULT;
	}
	ev_grant_copy(&s->setup.ev, u->seq, u->to_guest, s->grefs, u->count,
		      s->status, u->count);
	return err;
}

/*
 * Copy for those uses of the batch whose data goes this way and can be used;
 * one call for all of them.
 */
static int copy_run(struct grant_space *s, struct grant_use **uses, unsigned n,
		    bool to_guest)
{
	struct copy_own *own = s->own;
	unsigned i, at = 0;
	int err;

	for (i = 0; i < n; i++) {
		if (uses[i]->to_guest != to_guest || uses[i]->failed)
			continue;
		copies_fill(s, uses[i], at);
		at += uses[i]->count;
	}
	if (!at)
		return 0;
	err = s->gnttab->copy(s->setup.gnttab, own->copies, at);
	for (i = 0, at = 0; i < n; i++) {
		if (uses[i]->to_guest != to_guest || uses[i]->failed)
			continue;
		uses[i]->error = err < 0 ? err : copies_judge(s, uses[i], at);
		at += uses[i]->count;
	}
	return err < 0 ? err : 0;
}

static int copy_acquire(struct grant_space *s, struct grant_use **uses,
			unsigned n)
{
	unsigned i;
	int err;

	for (i = 0; i < n; i++) {
		uses[i]->error = 0;
		uses[i]->failed = false;
		pages_take(s, uses[i]);
	}
	err = copy_run(s, uses, n, false);
	for (i = 0; i < n; i++)
		if (uses[i]->error)
			pages_give(s, uses[i]);
	return err;
}

static void copy_release(struct grant_space *s, struct grant_use **uses,
			 unsigned n)
{
	unsigned i;

	copy_run(s, uses, n, true);
	for (i = 0; i < n; i++)
		pages_give(s, uses[i]);
}

const struct grant_path_ops grant_path_copy = {
	.open = copy_open,
	.close = copy_close,
	.acquire = copy_acquire,
	.release = copy_release,
};
