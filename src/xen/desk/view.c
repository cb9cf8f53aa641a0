/* SPDX-License-Identifier: MIT */
#include "xen/desk/view.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen/desk/host.h"
#include "xen/desk/pin.h"

static void view_free(struct desk_view *v)
{
	if (v->whole)
		munmap(v->whole, v->pages * XEN_PAGE_SIZE);
	if (v->grant != MAP_FAILED)
		munmap(v->grant, DESK_GRANT_BYTES);
	if (v->active != MAP_FAILED)
		munmap(v->active, DESK_ACTIVE_BYTES);
	close(v->memory_fd);
	free(v);
}

void desk_view_end(struct desk_view *v)
{
	LIST_REMOVE(v, link);
	view_free(v);
}

static int view_open(struct desk_host *h, uint16_t domid,
		     struct desk_view **out)
{
	struct desk_wire_request q = {
		.magic = DESK_WIRE_MAGIC,
		.op = DESK_WIRE_DOMAIN_OPEN,
		.domid = domid,
	};
	const int prot = PROT_READ | PROT_WRITE;
	static uint64_t serial;
	struct desk_wire_reply reply;
	struct desk_view *v;
	int fds[3];
	int err;

	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	err = desk_link_call(&h->link, &q, &reply, fds, 3);
	if (err) {
		free(v);
		return err;
	}
	v->serial = __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
	v->domid = domid;
	v->pages = reply.size / XEN_PAGE_SIZE;
	v->memory_fd = fds[0];
	v->grant = mmap(NULL, DESK_GRANT_BYTES, prot, MAP_SHARED, fds[1], 0);
	v->active = mmap(NULL, DESK_ACTIVE_BYTES, prot, MAP_SHARED, fds[2], 0);
	close(fds[1]);
	close(fds[2]);
	if (v->grant == MAP_FAILED || v->active == MAP_FAILED) {
		view_free(v);
		return -ENOMEM;
	}
	*out = v;
	return 0;
}

int desk_view_get(struct desk_host *h, uint16_t domid, struct desk_view **out)
{
	struct desk_view *v;
	int err = 0;

	pthread_mutex_lock(&h->lock);
	LIST_FOREACH(v, &h->views, link)
		if (v->domid == domid && !desk_view_dead(v))
			break;
	if (!v) {
		err = view_open(h, domid, &v);
		if (!err)
			LIST_INSERT_HEAD(&h->views, v, link);
	}
	if (!err) {
		v->refs++;
		*out = v;
	}
	pthread_mutex_unlock(&h->lock);
	return err;
}

void desk_view_put(struct desk_host *h, struct desk_view *v)
{
	pthread_mutex_lock(&h->lock);
	if (--v->refs == 0)
		desk_view_end(v);
	pthread_mutex_unlock(&h->lock);
}

uint8_t *desk_view_whole(struct desk_host *h, struct desk_view *v)
{
	uint8_t *whole;
	void *p;

	whole = __atomic_load_n(&v->whole, __ATOMIC_ACQUIRE);
	if (whole)
		return whole;
	pthread_mutex_lock(&h->lock);
	if (!v->whole) {
		p = mmap(NULL, v->pages * XEN_PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED, v->memory_fd, 0);
		if (p != MAP_FAILED)
			__atomic_store_n(&v->whole, p, __ATOMIC_RELEASE);
	}
	whole = v->whole;
	pthread_mutex_unlock(&h->lock);
	return whole;
}

/* ---- the views of one handle ------------------------------------------- */

void desk_views_forget(struct desk_views *s, unsigned i)
{
	desk_view_put(s->host, s->view[i]);
	s->view[i] = s->view[--s->count];
}

struct desk_view *desk_views_lock(struct desk_views *s, uint16_t domid,
				  int *err)
{
	struct desk_view **list, *v;
	unsigned i;

	for (;;) {
		for (i = 0; i < s->count; i++)
			if (s->view[i]->domid == domid)
				break;
		if (i == s->count) {
			list = realloc(s->view, (i + 1) * sizeof(*list));
			*err = list ? 0 : -ENOMEM;
			if (!list)
				return NULL;
			s->view = list;
			*err = desk_view_get(s->host, domid, &list[i]);
			if (*err)
				return NULL;
			s->count++;
		}
		v = s->view[i];
		*err = desk_pin_lock(v);
		if (*err)
			return NULL;
		if (!desk_view_dead(v))
			return v;
		/* Nothing of it is mapped, or it would not be dead. */
		desk_pin_unlock(v);
		desk_views_forget(s, i);
	}
}
