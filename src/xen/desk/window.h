/* SPDX-License-Identifier: MIT */
/*
 * A reserved range of addresses, handed out in runs of pages.  What is not
 * mapped in it faults.  One thread; nothing is allocated after the opening.
 */
#ifndef XEN_DESK_WINDOW_H
#define XEN_DESK_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "xen/desk/shared.h"
#include "xen/xen.h"

/* Each page has its entry in the handle's maptrack table. */
#define DESK_WINDOW_PAGES (DESK_TRACK_ENTRIES - DESK_TRACK_COPIES)

struct desk_window {
	uint8_t *base;
	uint32_t next;	/* where the search for room begins */
	uint32_t taken; /* pages */
	uint64_t used[DESK_WINDOW_PAGES / 64];
};

int desk_window_open(struct desk_window *w);   /* 0 or -ENOMEM */
void desk_window_close(struct desk_window *w); /* unmaps what is in it */

/* `count` pages in a row: the first one's number, or -1. */
int64_t desk_window_take(struct desk_window *w, uint32_t count);
void desk_window_give(struct desk_window *w, uint32_t first, uint32_t count);

/* Unmap whatever is mapped there.  0 or -errno. */
int desk_window_reset(void *addr, size_t bytes);

void *desk_window_address(const struct desk_window *w, uint32_t page);
uint32_t desk_window_page(const struct desk_window *w, const void *addr);

#endif
