/* SPDX-License-Identifier: MIT */
#include "desk/store/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "desk/store/quota.h"
#include "desk/store/request.h"

/* Requests of one connection before the others have their turn. */
#define TURN 32

static struct store *store_of(const struct store_conn *c)
{
	return c->domain->store;
}

/* ---- when to listen to it ---------------------------------------------------
 */

static void update(struct store_conn *c)
{
	uint32_t events = 0;

	if (c->broken)
		return;
	if (c->queue_bytes < STORE_WIRE_QUEUE_PAUSE &&
	    (c->domain->domid == 0 || c->domain->events < STORE_QUOTA_EVENTS))
		events |= EPOLLIN;
	if (c->queue_bytes)
		events |= EPOLLOUT;
	desk_loop_modify(store_of(c)->loop, &c->source, events);
}

/*
 * A connection in trouble may be met in the middle of firing watches, by
 * whoever walks the list: it is only marked, and closed from the loop.
 */
static void break_off(struct store_conn *c, const char *reason)
{
	if (c->broken)
		return;
	if (reason && log_limit_pass(&c->domain->log))
		log_warn("store: domain %u is cut off: %s", c->domain->domid,
			 reason);
	c->broken = true;
	/* The loop sees the hang-up and closes. */
	desk_loop_modify(store_of(c)->loop, &c->source, EPOLLIN);
	shutdown(c->source.fd, SHUT_RDWR);
}

/* ---- frames out -------------------------------------------------------------
 */

static void frame_free(struct store_conn *c, struct store_frame *f)
{
	struct store_domain *cause = f->cause;
	struct store_conn *i;

	TAILQ_REMOVE(&c->queue, f, link);
	c->queue_bytes -= f->len;
	free(f);
	if (!cause || --cause->events != STORE_QUOTA_EVENTS - 1)
		return;
	/* Its requests may go on. */
	LIST_FOREACH(i, &store_of(c)->conns, link)
		if (i->domain == cause)
			update(i);
}

static void flush(struct store_conn *c)
{
	struct store_frame *f;
	ssize_t n;

	while (!c->broken && (f = TAILQ_FIRST(&c->queue))) {
		n = send(c->source.fd, (char *)&f->hdr + f->sent,
			 f->len - f->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			break_off(c, NULL);
			break;
		}
		f->sent += (size_t)n;
		c->unread_since_ns = clock_now_ns();
		if (f->sent == f->len)
			frame_free(c, f);
	}
	if (TAILQ_EMPTY(&c->queue))
		c->unread_since_ns = 0;
	update(c);
}

static void send_frame(struct store_conn *c, const struct xsd_sockmsg *hdr,
		       const void *data, struct store_domain *cause)
{
	struct store_frame *f;

	if (c->broken)
		return;
	if (c->queue_bytes > STORE_QUOTA_QUEUE_BYTES) {
		break_off(c, "it does not read what it asked for");
		return;
	}
	f = malloc(sizeof(*f) + hdr->len);
	if (!f) {
		break_off(c, "no memory");
		return;
	}
	f->event = hdr->type == XS_WATCH_EVENT;
	f->cause = cause;
	f->sent = 0;
	f->len = sizeof(f->hdr) + hdr->len;
	f->hdr = *hdr;
	memcpy(f->payload, data, hdr->len);
	TAILQ_INSERT_TAIL(&c->queue, f, link);
	c->queue_bytes += f->len;
	if (cause)
		cause->events++;
	if (!c->unread_since_ns) {
		c->unread_since_ns = clock_now_ns();
		if (!store_of(c)->stuck.set)
			desk_loop_timer_set(store_of(c)->loop,
					    &store_of(c)->stuck,
					    STORE_WIRE_READER_PATIENCE_NS / 4);
	}
	update(c);
}

void store_wire_reply(struct store_conn *c, const void *data, size_t len)
{
	struct xsd_sockmsg hdr = c->hdr;

	if (len > XENSTORE_PAYLOAD_MAX) {
		store_wire_reply_error(c, -E2BIG);
		return;
	}
	hdr.len = (uint32_t)len;
	send_frame(c, &hdr, data, NULL);
}

void store_wire_reply_error(struct store_conn *c, int err)
{
	struct xsd_sockmsg hdr = c->hdr;
	const char *word = "EINVAL";
	size_t i;

	for (i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
		if (xsd_errors[i].errnum == -err)
			word = xsd_errors[i].errstring;
	hdr.type = XS_ERROR;
	hdr.len = (uint32_t)strlen(word) + 1;
	send_frame(c, &hdr, word, NULL);
}

void store_wire_event(struct store_conn *c, const char *path, const char *token,
		      struct store_domain *cause)
{
	size_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;
	struct xsd_sockmsg hdr = { .type = XS_WATCH_EVENT };
	char data[XENSTORE_PAYLOAD_MAX];
	struct store_frame *f;

	if (path_len + token_len > sizeof(data))
		return; /* no reader could take it */
	memcpy(data, path, path_len);
	memcpy(data + path_len, token, token_len);
	hdr.len = (uint32_t)(path_len + token_len);
	/* The same event again tells nothing new, unless it began to leave. */
	TAILQ_FOREACH(f, &c->queue, link)
		if (f->event && !f->sent && f->hdr.len == hdr.len &&
		    !memcmp(f->payload, data, hdr.len))
			return;
	send_frame(c, &hdr, data, cause);
}

void store_wire_look_for_stuck(struct desk_timer *t)
{
	struct store *s = desk_container(t, struct store, stuck);
	uint64_t now = clock_now_ns();
	struct store_conn *c;
	bool waiting = false;

	LIST_FOREACH(c, &s->conns, link) {
		if (!c->unread_since_ns || !c->domain->domid)
			continue;
		waiting = true;
		if (now - c->unread_since_ns > STORE_WIRE_READER_PATIENCE_NS)
			break_off(c, "it does not read what it asked for");
	}
	if (waiting)
		desk_loop_timer_set(s->loop, t,
				    STORE_WIRE_READER_PATIENCE_NS / 4);
}

/* ---- frames in --------------------------------------------------------------
 */

/* 1: a whole request is there; 0: not yet; -1: the connection is over. */
static int receive(struct store_conn *c)
{
	size_t want;
	char *to;
	ssize_t n;

	for (;;) {
		if (c->got < sizeof(c->hdr)) {
			to = (char *)&c->hdr + c->got;
			want = sizeof(c->hdr) - c->got;
		} else {
			if (c->hdr.len > XENSTORE_PAYLOAD_MAX)
				return -1;
			to = c->payload + (c->got - sizeof(c->hdr));
			want = sizeof(c->hdr) + c->hdr.len - c->got;
			if (!want)
				return 1;
		}
		n = recv(c->source.fd, to, want, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return -1;
		c->got += (size_t)n;
	}
}

static void ready(struct desk_source *source, uint32_t events)
{
	struct store_conn *c =
		desk_container(source, struct store_conn, source);
	int turn = TURN, r = 0;

	if (c->broken ||
	    (events & (EPOLLERR | EPOLLHUP) && !(c->source.events & EPOLLIN))) {
		store_wire_close(c);
		return;
	}
	while (turn-- && !c->broken && c->source.events & EPOLLIN) {
		r = receive(c);
		if (r <= 0)
			break;
		c->got = 0;
		c->payload[c->hdr.len] = 0;
		store_request_run(c);
	}
	if (r < 0) {
		store_wire_close(c);
		return;
	}
	flush(c);
}

void store_wire_accept(struct desk_source *listener, uint32_t events)
{
	struct store_domain *d =
		desk_container(listener, struct store_domain, listener);
	struct store_conn *c;
	int fd;

	(void)events;
	for (;;) {
		fd = desk_loop_accept(d->store->loop, listener->fd);
		if (fd < 0)
			return;
		c = NULL;
		if (!d->domid || d->conns < STORE_QUOTA_CONNECTIONS)
			c = calloc(1, sizeof(*c));
		if (!c) {
			close(fd);
			continue;
		}
		c->domain = d;
		c->source.fd = fd;
		c->source.ready = ready;
		TAILQ_INIT(&c->queue);
		TAILQ_INIT(&c->watches);
		LIST_INIT(&c->transactions);
		if (desk_loop_add(d->store->loop, &c->source, EPOLLIN)) {
			close(fd);
			free(c);
			continue;
		}
		d->conns++;
		LIST_INSERT_HEAD(&d->store->conns, c, link);
	}
}

void store_wire_close(struct store_conn *c)
{
	struct store_domain *d = c->domain;

	c->broken = true; /* nothing more is queued for it */
	desk_loop_remove(d->store->loop, &c->source);
	close(c->source.fd);
	LIST_REMOVE(c, link);
	store_request_forget(c);
	while (!TAILQ_EMPTY(&c->queue))
		frame_free(c, TAILQ_FIRST(&c->queue));
	d->conns--;
	free(c);
}
