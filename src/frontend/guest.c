/* SPDX-License-Identifier: MIT */
#include "frontend/guest.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "frontend/device.h"

/* Stalled devices are looked for at least this often. */
#define TICK_MS 500

/* The same, where it is known whom to look at. */
#define LOOK_MS 10

/* Before the wakes: the desk's end, the store, the queues' threads. */
#define FDS_OWN 3u
#define FDS_MAX (FDS_OWN + FRONT_WAKES_MAX + FRONT_DEVICES_MAX)

int front_guest_open(struct front_guest *g, const char *dir, uint16_t domid,
		     struct why *why)
{
	char spec[sizeof(g->dir) + 8];
	int err;

	memset(g, 0, sizeof(*g));
	g->domid = domid;
	if (strlen(dir) >= sizeof(g->dir))
		return why_set(why, -ENAMETOOLONG,
			       "the desk's directory has a name of %zu bytes, "
			       "at most %zu will do",
			       strlen(dir), sizeof(g->dir) - 1);
	strcpy(g->dir, dir);
	g->poke_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (g->poke_fd < 0)
		return why_set(why, -errno, "cannot make an eventfd: %s",
			       strerror(errno));
	snprintf(spec, sizeof(spec), "desk:%s", dir);
	err = xen_host_open(spec, domid, &g->host, why);
	if (err) {
		close(g->poke_fd);
		g->host = NULL;
	}
	return err;
}

void front_guest_wake_on(struct front_guest *g, int fd,
			 void (*ready)(struct front_wake *wake), void *opaque)
{
	struct front_wake *wake = &g->wakes[g->nwakes++];

	assert(g->nwakes <= FRONT_WAKES_MAX);
	wake->fd = fd;
	wake->ready = ready;
	wake->opaque = opaque;
}

static struct ev_origin guest_origin(const struct front_guest *g)
{
	struct ev_origin ev = {
		.actor = EV_ACTOR_FRONTEND,
		.domid = g->domid,
		.queue = EV_QUEUE_NONE,
	};

	return ev;
}

void front_guest_started(const struct front_guest *g, const char *program)
{
	struct ev_origin ev = guest_origin(g);
	char spec[sizeof(g->dir) + 8];

	snprintf(spec, sizeof(spec), "desk:%s", g->dir);
	ev_program_start(&ev, program, spec, (uint32_t)getpid());
}

void front_guest_ended(const struct front_guest *g, const char *program)
{
	struct ev_origin ev = guest_origin(g);

	ev_program_stop(&ev, program);
}

void front_guest_close(struct front_guest *g)
{
	xen_host_close(g->host);
	g->host = NULL;
	close(g->poke_fd);
}

int front_guest_result(struct front_guest *g, int err)
{
	if (err == -EPIPE || err == -ECONNRESET)
		g->gone = true;
	return err;
}

int front_guest_gone(struct front_guest *g, struct why *why)
{
	return why_set(why, -ECONNRESET,
		       "the desk %s has ended; nothing can be said about I/O "
		       "that was in flight",
		       g->dir);
}

/* Hand every fired watch to its device; each looks once (XSA-349). */
static void guest_watches(struct front_guest *g)
{
	const struct xen_store_ops *ops = &g->host->ops->store;
	char **event;
	unsigned i;
	int err;

	while (!(err = ops->next(g->host, &event))) {
		for (i = 0; i < g->ndevices; i++) {
			struct front_device *d = g->devices[i];

			if (strcmp(event[1], d->token) != 0)
				continue;
			ev_store_watch(&d->ev, event[0], event[1]);
			d->fired = true;
		}
		free(event);
	}
	if (err != -EAGAIN)
		front_guest_result(g, err);
	for (i = 0; i < g->ndevices; i++) {
		if (!g->devices[i]->fired)
			continue;
		g->devices[i]->fired = false;
		front_device_look(g->devices[i]);
	}
}

static void guest_lost(struct front_guest *g)
{
	struct why why;

	g->gone = true;
	front_guest_gone(g, &why);
	for (unsigned i = 0; i < g->ndevices; i++)
		front_device_fail(g->devices[i], -ECONNRESET, "%s", why.text);
}

/*
 * What to wait for: the desk's end, the store, the queues' threads, the wakes,
 * the devices' first queues, in this order.  poll() skips a negative fd, which
 * is what "none" is here.
 */
static unsigned guest_fds(struct front_guest *g, struct pollfd *fds,
			  struct front_device **owner)
{
	unsigned i, n = 0;

	fds[n++].fd = xen_host_gone_fd(g->host);
	fds[n++].fd = g->host->ops->store.fd(g->host);
	fds[n++].fd = g->poke_fd;
	for (i = 0; i < g->nwakes; i++)
		fds[n++].fd = g->wakes[i].fd;
	for (i = 0; i < g->ndevices; i++) {
		owner[n] = g->devices[i];
		fds[n++].fd = front_device_fd(g->devices[i]);
	}
	for (i = 0; i < n; i++) {
		fds[i].events = POLLIN;
		fds[i].revents = 0;
	}
	return n;
}

int front_guest_step(struct front_guest *g, int timeout_ms)
{
	struct front_device *owner[FDS_MAX];
	struct pollfd fds[FDS_MAX];
	unsigned i, n, queues = FDS_OWN + g->nwakes;
	uint64_t now_ns;

	if (g->gone) {
		guest_lost(g);
		return -ECONNRESET;
	}
	n = guest_fds(g, fds, owner);
	if (timeout_ms < 0 || timeout_ms > TICK_MS)
		timeout_ms = TICK_MS;
	if (g->backend.pids && timeout_ms > LOOK_MS)
		timeout_ms = LOOK_MS;
	for (i = 0; i < g->ndevices; i++)
		if (front_device_again(g->devices[i]))
			timeout_ms = 0;
	if (poll(fds, n, timeout_ms) < 0)
		return errno == EINTR ? 0 : -errno;

	if (fds[0].revents) {
		guest_lost(g);
		return -ECONNRESET;
	}
	for (i = queues; i < n; i++)
		if (fds[i].revents || front_device_again(owner[i]))
			front_device_service(owner[i]);
	if (fds[1].revents)
		guest_watches(g);
	for (i = 0; i < g->nwakes; i++)
		if (fds[FDS_OWN + i].revents)
			g->wakes[i].ready(&g->wakes[i]);
	if (fds[2].revents)
		(void)!read(g->poke_fd, &(uint64_t){ 0 }, sizeof(uint64_t));
	for (i = 0; i < g->ndevices; i++)
		front_device_collect(g->devices[i]);
	now_ns = clock_now_ns();
	for (i = 0; i < g->ndevices; i++)
		front_device_tick(g->devices[i], now_ns);
	if (g->gone) {
		guest_lost(g);
		return -ECONNRESET;
	}
	return 0;
}
