/* SPDX-License-Identifier: MIT */
#include "desk/evtchn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A domain has 4095 ports, or a fourth of what this machine can have. */
static int port_free(const struct desk_domain *dom)
{
	unsigned i, max = dom->desk->channels_max / 4;

	for (i = 1; i <= DESK_PORT_MAX && i <= max; i++)
		if (!dom->port[i])
			return (int)i;
	return -ENOSPC;
}

static void channel_close(struct desk *d, struct desk_channel *ch)
{
	d->channels--;
	if (ch->wake[0] >= 0)
		close(ch->wake[0]);
	if (ch->wake[1] >= 0)
		close(ch->wake[1]);
	free(ch);
}

static struct desk_channel *channel_open(struct desk *d)
{
	struct desk_channel *ch;

	if (d->channels >= d->channels_max)
		return NULL;
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return NULL;
	d->channels++;
	ch->wake[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ch->wake[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ch->wake[0] < 0 || ch->wake[1] < 0) {
		channel_close(d, ch);
		return NULL;
	}
	return ch;
}

/* A new port of the process at one end of `ch`. */
static int port_open(struct desk_conn *c, struct desk_channel *ch, int side,
		     uint16_t remote, int fds[2])
{
	int n = port_free(c->domain);
	struct desk_port *p;

	if (n < 0)
		return n;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->channel = ch;
	p->side = side;
	p->port = (uint32_t)n;
	p->remote = remote;
	p->domain = c->domain;
	p->conn = c;
	ch->end[side] = p;
	c->domain->port[n] = p;
	fds[0] = ch->wake[side];
	fds[1] = ch->wake[!side];
	return n;
}

int desk_evtchn_alloc(struct desk_conn *c, uint16_t remote, int fds[2])
{
	struct desk_channel *ch = channel_open(c->desk);
	int n;

	if (!ch)
		return -ENOSPC;
	n = port_open(c, ch, 0, remote, fds);
	if (n < 0)
		channel_close(c->desk, ch);
	return n;
}

int desk_evtchn_bind(struct desk_conn *c, uint16_t remote, uint32_t port,
		     int fds[2])
{
	struct desk_domain *dom = desk_domain_find(c->desk, remote);
	struct desk_port *p;

	if (!dom)
		return -ESRCH;
	if (!port || port > DESK_PORT_MAX || !dom->port[port])
		return -EINVAL;
	p = dom->port[port];
	if (p->channel->end[!p->side] || p->remote != c->domain->domid)
		return -EINVAL;
	return port_open(c, p->channel, !p->side, remote, fds);
}

static void port_close(struct desk_port *p)
{
	struct desk_channel *ch = p->channel;

	ch->end[p->side] = NULL;
	p->domain->port[p->port] = NULL;
	if (!ch->end[!p->side])
		channel_close(p->domain->desk, ch);
	free(p);
}

int desk_evtchn_unbind(struct desk_conn *c, uint32_t port)
{
	struct desk_port *p;

	if (!port || port > DESK_PORT_MAX)
		return -EINVAL;
	p = c->domain->port[port];
	if (!p || p->conn != c)
		return -EINVAL;
	port_close(p);
	return 0;
}

void desk_evtchn_unbind_all(struct desk_conn *c)
{
	unsigned i;

	for (i = 1; i <= DESK_PORT_MAX; i++)
		if (c->domain->port[i] && c->domain->port[i]->conn == c)
			port_close(c->domain->port[i]);
}

void desk_evtchn_count(const struct desk *d, uint32_t *unbound, uint32_t *bound)
{
	const struct desk_domain *dom;
	const struct desk_port *p;
	unsigned i;

	*unbound = *bound = 0;
	LIST_FOREACH(dom, &d->domains, link) {
		for (i = 1; i <= DESK_PORT_MAX; i++) {
			p = dom->port[i];
			if (p)
				++*(p->channel->end[!p->side] ? bound
							      : unbound);
		}
	}
}
