/* SPDX-License-Identifier: MIT */
#include "xen/desk/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xen/desk/evtchn.h"
#include "xen/desk/gnttab.h"

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

static void view_end(struct desk_view *v)
{
	LIST_REMOVE(v, link);
	view_free(v);
}

static void host_close(struct xen_host *xh)
{
	struct desk_host *h = desk_host_of(xh);

	while (!LIST_EMPTY(&h->evtchns))
		desk_port_close(LIST_FIRST(&h->evtchns));
	while (!LIST_EMPTY(&h->gnttabs))
		desk_gnttab_close(LIST_FIRST(&h->gnttabs));
	while (!LIST_EMPTY(&h->views))
		view_end(LIST_FIRST(&h->views));
	host_store_close(&h->base);
	desk_guest_close(h->guest);
	desk_link_close(&h->link);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static int gone_fd(struct xen_host *xh)
{
	return desk_host_of(xh)->link.gone_fd;
}

static const struct xen_ops desk_ops = {
	.name = "desk",
	.close = host_close,
	.gone_fd = gone_fd,
	.store = HOST_STORE_OPS,
	.evtchn = DESK_EVTCHN_OPS,
	.gnttab = DESK_GNTTAB_OPS,
};

int desk_host_open(const char *dir, uint16_t domid, struct xen_host **out,
		   struct why *why)
{
	struct desk_host *h = calloc(1, sizeof(*h));
	int fds[DESK_WIRE_FDS_MAX];
	struct desk_wire_reply reply;
	char socket[64];
	int err;

	if (!h)
		return why_set(why, -ENOMEM, "no memory");
	h->base.host.ops = &desk_ops;
	h->base.host.domid = domid;
	LIST_INIT(&h->views);
	LIST_INIT(&h->evtchns);
	LIST_INIT(&h->gnttabs);
	pthread_mutex_init(&h->lock, NULL);
	err = desk_link_open(&h->link, dir, domid, false, &reply, fds, why);
	if (err) {
		free(h);
		return err;
	}
	if (domid) {
		err = desk_guest_open(h, reply.size, fds[0], fds[1]);
		if (err) {
			why_set(why, err,
				"the memory of domain %u cannot be "
				"mapped: %s",
				domid, strerror(-err));
			goto fail;
		}
	}
	snprintf(socket, sizeof(socket), "/proc/self/fd/%d/dom%u/store.sock",
		 h->link.dir_fd, domid);
	err = host_store_open(&h->base, socket);
	if (err) {
		why_set(why, err,
			"the store of the desk in %s cannot be "
			"reached: %s",
			dir, strerror(-err));
		goto fail;
	}
	*out = &h->base.host;
	return 0;
fail:
	host_close(&h->base.host);
	return err;
}

/* ---- views ------------------------------------------------------------- */

static int view_open(struct desk_host *h, uint16_t domid,
		     struct desk_view **out)
{
	struct desk_wire_request q = {
		.magic = DESK_WIRE_MAGIC,
		.op = DESK_WIRE_DOMAIN_OPEN,
		.domid = domid,
	};
	const int prot = PROT_READ | PROT_WRITE;
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
		view_end(v);
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
