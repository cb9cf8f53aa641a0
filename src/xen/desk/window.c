/* SPDX-License-Identifier: MIT */
#include "xen/desk/window.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define WINDOW_BYTES ((size_t)DESK_WINDOW_PAGES * XEN_PAGE_SIZE)
#define RESERVED     (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

int desk_window_open(struct desk_window *w)
{
	memset(w, 0, sizeof(*w));
	w->base = mmap(NULL, WINDOW_BYTES, PROT_NONE, RESERVED, -1, 0);
	return w->base == MAP_FAILED ? -ENOMEM : 0;
}

void desk_window_close(struct desk_window *w)
{
	munmap(w->base, WINDOW_BYTES);
}

/* The last used page of [first, first + count), or -1. */
static int64_t used_last(const struct desk_window *w, uint32_t first,
			 uint32_t count)
{
	uint32_t end = first + count, i = (end - 1) / 64;
	uint64_t bits = w->used[i];

	if (end % 64)
		bits &= (1ull << (end % 64)) - 1;
	while (!bits) {
		if (i == first / 64)
			return -1;
		bits = w->used[--i];
	}
	end = i * 64 + 63 - (uint32_t)__builtin_clzll(bits);
	return end >= first ? (int64_t)end : -1;
}

static int64_t find(const struct desk_window *w, uint32_t from, uint32_t count)
{
	int64_t last;

	while (from + count <= DESK_WINDOW_PAGES) {
		last = used_last(w, from, count);
		if (last < 0)
			return from;
		from = (uint32_t)last + 1;
	}
	return -1;
}

int64_t desk_window_take(struct desk_window *w, uint32_t count)
{
	int64_t at = find(w, w->next, count);
	uint32_t i;

	if (at < 0)
		at = find(w, 0, count);
	if (at < 0)
		return -1;
	for (i = (uint32_t)at; i < (uint32_t)at + count; i++)
		w->used[i / 64] |= 1ull << (i % 64);
	w->next = (uint32_t)at + count;
	w->taken += count;
	return at;
}

void desk_window_give(struct desk_window *w, uint32_t first, uint32_t count)
{
	uint32_t i;

	for (i = first; i < first + count; i++)
		w->used[i / 64] &= ~(1ull << (i % 64));
	w->taken -= count;
	/* An idle handle begins again where its page tables are warm. */
	if (!w->taken)
		w->next = 0;
}

int desk_window_reset(void *addr, size_t bytes)
{
	void *p = mmap(addr, bytes, PROT_NONE, RESERVED | MAP_FIXED, -1, 0);

	return p == MAP_FAILED ? -errno : 0;
}

void *desk_window_address(const struct desk_window *w, uint32_t page)
{
	return w->base + (size_t)page * XEN_PAGE_SIZE;
}

uint32_t desk_window_page(const struct desk_window *w, const void *addr)
{
	size_t off = (size_t)((const uint8_t *)addr - w->base);

	assert(off < WINDOW_BYTES && off % XEN_PAGE_SIZE == 0);
	return (uint32_t)(off / XEN_PAGE_SIZE);
}
