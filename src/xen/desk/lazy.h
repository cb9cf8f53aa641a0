/* SPDX-License-Identifier: MIT */
/*
 * Runs of pages that were unmapped, but are still in their place.
 *
 * To change what is mapped at an address costs the kernel several
 * microseconds, more than all the rest of a request; and a frontend grants
 * the same few pages again and again.  So a run that is unmapped stays where
 * it is for a while, and when the same pages of the same domain are mapped
 * again in the same way, it is taken as it is.  For the guest and for the
 * grant table it is unmapped: nothing is pinned, and the grant can be
 * withdrawn.  Only the mapper itself could still reach it, by an address that
 * it should have forgotten.  To find such faults, strict mode unmaps at once:
 * it is on in builds with a sanitizer, and where RINGSIDE_DESK_STRICT is set
 * in the environment.
 *
 * At most a fourth of the window lies idle, and the oldest goes first.
 */
#ifndef XEN_DESK_LAZY_H
#define XEN_DESK_LAZY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "xen/desk/window.h"

#define DESK_LAZY_RUNS	2048u
#define DESK_LAZY_PAGES (DESK_WINDOW_PAGES / 4)
#define DESK_LAZY_HEADS 1024u
#define DESK_GFN_NONE	0xffffffffu

struct desk_lazy_run {
	LIST_ENTRY(desk_lazy_run) same; /* hash, or free */
	TAILQ_ENTRY(desk_lazy_run) age;
	uint64_t view; /* its serial */
	uint32_t first, count;
	bool writable;
};

struct desk_lazy {
	bool strict;
	struct desk_window *window;
	uint32_t pages; /* that lie idle */
	TAILQ_HEAD(, desk_lazy_run) oldest;
	LIST_HEAD(, desk_lazy_run) unused;
	LIST_HEAD(, desk_lazy_run) head[DESK_LAZY_HEADS];
	struct desk_lazy_run run[DESK_LAZY_RUNS];
	/* What is mapped in each page of the window; kept by the user. */
	uint32_t gfn[DESK_WINDOW_PAGES];
};

/* `window` is borrowed. */
void desk_lazy_init(struct desk_lazy *l, struct desk_window *window);

/*
 * An idle run of exactly these pages: its first page in the window, now in
 * use again; or -1.
 */
int64_t desk_lazy_find(struct desk_lazy *l, uint64_t view, bool writable,
		       const uint32_t *gfn, uint32_t count);

/* This run of the window, as gfn[] has it, lies idle from now on. */
void desk_lazy_keep(struct desk_lazy *l, uint64_t view, bool writable,
		    uint32_t first, uint32_t count);

/* Unmap the oldest idle run.  False if there is none. */
bool desk_lazy_drop(struct desk_lazy *l);

#endif
