/* SPDX-License-Identifier: MIT */
#include "disk/nbd_dial.h"

#include <errno.h>
#include <libnbd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "disk/op.h"

#define PATIENCE_NS	  (DIAL_PATIENCE_MS * UINT64_C(1000000))
#define DIAL_MARGIN_NS	  UINT64_C(200000000)
#define PATIENCE_LEAST_NS UINT64_C(50000000)
/* Every server takes this much, says the protocol. */
#define PAYLOAD_DEFAULT (32u << 20)
#define PAYLOAD_LEAST	4096u
/* A host that is gone is noticed within half a minute. */
#define KEEP_IDLE_S  10
#define KEEP_PAUSE_S 5
#define KEEP_TRIES   4
#define UNACKED_MS   30000

struct nbd_dial {
	struct nbd_want want; /* its texts are ours */
	bool again;
	int ended_fd;
	int stop_fd;

	pthread_mutex_t lock; /* over what follows */
	unsigned users;
	bool ended;
	int err;
	struct why why;
	struct nbd_conn conn;
};

/* ---- a connection --------------------------------------------------------
 */

bool nbd_conn_alive(const struct nbd_conn *c)
{
	return c->h &&
	       (nbd_aio_is_ready(c->h) > 0 || nbd_aio_is_processing(c->h) > 0);
}

void nbd_conn_close(struct nbd_conn *c)
{
	if (!c->h)
		return;
	if (nbd_conn_alive(c))
		nbd_aio_disconnect(c->h, 0);
	nbd_close(c->h);
	c->h = NULL;
}

static void conn_keep(struct nbd_handle *h)
{
	static const struct {
		int level, name, value;
	} set[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEP_PAUSE_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEP_TRIES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKED_MS },
	};
	int fd = nbd_aio_get_fd(h);

	/* A socket of another family takes none of them and needs none. */
	for (unsigned i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		setsockopt(fd, set[i].level, set[i].name, &set[i].value,
			   sizeof(set[i].value));
}

/* ---- why it failed ------------------------------------------------------- */

static const char *dial_text(void)
{
	const char *text = nbd_get_error(), *colon;

	if (!text)
		return "it gave no reason";
	/* Without the name of the function. */
	colon = strncmp(text, "nbd_", 4) ? NULL : strstr(text, ": ");
	return colon ? colon + 2 : text;
}

static int dial_no_uri(const struct nbd_want *w, struct why *why)
{
	return why_set(why, -EINVAL,
		       "%s: this is no NBD URI (%s); write "
		       "nbd:nbd://HOST:PORT/EXPORT or "
		       "nbd:nbd+unix:///EXPORT?socket=PATH",
		       w->target, dial_text());
}

/* Before the server said anything of an export. */
static int dial_no_server(const struct nbd_want *w, int err, struct why *why)
{
	switch (err) {
	case ECONNREFUSED:
	case ENOENT:
		return why_set(why, -err,
			       "%s: nobody listens there; start the NBD server "
			       "or correct the URI",
			       w->target);
	case EACCES:
	case EPERM:
		return why_set(why, -err,
			       "%s: this user may not connect to that socket; "
			       "change its permissions",
			       w->target);
	case ETIMEDOUT:
		return why_set(why, -err,
			       "%s: the server was silent for %d s; look "
			       "whether it hangs, or correct the URI",
			       w->target, DIAL_PATIENCE_MS / 1000);
	default:
		return why_set(why, err ? -err : -EIO,
			       "%s: there is no connection to an NBD server "
			       "(%s); start one or correct the URI",
			       w->target, dial_text());
	}
}

static int dial_no_export(const struct nbd_want *w, int err, struct why *why)
{
	if (err == ETIMEDOUT)
		return dial_no_server(w, err, why);
	if (err == ENOENT)
		return why_set(why, -err,
			       "%s: the server has no such export; correct "
			       "the name, 'nbdinfo --list' shows what it has",
			       w->target);
	return why_set(why, err ? -err : -EIO,
		       "%s: the server does not give out that export (%s); "
		       "look into its log",
		       w->target, dial_text());
}

/* ---- one attempt ---------------------------------------------------------
 */

/* While libnbd connects or negotiates.  0, -ETIMEDOUT or -ECANCELED. */
static int dial_drive(struct nbd_dial *d, struct nbd_handle *h,
		      uint64_t deadline_ns)
{
	while (nbd_aio_is_connecting(h) > 0) {
		unsigned dir = nbd_aio_get_direction(h);
		struct pollfd p[2] = { { .fd = nbd_aio_get_fd(h) },
				       { .fd = d->stop_fd, .events = POLLIN } };
		uint64_t now = clock_now_ns();

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		if (dir & LIBNBD_AIO_DIRECTION_READ)
			p[0].events |= POLLIN;
		if (dir & LIBNBD_AIO_DIRECTION_WRITE)
			p[0].events |= POLLOUT;
		poll(p, 2, (int)((deadline_ns - now) / 1000000u) + 1);
		if (p[1].revents)
			return -ECANCELED;
		/* What it thinks of it is its state afterwards. */
		if (!p[0].revents)
			continue;
		if (dir & LIBNBD_AIO_DIRECTION_READ &&
		    p[0].revents & (POLLIN | POLLHUP | POLLERR))
			nbd_aio_notify_read(h);
		else
			nbd_aio_notify_write(h);
	}
	return 0;
}

static int dial_went(void *user_data, int *error)
{
	*(int *)user_data = *error;
	return 1;
}

/*
 * In two steps, since ENOENT may mean the socket or the export.  `went` is
 * the answer to the second; libnbd writes it before it leaves "connecting".
 */
static int dial_connect(struct nbd_dial *d, struct nbd_handle *h, int *went,
			struct why *why)
{
	uint64_t deadline_ns = clock_now_ns() + PATIENCE_NS;
	const struct nbd_want *w = &d->want;
	nbd_completion_callback done = { .callback = dial_went,
					 .user_data = went };
	int err;

	nbd_set_opt_mode(h, true);
	/* The target is the administrator's: it may name a file of keys. */
	nbd_set_uri_allow_local_file(h, true);
	if (nbd_aio_connect_uri(h, w->uri)) {
		err = nbd_get_errno();
		return err == EINVAL ? dial_no_uri(w, why)
				     : dial_no_server(w, err, why);
	}
	err = dial_drive(d, h, deadline_ns);
	if (err)
		return dial_no_server(w, -err, why);
	if (nbd_aio_is_ready(h) > 0)
		return 0; /* an old server that has one export */
	if (nbd_aio_is_negotiating(h) <= 0)
		return dial_no_server(w, nbd_get_errno(), why);
	if (nbd_aio_opt_go(h, done))
		return dial_no_export(w, nbd_get_errno(), why);
	err = dial_drive(d, h, deadline_ns);
	if (err)
		return dial_no_export(w, -err, why);
	if (nbd_aio_is_ready(h) <= 0)
		return dial_no_export(w, *went ? *went : nbd_get_errno(), why);
	return 0;
}

/* A block size of the kind `which`, or 0 if the server did not say. */
static uint32_t dial_block_size(struct nbd_handle *h, int which)
{
	int64_t n = nbd_get_block_size(h, which);

	return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static int dial_check(const struct nbd_want *w, struct nbd_conn *c,
		      struct why *why)
{
	uint32_t least = dial_block_size(c->h, LIBNBD_SIZE_MINIMUM);
	uint32_t most = dial_block_size(c->h, LIBNBD_SIZE_MAXIMUM);
	int64_t size = nbd_get_size(c->h);

	if (size <= 0)
		return why_set(why, -EINVAL,
			       "%s: the export has no size; give it one on "
			       "the server",
			       w->target);
	if (size % w->sector_bytes)
		return why_set(why, -EINVAL,
			       "the size of %s, %lld bytes, is not a multiple "
			       "of its sector size, %u; extend it, for example "
			       "with nbdkit's --filter=truncate round-up=%u",
			       w->target, (long long)size, w->sector_bytes,
			       w->sector_bytes);
	if (w->size_bytes && (uint64_t)size != w->size_bytes)
		return why_set(why, -ESTALE,
			       "%s has %lld bytes now and had %llu; bring the "
			       "same export back, or detach the disk",
			       w->target, (long long)size,
			       (unsigned long long)w->size_bytes);
	if (!w->readonly && nbd_is_read_only(c->h) != 0)
		return why_set(why, -EROFS,
			       "%s can only be read; attach it read-only",
			       w->target);
	if (w->multi && nbd_can_multi_conn(c->h) <= 0)
		return why_set(why, -EINVAL,
			       "%s: the server does not keep several "
			       "connections consistent any more (no "
			       "multi-conn); bring the same one back, or "
			       "detach the disk",
			       w->target);
	if (least > w->sector_bytes)
		return why_set(why, -EINVAL,
			       "%s: the server demands blocks of %u bytes and "
			       "the disk has sectors of %u; give it larger "
			       "ones (sector-size), or put nbdkit's "
			       "--filter=blocksize in front of it",
			       w->target, least, w->sector_bytes);
	c->size_bytes = (uint64_t)size;
	c->preferred_bytes = dial_block_size(c->h, LIBNBD_SIZE_PREFERRED);
	c->payload_bytes = PAYLOAD_DEFAULT;
	if (most >= PAYLOAD_LEAST && most < PAYLOAD_DEFAULT)
		c->payload_bytes = most & ~(PAYLOAD_LEAST - 1);
	c->flush = nbd_can_flush(c->h) > 0;
	c->trim = nbd_can_trim(c->h) > 0;
	c->multi = nbd_can_multi_conn(c->h) > 0;
	return 0;
}

static int dial_attempt(struct nbd_dial *d, struct nbd_conn *c, struct why *why)
{
	int went = 0, err;

	*c = (struct nbd_conn){ .h = nbd_create() };
	if (!c->h)
		return why_set(why, -ENOMEM, "%s: no memory for a connection",
			       d->want.target);
	err = dial_connect(d, c->h, &went, why);
	if (!err)
		err = dial_check(&d->want, c, why);
	if (err)
		nbd_conn_close(c);
	else
		conn_keep(c->h);
	return err;
}

/* ---- its thread ----------------------------------------------------------
 */

static void dial_free(struct nbd_dial *d)
{
	nbd_conn_close(&d->conn);
	if (d->ended_fd >= 0)
		close(d->ended_fd);
	if (d->stop_fd >= 0)
		close(d->stop_fd);
	free((char *)d->want.target);
	free((char *)d->want.uri);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static void dial_put(struct nbd_dial *d)
{
	unsigned left;

	pthread_mutex_lock(&d->lock);
	left = --d->users;
	pthread_mutex_unlock(&d->lock);
	if (!left)
		dial_free(d);
}

/* True if it was stopped meanwhile. */
static bool dial_pause(struct nbd_dial *d)
{
	struct pollfd p = { .fd = d->stop_fd, .events = POLLIN };

	return poll(&p, 1, DIAL_PAUSE_MS) > 0;
}

static void *dial_main(void *arg)
{
	struct nbd_dial *d = arg;
	struct nbd_conn conn;
	struct why why = { "" };
	bool told = false;
	int err = -ECANCELED;

	while (!d->again || !dial_pause(d)) {
		err = dial_attempt(d, &conn, &why);
		if (!err || !d->again || err == -ECANCELED)
			break;
		/* Somebody is there, but not whom we waited for. */
		if (!told &&
		    (err == -ESTALE || err == -EROFS || err == -EINVAL)) {
			told = true;
			log_warn("%s", why.text);
		}
	}
	pthread_mutex_lock(&d->lock);
	d->ended = true;
	d->err = err;
	d->why = why;
	if (!err)
		d->conn = conn;
	pthread_mutex_unlock(&d->lock);
	disk_signal_raise(d->ended_fd);
	dial_put(d);
	return NULL;
}

/* ---- whoever wants a connection ------------------------------------------
 */

static int dial_thread(struct nbd_dial *d)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&thread, &attr, dial_main, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

int nbd_dial_start(struct nbd_dial **out, const struct nbd_want *want,
		   bool again, struct why *why)
{
	struct nbd_dial *d = calloc(1, sizeof(*d));
	int err = 0;

	if (!d)
		return why_set(why, -ENOMEM, "%s: no memory to connect",
			       want->target);
	pthread_mutex_init(&d->lock, NULL);
	d->want = *want;
	d->want.target = strdup(want->target);
	d->want.uri = strdup(want->uri);
	d->again = again;
	d->users = 2;
	d->ended_fd = disk_signal_open();
	d->stop_fd = disk_signal_open();
	if (!d->want.target || !d->want.uri)
		err = -ENOMEM;
	else if (d->ended_fd < 0 || d->stop_fd < 0)
		err = d->ended_fd < 0 ? d->ended_fd : d->stop_fd;
	else
		err = dial_thread(d);
	if (err) {
		dial_free(d);
		return why_set(why, err,
			       "%s: a connection cannot have its thread (%s); "
			       "raise the limits on processes and open files",
			       want->target, strerror(-err));
	}
	*out = d;
	return 0;
}

int nbd_dial_fd(const struct nbd_dial *d)
{
	return d->ended_fd;
}

int nbd_dial_take(struct nbd_dial *d, struct nbd_conn *out, struct why *why)
{
	int err = -EINPROGRESS;

	pthread_mutex_lock(&d->lock);
	if (d->ended) {
		err = d->err;
		if (err)
			why_set(why, err, "%s", d->why.text);
		*out = d->conn;
		d->conn.h = NULL;
	}
	pthread_mutex_unlock(&d->lock);
	return err;
}

void nbd_dial_drop(struct nbd_dial *d)
{
	if (!d)
		return;
	disk_signal_raise(d->stop_fd);
	dial_put(d);
}

/* -EINPROGRESS and no sentence if it goes on after that. */
static int dial_wait(struct nbd_dial *d, uint64_t ns, struct nbd_conn *out,
		     struct why *why)
{
	struct pollfd p = { .fd = d->ended_fd, .events = POLLIN };
	uint64_t now = clock_now_ns(), end_ns = now + ns;
	int err;

	while ((err = nbd_dial_take(d, out, why)) == -EINPROGRESS &&
	       now < end_ns) {
		poll(&p, 1, (int)((end_ns - now) / 1000000u) + 1);
		now = clock_now_ns();
	}
	return err;
}

/* For one that has DIAL_PATIENCE_MS. */
static int dial_wait_all(struct nbd_dial *d, struct nbd_conn *out,
			 struct why *why)
{
	int err = dial_wait(d, PATIENCE_NS + DIAL_MARGIN_NS, out, why);

	if (err != -EINPROGRESS)
		return err;
	/* It keeps its own patience where it can. */
	return why_set(why, -ETIMEDOUT,
		       "%s: the name of its host was not found within %d s; "
		       "look after the resolver, or write the address",
		       d->want.target, DIAL_PATIENCE_MS / 1000);
}

bool nbd_patience_left(struct nbd_patience *p)
{
	uint64_t now = clock_now_ns();
	uint64_t regained = (now - p->looked_ns) / DIAL_REGAIN;

	p->spent_ns -= regained < p->spent_ns ? regained : p->spent_ns;
	p->looked_ns = now;
	return p->spent_ns + PATIENCE_LEAST_NS <= PATIENCE_NS;
}

int nbd_dial_wait(struct nbd_dial *d, struct nbd_patience *p,
		  struct nbd_conn *out, struct why *why)
{
	uint64_t begin = clock_now_ns();
	int err;

	if (!nbd_patience_left(p))
		err = -EINPROGRESS;
	else if (!p->spent_ns)
		err = dial_wait_all(d, out, why);
	else
		err = dial_wait(d, PATIENCE_NS - p->spent_ns, out, why);
	p->looked_ns = clock_now_ns();
	p->spent_ns += p->looked_ns - begin;
	if (p->spent_ns > PATIENCE_NS)
		p->spent_ns = PATIENCE_NS;
	return err;
}

int nbd_dial_once(const struct nbd_want *want, struct nbd_conn *out,
		  struct why *why)
{
	struct nbd_dial *d;
	int err = nbd_dial_start(&d, want, false, why);

	if (err)
		return err;
	err = dial_wait_all(d, out, why);
	nbd_dial_drop(d);
	return err;
}
