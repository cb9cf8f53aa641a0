/* SPDX-License-Identifier: MIT */
/* A desk as a host: the connection and what all its handles share. */
#ifndef XEN_DESK_HOST_H
#define XEN_DESK_HOST_H

#include <pthread.h>
#include <sys/queue.h>

#include "xen/desk/link.h"
#include "xen/desk/shared.h"
#include "xen/desk/view.h"
#include "xen/store.h"

struct desk_guest;

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

/* Takes the descriptors in every case. */
int desk_guest_open(struct desk_host *h, uint64_t mem_bytes, int memory_fd,
		    int grant_fd);
void desk_guest_close(struct desk_guest *g); /* NULL is fine */

#endif
