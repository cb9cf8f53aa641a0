/* SPDX-License-Identifier: MIT */
/* Other domains, as those see them who map their grants. */
#ifndef XEN_DESK_VIEW_H
#define XEN_DESK_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "xen/desk/shared.h"

struct desk_host;

/*
 * What a mapper sees of another domain: shared by all grant handles of the
 * process, counted, and gone when the last one lets go.
 */
struct desk_view {
	LIST_ENTRY(desk_view) link;
	unsigned refs;
	uint64_t serial; /* never given twice in a process */
	uint16_t domid;
	uint64_t pages;
	int memory_fd;
	struct desk_grant_entry *grant;
	struct desk_active *active;
	uint8_t *whole; /* all its memory, once somebody copies */
};

/* The domain it shows is gone; another may have its number now. */
static inline bool desk_view_dead(const struct desk_view *v)
{
	return __atomic_load_n(&v->active->dead, __ATOMIC_RELAXED);
}

/* A reference to the domain as it lives now; -ESRCH if there is none. */
int desk_view_get(struct desk_host *h, uint16_t domid, struct desk_view **out);
void desk_view_put(struct desk_host *h, struct desk_view *v);

/* Its whole memory, writable; NULL if it cannot be mapped. */
uint8_t *desk_view_whole(struct desk_host *h, struct desk_view *v);

/* Forget it, whoever still has a reference: the host closes. */
void desk_view_end(struct desk_view *v);

/* The views that one handle has used; zero-initialised but for the host. */
struct desk_views {
	struct desk_host *host;
	unsigned count;
	struct desk_view **view;
};

/*
 * The view of domain `domid` with its lock (pin.h) held, or NULL with *err:
 * -ESRCH, -ENOMEM, -EPIPE.  Taking the lock is the moment at which the domain
 * is known to live.
 */
struct desk_view *desk_views_lock(struct desk_views *s, uint16_t domid,
				  int *err);

/* Let go of the i-th. */
void desk_views_forget(struct desk_views *s, unsigned i);

#endif
