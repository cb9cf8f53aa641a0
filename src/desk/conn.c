/* SPDX-License-Identifier: MIT */
#include "desk/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "desk/domain.h"
#include "desk/evtchn.h"
#include "desk/grant.h"
#include "desk/toolstack.h"

#define CONNECTIONS_MAX 256u
#define TURN		16 /* requests before the others have their turn */

/* An answer in the making. */
struct answer {
	struct desk_wire_reply reply;
	int fd[DESK_WIRE_FDS_MAX];
	bool ours[DESK_WIRE_FDS_MAX]; /* to be closed when it is sent */
};

static void give(struct answer *a, int fd, bool ours)
{
	a->fd[a->reply.fds] = fd;
	a->ours[a->reply.fds++] = ours;
}

static int answer_send(struct desk_conn *c, struct answer *a)
{
	union {
		char room[CMSG_SPACE(sizeof(int) * DESK_WIRE_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { &a->reply, sizeof(a->reply) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	size_t bytes = a->reply.fds * sizeof(int);
	ssize_t n;

	if (bytes) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(bytes);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(cmsg), a->fd, bytes);
	}
	do {
		n = sendmsg(c->source.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	/* One request, one answer: a full socket means it does not read. */
	return n == sizeof(a->reply) ? 0 : -EPIPE;
}

/* ---- requests ---------------------------------------------------------- */

static int do_hello(struct desk_conn *c, const struct desk_wire_request *q,
		    struct answer *a)
{
	struct desk_domain *dom;
	int pair[2];

	if (q->domid > DESK_DOMID_MAX)
		return -EINVAL;
	dom = desk_domain_find(c->desk, (uint16_t)q->domid);
	if (!dom || dom->dying)
		return -ESRCH;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       pair))
		return -errno;
	c->gone_fd = pair[0];
	c->domain = dom;
	c->asks = q->arg == 1;
	if (!c->asks)
		dom->conns++;
	a->reply.size = dom->mem_bytes;
	give(a, pair[1], true);
	if (dom->domid && !c->asks) {
		give(a, dom->memory_fd, false);
		give(a, dom->grant_fd, false);
	}
	return 0;
}

static int do_domain_open(struct desk_conn *c,
			  const struct desk_wire_request *q, struct answer *a)
{
	struct desk_domain *dom;

	if (q->domid > DESK_DOMID_MAX)
		return -ESRCH;
	dom = desk_domain_find(c->desk, (uint16_t)q->domid);
	/* Nobody maps domain 0 here, and no domain its own pages. */
	if (!dom || !dom->active || dom == c->domain)
		return -ESRCH;
	a->reply.size = dom->mem_bytes;
	give(a, dom->memory_fd, false);
	give(a, dom->grant_fd, false);
	give(a, dom->active_fd, false);
	return 0;
}

static int do_track_open(struct desk_conn *c, const struct desk_wire_request *q,
			 struct answer *a)
{
	int fd = desk_grant_table_open(c, &a->reply.value);

	(void)q;
	if (fd < 0)
		return fd;
	give(a, fd, true);
	return 0;
}

static int do_track_close(struct desk_conn *c,
			  const struct desk_wire_request *q, struct answer *a)
{
	(void)a;
	return desk_grant_table_close(c, q->arg);
}

static int do_pages_take(struct desk_conn *c, const struct desk_wire_request *q,
			 struct answer *a)
{
	int64_t first = desk_domain_pages_take(c->domain, c, q->arg);

	if (first < 0)
		return (int)first;
	a->reply.value = (uint32_t)first;
	return 0;
}

static int answer_port(struct answer *a, int port, const int fds[2])
{
	if (port < 0)
		return port;
	a->reply.value = (uint32_t)port;
	give(a, fds[0], false);
	give(a, fds[1], false);
	return 0;
}

static int do_evtchn_alloc(struct desk_conn *c,
			   const struct desk_wire_request *q, struct answer *a)
{
	int fds[2];

	if (q->domid > DESK_DOMID_MAX)
		return -ESRCH;
	return answer_port(a, desk_evtchn_alloc(c, (uint16_t)q->domid, fds),
			   fds);
}

static int do_evtchn_bind(struct desk_conn *c,
			  const struct desk_wire_request *q, struct answer *a)
{
	int fds[2];

	if (q->domid > DESK_DOMID_MAX)
		return -ESRCH;
	return answer_port(
		a, desk_evtchn_bind(c, (uint16_t)q->domid, q->arg, fds), fds);
}

static int do_evtchn_unbind(struct desk_conn *c,
			    const struct desk_wire_request *q, struct answer *a)
{
	(void)a;
	return desk_evtchn_unbind(c, q->arg);
}

static int domain_counters(struct desk *d, uint16_t domid,
			   struct desk_counters *n)
{
	const struct desk_domain *dom = desk_domain_find(d, domid);

	if (!dom || !domid)
		return -ESRCH;
	n->grants = desk_grant_count(dom);
	n->mappings = desk_grant_count_mappings(d, dom);
	desk_grant_tally(dom, &n->tally);
	return 0;
}

static int do_counters(struct desk_conn *c, const struct desk_wire_request *q,
		       struct answer *a)
{
	struct desk_counters *n = &a->reply.counters;
	struct desk *d = c->desk;
	const struct desk_domain *dom;
	const struct desk_conn *i;

	if (q->arg)
		return q->domid > DESK_DOMID_MAX
			       ? -ESRCH
			       : domain_counters(d, (uint16_t)q->domid, n);
	n->tally = d->gone;
	LIST_FOREACH(dom, &d->domains, link) {
		n->domains += dom->domid != 0;
		n->grants += desk_grant_count(dom);
		desk_grant_tally(dom, &n->tally);
	}
	LIST_FOREACH(i, &d->conns, link)
		n->connections += i->domain && !i->asks;
	n->mappings = desk_grant_count_mappings(d, NULL);
	desk_evtchn_count(d, &n->ports_unbound, &n->ports_bound);
	n->watches = d->store->watches;
	n->transactions = d->store->transactions;
	n->nodes = d->store->tree.nodes;
	return 0;
}

static int do_domain_create(struct desk_conn *c,
			    const struct desk_wire_request *q, struct answer *a)
{
	(void)a;
	if (!q->domid || q->domid > DESK_DOMID_MAX)
		return -EINVAL;
	return desk_domain_create(c->desk, (uint16_t)q->domid, q->size);
}

static int do_watchers(struct desk_conn *c, const struct desk_wire_request *q,
		       struct answer *a)
{
	char path[64];

	if (q->domid > DESK_DOMID_MAX)
		return -EINVAL;
	snprintf(path, sizeof(path), "/local/domain/%u/backend/vbd", q->domid);
	a->reply.value =
		store_watchers(c->desk->store, (uint16_t)q->domid, path);
	return 0;
}

static int do_stop(struct desk_conn *c, const struct desk_wire_request *q,
		   struct answer *a)
{
	(void)q;
	(void)a;
	log_info("asked to stop");
	desk_loop_quit(&c->desk->loop);
	return 0;
}

/* Who may ask for it: a process of any domain, of a guest; or who asks. */
enum right { ANY_PROCESS, GUEST_PROCESS, ASKS };

static const struct {
	int (*run)(struct desk_conn *c, const struct desk_wire_request *q,
		   struct answer *a);
	enum right right;
} handler[] = {
	[DESK_WIRE_DOMAIN_OPEN] = { do_domain_open, ANY_PROCESS },
	[DESK_WIRE_TRACK_OPEN] = { do_track_open, ANY_PROCESS },
	[DESK_WIRE_TRACK_CLOSE] = { do_track_close, ANY_PROCESS },
	[DESK_WIRE_PAGES_TAKE] = { do_pages_take, GUEST_PROCESS },
	[DESK_WIRE_EVTCHN_ALLOC] = { do_evtchn_alloc, ANY_PROCESS },
	[DESK_WIRE_EVTCHN_BIND] = { do_evtchn_bind, ANY_PROCESS },
	[DESK_WIRE_EVTCHN_UNBIND] = { do_evtchn_unbind, ANY_PROCESS },
	[DESK_WIRE_COUNTERS] = { do_counters, ASKS },
	[DESK_WIRE_DOMAIN_CREATE] = { do_domain_create, ASKS },
	[DESK_WIRE_WATCHERS] = { do_watchers, ASKS },
	[DESK_WIRE_STOP] = { do_stop, ASKS },
};

static int dispatch(struct desk_conn *c, const struct desk_wire_request *q,
		    struct answer *a)
{
	if (!c->domain)
		return q->op == DESK_WIRE_HELLO ? do_hello(c, q, a) : -EPROTO;
	if (q->op >= sizeof(handler) / sizeof(handler[0]) ||
	    !handler[q->op].run)
		return -ENOSYS;
	if (c->asks != (handler[q->op].right == ASKS))
		return -EPERM;
	if (handler[q->op].right == GUEST_PROCESS && !c->domain->domid)
		return -EPERM;
	return handler[q->op].run(c, q, a);
}

static int answer_one(struct desk_conn *c, const struct desk_wire_request *q)
{
	struct answer a;
	unsigned i;
	int err;

	memset(&a, 0, sizeof(a));
	a.reply.op = q->op;
	a.reply.error = dispatch(c, q, &a);
	err = answer_send(c, &a);
	for (i = 0; i < a.reply.fds; i++)
		if (a.ours[i])
			close(a.fd[i]);
	return err;
}

/* ---- the connection ---------------------------------------------------- */

static void ready(struct desk_source *source, uint32_t events)
{
	struct desk_conn *c = desk_container(source, struct desk_conn, source);
	struct desk_wire_request q;
	int turn = TURN;
	ssize_t n;

	(void)events;
	while (turn--) {
		/* Fds that somebody sends along are dropped by the kernel. */
		n = recv(c->source.fd, &q, sizeof(q), MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n != sizeof(q) || q.magic != DESK_WIRE_MAGIC ||
		    answer_one(c, &q)) {
			desk_conn_close(c);
			return;
		}
	}
}

void desk_conn_accept(struct desk_source *listener, uint32_t events)
{
	struct desk *d = desk_container(listener, struct desk, listener);
	struct desk_conn *c;
	unsigned n = 0;
	int fd;

	(void)events;
	LIST_FOREACH(c, &d->conns, link)
		n++;
	for (;;) {
		fd = desk_loop_accept(&d->loop, listener->fd);
		if (fd < 0)
			return;
		c = n < CONNECTIONS_MAX ? calloc(1, sizeof(*c)) : NULL;
		if (!c) {
			close(fd);
			continue;
		}
		c->desk = d;
		c->gone_fd = -1;
		c->source.fd = fd;
		c->source.ready = ready;
		LIST_INIT(&c->table);
		if (desk_loop_add(&d->loop, &c->source, EPOLLIN)) {
			close(fd);
			free(c);
			continue;
		}
		LIST_INSERT_HEAD(&d->conns, c, link);
		n++;
	}
}

void desk_conn_close(struct desk_conn *c)
{
	struct desk *d = c->desk;

	desk_loop_remove(&d->loop, &c->source);
	close(c->source.fd);
	LIST_REMOVE(c, link);
	if (c->domain && !c->asks) {
		desk_toolstack_process_gone(c);
		desk_evtchn_unbind_all(c);
		desk_grant_table_close_all(c);
		desk_domain_pages_leave(c->domain, c);
		c->domain->conns--;
	}
	if (c->gone_fd >= 0)
		close(c->gone_fd);
	free(c);
	/* A disk to remove, or pages to reclaim. */
	if (!d->ending)
		desk_loop_timer_set(&d->loop, &d->toolstack, 0);
}
