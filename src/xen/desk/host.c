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

static void host_close(struct xen_host *xh)
{
	struct desk_host *h = desk_host_of(xh);

	while (!LIST_EMPTY(&h->evtchns))
		desk_port_close(LIST_FIRST(&h->evtchns));
	while (!LIST_EMPTY(&h->gnttabs))
		desk_gnttab_close(LIST_FIRST(&h->gnttabs));
	while (!LIST_EMPTY(&h->views))
		desk_view_end(LIST_FIRST(&h->views));
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

/* A desk has no other backend than ours. */
static int claim(struct xen_host *h, uint16_t domid, uint32_t devid,
		 struct why *why)
{
	(void)h, (void)domid, (void)devid, (void)why;
	return 0;
}

static const struct xen_ops desk_ops = {
	.name = "desk",
	.close = host_close,
	.gone_fd = gone_fd,
	.claim = claim,
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
