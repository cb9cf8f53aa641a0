/* SPDX-License-Identifier: MIT */
#include "xen/desk/evtchn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "xen/desk/host.h"

struct port {
	bool ours;
	int rx, tx;
};

struct xen_evtchn {
	LIST_ENTRY(xen_evtchn) link;
	struct desk_host *host;
	int epfd;
	struct port port[DESK_PORT_MAX + 1]; /* by number; mostly untouched */
};

int desk_port_open(struct xen_host *h, struct xen_evtchn **out)
{
	struct xen_evtchn *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->host = desk_host_of(h);
	e->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (e->epfd < 0) {
		err = -errno;
		free(e);
		return err;
	}
	pthread_mutex_lock(&e->host->lock);
	LIST_INSERT_HEAD(&e->host->evtchns, e, link);
	pthread_mutex_unlock(&e->host->lock);
	*out = e;
	return 0;
}

int desk_port_fd(struct xen_evtchn *e)
{
	return e->epfd;
}

static struct port *find(struct xen_evtchn *e, uint32_t port)
{
	if (!port || port > DESK_PORT_MAX || !e->port[port].ours)
		return NULL;
	return &e->port[port];
}

static int tell_unbind(struct xen_evtchn *e, uint32_t port)
{
	struct desk_wire_request q = { .magic = DESK_WIRE_MAGIC,
				       .op = DESK_WIRE_EVTCHN_UNBIND,
				       .arg = port };
	struct desk_wire_reply reply;

	return desk_link_call(&e->host->link, &q, &reply, NULL, 0);
}

static void forget(struct xen_evtchn *e, struct port *p)
{
	epoll_ctl(e->epfd, EPOLL_CTL_DEL, p->rx, NULL);
	close(p->rx);
	close(p->tx);
	p->ours = false;
}

/* Ask for a port, and wait on it from now on. */
static int new_port(struct xen_evtchn *e, enum desk_wire_op op, uint16_t remote,
		    uint32_t remote_port)
{
	struct desk_wire_request q = { .magic = DESK_WIRE_MAGIC,
				       .op = op,
				       .domid = remote,
				       .arg = remote_port };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };
	struct desk_wire_reply reply;
	struct port *p;
	int fds[2];
	int err;

	err = desk_link_call(&e->host->link, &q, &reply, fds, 2);
	if (err)
		return err;
	if (!reply.value || reply.value > DESK_PORT_MAX) {
		close(fds[0]);
		close(fds[1]);
		return -EPROTO;
	}
	p = &e->port[reply.value];
	p->ours = true;
	p->rx = fds[0];
	p->tx = fds[1];
	ev.data.u32 = reply.value;
	if (epoll_ctl(e->epfd, EPOLL_CTL_ADD, p->rx, &ev)) {
		err = -errno;
		forget(e, p);
		tell_unbind(e, reply.value);
		return err;
	}
	return (int)reply.value;
}

static int wake(int fd)
{
	const uint64_t one = 1;

	/* EAGAIN: the counter is full, so it is pending anyhow. */
	if (write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

int desk_port_alloc(struct xen_evtchn *e, uint16_t remote)
{
	return new_port(e, DESK_WIRE_EVTCHN_ALLOC, remote, 0);
}

int desk_port_bind(struct xen_evtchn *e, uint16_t remote, uint32_t remote_port)
{
	int port = new_port(e, DESK_WIRE_EVTCHN_BIND, remote, remote_port);

	/*
	 * Notifications may have been lost on the unbound port: the new one
	 * is pending at once (evtchn_bind_interdomain in Xen).
	 */
	if (port > 0)
		wake(e->port[port].rx);
	return port;
}

int desk_port_unbind(struct xen_evtchn *e, uint32_t port)
{
	struct port *p = find(e, port);

	if (!p)
		return -ENOTCONN;
	forget(e, p);
	return tell_unbind(e, port);
}

void desk_port_close(struct xen_evtchn *e)
{
	uint32_t i;

	for (i = 1; i <= DESK_PORT_MAX; i++)
		if (e->port[i].ours)
			desk_port_unbind(e, i);
	close(e->epfd);
	pthread_mutex_lock(&e->host->lock);
	LIST_REMOVE(e, link);
	pthread_mutex_unlock(&e->host->lock);
	free(e);
}

int desk_port_notify(struct xen_evtchn *e, uint32_t port)
{
	struct port *p = find(e, port);

	return p ? wake(p->tx) : -ENOTCONN;
}

int desk_port_pending(struct xen_evtchn *e)
{
	struct epoll_event ev;
	uint64_t count;
	struct port *p;
	int n;

	for (;;) {
		n = epoll_wait(e->epfd, &ev, 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EAGAIN;
		p = find(e, ev.data.u32);
		if (!p)
			continue;
		if (read(p->rx, &count, sizeof(count)) == sizeof(count))
			return (int)ev.data.u32;
		/* Nothing after all: not masked, then. */
		desk_port_unmask(e, ev.data.u32);
	}
}

int desk_port_unmask(struct xen_evtchn *e, uint32_t port)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT,
				  .data.u32 = port };
	struct port *p = find(e, port);

	/* Linux's driver passes over ports that are not the caller's. */
	if (!p)
		return 0;
	return epoll_ctl(e->epfd, EPOLL_CTL_MOD, p->rx, &ev) ? -errno : 0;
}
