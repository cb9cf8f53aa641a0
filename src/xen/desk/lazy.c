/* SPDX-License-Identifier: MIT */
#include "xen/desk/lazy.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

void desk_lazy_init(struct desk_lazy *l, struct desk_window *window)
{
	const char *strict = getenv("RINGSIDE_DESK_STRICT");
	unsigned i;

	l->strict = SANITIZED || (strict && *strict && strcmp(strict, "0"));
	l->window = window;
	l->pages = 0;
	TAILQ_INIT(&l->oldest);
	LIST_INIT(&l->unused);
	for (i = 0; i < DESK_LAZY_HEADS; i++)
		LIST_INIT(&l->head[i]);
	for (i = 0; i < DESK_LAZY_RUNS; i++)
		LIST_INSERT_HEAD(&l->unused, &l->run[i], same);
	memset(l->gfn, 0xff, sizeof(l->gfn)); /* DESK_GFN_NONE */
}

static unsigned hash(uint64_t view, bool writable, uint32_t gfn, uint32_t count)
{
	uint64_t h = gfn;

	h = h * 31 + count;
	h = h * 31 + view;
	h = h * 2 + writable;
	h *= 0x9e3779b97f4a7c15u; /* 2^64 by the golden ratio */
	return (unsigned)(h >> 32) % DESK_LAZY_HEADS;
}

/* It is idle no longer. */
static void leave(struct desk_lazy *l, struct desk_lazy_run *r)
{
	LIST_REMOVE(r, same);
	TAILQ_REMOVE(&l->oldest, r, age);
	LIST_INSERT_HEAD(&l->unused, r, same);
	l->pages -= r->count;
}

int64_t desk_lazy_find(struct desk_lazy *l, uint64_t view, bool writable,
		       const uint32_t *gfn, uint32_t count)
{
	struct desk_lazy_run *r;

	LIST_FOREACH(r, &l->head[hash(view, writable, gfn[0], count)], same) {
		if (r->view == view && r->writable == writable &&
		    r->count == count &&
		    !memcmp(&l->gfn[r->first], gfn, count * sizeof(*gfn))) {
			leave(l, r);
			return r->first;
		}
	}
	return -1;
}

bool desk_lazy_drop(struct desk_lazy *l)
{
	struct desk_lazy_run *r = TAILQ_FIRST(&l->oldest);

	if (!r)
		return false;
	leave(l, r);
	desk_window_reset(desk_window_address(l->window, r->first),
			  (size_t)r->count * XEN_PAGE_SIZE);
	desk_window_give(l->window, r->first, r->count);
	return true;
}

void desk_lazy_keep(struct desk_lazy *l, uint64_t view, bool writable,
		    uint32_t first, uint32_t count)
{
	struct desk_lazy_run *r;

	while (l->pages + count > DESK_LAZY_PAGES || LIST_EMPTY(&l->unused))
		desk_lazy_drop(l);
	r = LIST_FIRST(&l->unused);
	LIST_REMOVE(r, same);
	r->view = view;
	r->writable = writable;
	r->first = first;
	r->count = count;
	LIST_INSERT_HEAD(&l->head[hash(view, writable, l->gfn[first], count)],
			 r, same);
	TAILQ_INSERT_TAIL(&l->oldest, r, age);
	l->pages += count;
}
