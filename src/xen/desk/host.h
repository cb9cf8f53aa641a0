/* SPDX-License-Identifier: MIT */
/* A desk as a host: the connection and what all its handles share. */
#ifndef XEN_DESK_HOST_H
#define XEN_DESK_HOST_H

#include <pthread.h>
#include <sys/queue.h>

#include "xen/desk/link.h"
#include "xen/desk/shared.h"
#include "xen/store.h"

struct desk_guest;

/*
 * What a mapper sees of another domain: shared by all grant handles of the
 * process, counted, and gone when the last one lets go.
 */
struct desk_view {
	LIST_ENTRY(desk_view) link;
	unsigned refs;
	uint16_t domid;
	uint64_t pages;
	int memory_fd;
	struct desk_grant_entry *grant;
	struct desk_active *active;
	uint8_t *whole; /* all its memory, once somebody copies */
};

struct desk_host {
	struct store_host base;
	struct desk_link link;
	struct desk_guest *guest; /* NULL for domain 0 */
	pthread_mutex_t lock;	  /* of what stands below */
	LIST_HEAD(, desk_view) views;
	LIST_HEAD(, xen_evtchn) evtchns; /* open handles */
	LIST_HEAD(, xen_gnttab) gnttabs;
};

static inline struct desk_host *desk_host_of(struct xen_host *h)
{
	return (struct desk_host *)h;
}

/* See xen_host_open(). */
int desk_host_open(const char *dir, uint16_t domid, struct xen_host **out,
		   struct why *why);

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

/* Takes the descriptors in every case. */
int desk_guest_open(struct desk_host *h, uint64_t mem_bytes, int memory_fd,
		    int grant_fd);
void desk_guest_close(struct desk_guest *g); /* NULL is fine */

#endif
