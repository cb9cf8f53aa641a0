/* SPDX-License-Identifier: MIT */
/*
 * libnbd's state machine, run by the queue's thread.  submit() issues the
 * commands of an operation, one for each stretch of memory, straight from and
 * into the guest's pages, and of a discard one piece after the other, so that
 * what libnbd allocates for commands is bounded by the queue's depth and not
 * by the export; libnbd sends as much as the socket takes.  reap()
 * asks the epoll fd what is ready (the socket in the direction that libnbd
 * wants, the end of a dial, the clock) and lets libnbd do it.  Completions
 * come by callback, out of any call into libnbd.
 *
 * The epoll fd is the queue's fd: what it watches changes, it does not.  An
 * eventfd in it stands for operations that wait to be reaped.
 *
 * One file, although long: dialling, losing the server and coming back are
 * states of the one connection that operations run on, and share its struct.
 */
#include "disk/nbd.h"

#include <assert.h>
#include <errno.h>
#include <libnbd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "disk/op.h"

#define NBD_PHYSICAL_MAX 4096u
#define NBD_TRIM_MAX	 (1u << 30) /* a length has 32 bits */
#define NBD_TICKS	 6u	    /* of silence */

enum {
	WATCH_SOCKET,
	WATCH_SIGNAL,
	WATCH_TIMER,
	WATCH_DIAL,
	WATCH_LIFE,
	WATCHES
};

/* An operation that the server has. */
struct nbd_flight {
	struct disk_queue *q;
	struct disk_op *op;	 /* NULL: free */
	struct nbd_flight *next; /* in q->free or q->more */
	unsigned pending;	 /* commands, and one while they are issued */
	uint64_t covers;	 /* of a flush */
};

struct disk_queue {
	struct disk_nbd *n;
	struct nbd_conn conn;
	struct nbd_dial *dial; /* while there is no connection */
	unsigned born;	       /* the life of either */
	unsigned told;	       /* debts that a flush has paid */
	int epoll;
	int signal;
	int timer;
	uint32_t watched; /* events of the socket */
	bool watching;	  /* it is in epoll */
	bool raised;	  /* the signal is */
	bool ticking;	  /* the timer is */
	bool abandon;	  /* no more pieces */
	unsigned ticks;	  /* without a reply */

	struct nbd_flight *flights; /* `depth` of them */
	struct nbd_flight *free;
	struct nbd_flight *more; /* discards with a piece done, not the last */
	unsigned depth;
	unsigned in_flight;
	struct disk_list ready; /* done, to be reaped */

	uint64_t replies;
	uint64_t replies_ticked; /* at the last tick */
	struct log_limit limit;
};

/* ---- completion ---------------------------------------------------------- */

/* A success is taken down; false if it is none, on an old connection. */
static bool nbd_counts(const struct nbd_flight *f)
{
	struct nbd_life *l = &f->q->n->life;

	switch (f->op->kind) {
	case DISK_WRITE:
	case DISK_DISCARD:
		return nbd_life_wrote(l, f->q->born);
	case DISK_FLUSH:
		return nbd_life_flushed(l, f->q->born, f->covers);
	case DISK_READ:
		break;
	}
	return true;
}

static void nbd_flight_done(struct nbd_flight *f)
{
	struct disk_queue *q = f->q;
	struct disk_op *op = f->op;

	if (!op->error && !nbd_counts(f))
		op->error = -ENOTCONN;
	disk_list_push(&q->ready, op);
	f->op = NULL;
	f->next = q->free;
	q->free = f;
	q->in_flight--;
}

static void nbd_flight_put(struct nbd_flight *f)
{
	struct disk_queue *q = f->q;

	if (--f->pending)
		return;
	if (q->abandon && f->op->kind == DISK_DISCARD && !f->op->error &&
	    disk_op_left(f->op))
		f->op->error = -ECANCELED; /* hours of it may be left */
	if (f->op->kind != DISK_DISCARD || f->op->error ||
	    !disk_op_left(f->op)) {
		nbd_flight_done(f);
		return;
	}
	f->next = q->more;
	q->more = f;
}

static void nbd_flight_fail(struct nbd_flight *f, int err)
{
	if (!f->op->error)
		f->op->error = err ? -err : -EIO;
}

/*
 * Of a discard one piece at a time is at the server: libnbd keeps memory for
 * each command and searches them all for each reply, and an export may have
 * many pieces.
 */
static size_t nbd_trim_bytes(const struct disk_op *op)
{
	uint64_t left = op->len_bytes - op->done_bytes;

	return left < NBD_TRIM_MAX ? left : NBD_TRIM_MAX;
}

/* From inside libnbd, which must not be called from here. */
static int nbd_replied(void *user_data, int *error)
{
	struct nbd_flight *f = user_data;

	f->q->replies++;
	if (*error)
		nbd_flight_fail(f, *error);
	else if (f->op->kind == DISK_DISCARD)
		f->op->done_bytes += nbd_trim_bytes(f->op);
	nbd_flight_put(f);
	return 1;
}

/* ---- the connection is there, and is lost -------------------------------- */

static int nbd_watch(struct disk_queue *q, int fd, unsigned what, int how,
		     uint32_t events)
{
	struct epoll_event e = { .events = events, .data.u32 = what };

	return epoll_ctl(q->epoll, how, fd, &e) ? -errno : 0;
}

/* Wait for the socket as libnbd wants it now. */
static void nbd_watch_socket(struct disk_queue *q)
{
	unsigned dir = nbd_aio_get_direction(q->conn.h);
	uint32_t events = 0;

	if (dir & LIBNBD_AIO_DIRECTION_READ)
		events |= EPOLLIN;
	if (dir & LIBNBD_AIO_DIRECTION_WRITE)
		events |= EPOLLOUT;
	if (q->watching && events == q->watched)
		return;
	nbd_watch(q, nbd_aio_get_fd(q->conn.h), WATCH_SOCKET,
		  q->watching ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, events);
	q->watching = true;
	q->watched = events;
}

static void nbd_unwatch_socket(struct disk_queue *q)
{
	if (q->watching)
		nbd_watch(q, nbd_aio_get_fd(q->conn.h), WATCH_SOCKET,
			  EPOLL_CTL_DEL, 0);
	q->watching = false;
}

static void nbd_tick_set(struct disk_queue *q, bool on)
{
	unsigned ms = on ? q->n->silence_ms / NBD_TICKS : 0;
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
	struct itimerspec its = { t, t };

	q->ticking = on;
	q->ticks = 0;
	q->replies_ticked = q->replies;
	timerfd_settime(q->timer, 0, &its, NULL);
}

static int nbd_dial_begin(struct disk_queue *q, bool again, struct why *why)
{
	struct disk_nbd *n = q->n;
	struct nbd_want want = n->want;

	want.size_bytes = n->d.size_bytes;
	want.multi = n->multi;
	q->born = nbd_life_join(&n->life);
	return nbd_dial_start(&q->dial, &want, again, why);
}

static void nbd_watch_dial(struct disk_queue *q)
{
	nbd_watch(q, nbd_dial_fd(q->dial), WATCH_DIAL, EPOLL_CTL_ADD, EPOLLIN);
}

static void nbd_redial(struct disk_queue *q)
{
	struct why why;

	if (!nbd_dial_begin(q, true, &why)) {
		nbd_watch_dial(q);
		return;
	}
	/* The clock comes back here. */
	if (log_limit_pass(&q->limit))
		log_error("%s", why.text);
	nbd_tick_set(q, true);
}

static void nbd_undial(struct disk_queue *q)
{
	/* By hand: the dial's thread may keep the fd open. */
	if (q->dial)
		nbd_watch(q, nbd_dial_fd(q->dial), WATCH_DIAL, EPOLL_CTL_DEL,
			  0);
	nbd_dial_drop(q->dial);
	q->dial = NULL;
}

/* The queue has no connection; said once for all that have none. */
static void nbd_lost(struct disk_queue *q, const char *how)
{
	struct disk_nbd *n = q->n;

	if (!atomic_fetch_add(&n->lost, 1) && log_limit_pass(&q->limit))
		log_warn("%s: %s; requests fail until the server is back",
			 n->d.target, how);
}

static void nbd_lose(struct disk_queue *q, int err, const char *how)
{
	unsigned i;

	nbd_unwatch_socket(q);
	nbd_close(q->conn.h);
	q->conn.h = NULL;
	q->more = NULL;
	/* From here on libnbd touches no guest's page. */
	for (i = 0; i < q->depth; i++)
		if (q->flights[i].op) {
			nbd_flight_fail(&q->flights[i], err);
			nbd_flight_done(&q->flights[i]);
		}
	nbd_life_end(&q->n->life, q->born);
	if (q->ticking)
		nbd_tick_set(q, false);
	nbd_lost(q, how);
	nbd_redial(q);
}

static void nbd_check(struct disk_queue *q)
{
	if (!q->conn.h)
		return;
	/* Where nothing is written it is no matter whom one reads from. */
	if (!nbd_conn_alive(&q->conn) ||
	    (!q->n->d.readonly && nbd_life_old(&q->n->life, q->born)))
		nbd_lose(q, ENOTCONN, "the connection to the server is lost");
}

/* The dial has ended, which here means: there is a connection. */
static void nbd_return(struct disk_queue *q)
{
	struct disk_nbd *n = q->n;

	if (!q->dial || nbd_dial_take(q->dial, &q->conn, NULL) == -EINPROGRESS)
		return;
	nbd_undial(q);
	if (!q->conn.h) {
		nbd_redial(q);
		return;
	}
	nbd_watch_socket(q);
	if (atomic_fetch_sub(&n->lost, 1) == 1 && log_limit_pass(&q->limit))
		log_info("%s: the server is back", n->d.target);
}

static void nbd_tick(struct disk_queue *q)
{
	uint64_t times;

	if (read(q->timer, &times, sizeof(times)) < 0)
		return;
	if (!q->conn.h) {
		nbd_tick_set(q, false);
		if (!q->dial)
			nbd_redial(q);
	} else if (!q->in_flight) {
		nbd_tick_set(q, false);
	} else if (q->replies != q->replies_ticked) {
		q->replies_ticked = q->replies;
		q->ticks = 0;
	} else if (++q->ticks >= NBD_TICKS) {
		nbd_lose(q, ETIMEDOUT, "the server does not answer any more");
	}
}

/* ---- operations to the server -------------------------------------------- */

/* One command; false if libnbd does not take it. */
static bool nbd_command(struct nbd_flight *f, void *buf, size_t len,
			uint64_t off)
{
	struct nbd_handle *h = f->q->conn.h;
	nbd_completion_callback done = { .callback = nbd_replied,
					 .user_data = f };
	int64_t cookie = -1;
	int err;

	f->pending++;
	switch (f->op->kind) {
	case DISK_READ:
		cookie = nbd_aio_pread(h, buf, len, off, done, 0);
		break;
	case DISK_WRITE:
		cookie = nbd_aio_pwrite(h, buf, len, off, done, 0);
		break;
	case DISK_FLUSH:
		cookie = nbd_aio_flush(h, done, 0);
		break;
	case DISK_DISCARD:
		cookie = nbd_aio_trim(h, len, off, done, 0);
		break;
	}
	if (cookie >= 0)
		return true;
	err = nbd_get_errno();
	if (!nbd_conn_alive(&f->q->conn))
		err = ENOTCONN;
	/* The callback is not called then. */
	f->pending--;
	nbd_flight_fail(f, err);
	return false;
}

/* Vectors that lie side by side in memory go as one. */
static void nbd_issue_data(struct nbd_flight *f)
{
	const struct disk_op *op = f->op;
	uint32_t max = f->q->conn.payload_bytes;
	uint64_t off = op->off_bytes;
	unsigned i = 0;

	while (i < op->iov_count) {
		char *at = op->iov[i].iov_base;
		size_t len = op->iov[i++].iov_len;

		while (i < op->iov_count && op->iov[i].iov_base == at + len)
			len += op->iov[i++].iov_len;
		while (len) {
			size_t part = len < max ? len : max;

			if (!nbd_command(f, at, part, off))
				return;
			at += part;
			off += part;
			len -= part;
		}
	}
}

static void nbd_issue(struct nbd_flight *f)
{
	const struct disk_op *op = f->op;

	switch (op->kind) {
	case DISK_READ:
	case DISK_WRITE:
		nbd_issue_data(f);
		break;
	case DISK_FLUSH:
		nbd_command(f, NULL, 0, 0);
		break;
	case DISK_DISCARD:
		nbd_command(f, NULL, nbd_trim_bytes(op),
			    op->off_bytes + op->done_bytes);
		break;
	}
}

/* Operations that need no server; see nbd.h for the flushes among them. */
static bool nbd_answer(struct disk_queue *q, struct disk_op *op)
{
	struct disk_nbd *n = q->n;

	if (!disk_op_begin(&n->d, op))
		return true;
	if (op->kind == DISK_FLUSH && nbd_life_owes(&n->life, &q->told)) {
		op->error = -EIO;
	} else if (!q->conn.h) {
		op->error = -ENOTCONN;
	} else if (op->kind == DISK_FLUSH && !q->conn.flush) {
		op->error = n->d.readonly ? 0 : -EOPNOTSUPP;
		return true;
	} else if (op->kind == DISK_DISCARD && !q->conn.trim) {
		op->error = -EOPNOTSUPP;
	}
	return op->error;
}

static void nbd_submit(struct disk_queue *q, struct disk_op *op)
{
	struct disk_nbd *n = q->n;
	struct nbd_flight *f = q->free;

	if (nbd_answer(q, op)) {
		disk_list_push(&q->ready, op);
		return;
	}
	assert(f); /* no more at once than queue_open was told */
	q->free = f->next;
	f->op = op;
	f->pending = 1;
	f->covers = nbd_life_covers(&n->life);
	q->in_flight++;
	nbd_issue(f);
	nbd_flight_put(f);
}

static void nbd_hurry(struct disk_queue *q, bool abandon)
{
	q->abandon = abandon;
}

/* The next pieces; out of the callbacks, where libnbd must not be called. */
static void nbd_go_on(struct disk_queue *q)
{
	struct nbd_flight *f = q->more;

	q->more = NULL;
	while (f) {
		struct nbd_flight *next = f->next;

		f->pending = 1;
		nbd_issue(f);
		nbd_flight_put(f);
		f = next;
	}
}

/* What every turn ends with: watch what is to come, tell what is there. */
static void nbd_settle(struct disk_queue *q)
{
	nbd_go_on(q);
	nbd_check(q);
	if (q->conn.h)
		nbd_watch_socket(q);
	if (q->in_flight && !q->ticking)
		nbd_tick_set(q, true);
	if (!q->ready.head == !q->raised)
		return;
	q->raised = !q->raised;
	if (q->raised)
		disk_signal_raise(q->signal);
	else
		disk_signal_clear(q->signal);
}

static void nbd_kick(struct disk_queue *q)
{
	nbd_settle(q);
}

/* ---- and back ------------------------------------------------------------ */

/*
 * A call of notify_read takes one reply, and more may be there.  Only if so
 * may it be called again: from a read of nothing libnbd waits for a reply, and
 * sends nothing before it has one.
 */
static void nbd_receive(struct disk_queue *q)
{
	struct nbd_handle *h = q->conn.h;
	struct pollfd p = { .fd = nbd_aio_get_fd(h), .events = POLLIN };

	do {
		if (!(nbd_aio_get_direction(h) & LIBNBD_AIO_DIRECTION_READ))
			return;
		nbd_aio_notify_read(h);
	} while (q->in_flight && nbd_conn_alive(&q->conn) &&
		 poll(&p, 1, 0) > 0);
}

static void nbd_socket(struct disk_queue *q, uint32_t events)
{
	struct nbd_handle *h = q->conn.h;

	if (!h)
		return; /* lost since */
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		nbd_receive(q);
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR) &&
	    nbd_aio_get_direction(h) & LIBNBD_AIO_DIRECTION_WRITE)
		nbd_aio_notify_write(h);
	nbd_check(q);
}

static unsigned nbd_reap(struct disk_queue *q, struct disk_op **done,
			 unsigned max)
{
	struct epoll_event event[WATCHES];
	unsigned n = 0;

	for (int i = epoll_wait(q->epoll, event, WATCHES, 0); i-- > 0;)
		switch (event[i].data.u32) {
		case WATCH_SOCKET:
			nbd_socket(q, event[i].events);
			break;
		case WATCH_TIMER:
			nbd_tick(q);
			break;
		case WATCH_DIAL:
			nbd_return(q);
			break;
		}
	while (n < max && q->ready.head)
		done[n++] = disk_list_pop(&q->ready);
	nbd_settle(q);
	return n;
}

static int nbd_fd(struct disk_queue *q)
{
	return q->epoll;
}

/* ---- a queue's life ------------------------------------------------------ */

static void nbd_queue_free(struct disk_queue *q)
{
	nbd_conn_close(&q->conn);
	if (q->epoll >= 0)
		close(q->epoll);
	if (q->signal >= 0)
		close(q->signal);
	if (q->timer >= 0)
		close(q->timer);
	free(q->flights);
	free(q);
}

/* The disk's own connection if it still lives, or a new one, or a dial. */
static int nbd_queue_connect(struct disk_queue *q, struct why *why)
{
	struct disk_nbd *n = q->n;
	struct pollfd p = { .events = POLLIN };
	int err;

	if (n->spare.h) {
		q->conn = n->spare;
		q->born = n->spare_born;
		n->spare.h = NULL;
		p.fd = nbd_aio_get_fd(q->conn.h);
		/* Nothing was asked, so all that can come is the end. */
		if (!nbd_life_old(&n->life, q->born) && !poll(&p, 1, 0) &&
		    nbd_conn_alive(&q->conn))
			return 0;
		nbd_close(q->conn.h);
		q->conn.h = NULL;
		nbd_life_end(&n->life, q->born);
	}
	if (n->queues && !n->multi)
		return why_set(why, -EBUSY,
			       "%s: the server does not keep several "
			       "connections consistent (no multi-conn); use "
			       "one queue",
			       n->d.target);
	/* As after a loss: a dial that is dropped soon then asks nobody. */
	err = nbd_dial_begin(q, !nbd_patience_left(&n->patience), why);
	if (err)
		return err;
	err = nbd_dial_wait(q->dial, &n->patience, &q->conn, why);
	if (err == -EINPROGRESS)
		return 0;
	nbd_undial(q);
	return err;
}

static int nbd_queue_open(struct disk *d, unsigned depth,
			  struct disk_queue **out, struct why *why)
{
	struct disk_queue *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return why_set(why, -ENOMEM, "%s: no memory for a queue",
			       d->target);
	q->n = (struct disk_nbd *)d;
	q->told = nbd_life_told(&q->n->life);
	q->depth = depth ? depth : 1;
	q->flights = calloc(q->depth, sizeof(*q->flights));
	q->signal = disk_signal_open();
	q->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	q->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!q->flights) {
		err = why_set(why, -ENOMEM, "%s: no memory for a queue of %u",
			      d->target, q->depth);
		goto fail;
	}
	if (q->signal < 0 || q->timer < 0 || q->epoll < 0 ||
	    nbd_watch(q, q->signal, WATCH_SIGNAL, EPOLL_CTL_ADD, EPOLLIN) ||
	    nbd_watch(q, q->timer, WATCH_TIMER, EPOLL_CTL_ADD, EPOLLIN) ||
	    nbd_watch(q, q->n->life.fd, WATCH_LIFE, EPOLL_CTL_ADD,
		      EPOLLIN | EPOLLET)) {
		err = why_set(why, -EMFILE,
			      "%s: no file descriptor left for a queue; "
			      "raise the limit on open files",
			      d->target);
		goto fail;
	}
	for (unsigned i = 0; i < q->depth; i++) {
		q->flights[i].q = q;
		q->flights[i].next = q->free;
		q->free = &q->flights[i];
	}
	err = nbd_queue_connect(q, why);
	if (err)
		goto fail;
	if (q->conn.h) {
		nbd_watch_socket(q);
	} else {
		nbd_watch_dial(q);
		nbd_lost(q, "the server does not answer in time");
	}
	q->n->queues++;
	*out = q;
	return 0;
fail:
	nbd_queue_free(q);
	return err;
}

static void nbd_queue_close(struct disk_queue *q)
{
	struct disk_nbd *n = q->n;

	assert(!q->in_flight && !q->ready.head);
	n->queues--;
	if (!q->conn.h)
		atomic_fetch_sub(&n->lost, 1);
	else if (!nbd_conn_alive(&q->conn))
		nbd_life_end(&n->life, q->born);
	nbd_undial(q);
	nbd_unwatch_socket(q);
	if (!n->spare.h && nbd_conn_alive(&q->conn)) {
		n->spare = q->conn;
		n->spare_born = q->born;
		q->conn.h = NULL;
	}
	nbd_queue_free(q);
}

/* ---- the disk ------------------------------------------------------------ */

static void nbd_close_disk(struct disk *d)
{
	struct disk_nbd *n = (struct disk_nbd *)d;

	assert(!n->queues);
	nbd_conn_close(&n->spare);
	nbd_life_close(&n->life);
	free((char *)n->want.target);
	free((char *)n->want.uri);
	free(n);
}

static const struct disk_ops nbd_ops = {
	.name = "nbd",
	.queue_open = nbd_queue_open,
	.queue_close = nbd_queue_close,
	.submit = nbd_submit,
	.kick = nbd_kick,
	.hurry = nbd_hurry,
	.reap = nbd_reap,
	.fd = nbd_fd,
	.close = nbd_close_disk,
};

/* XB-14, XB-15: a multiple of the sector, and it divides the size. */
static uint32_t nbd_physical(const struct disk *d, uint32_t preferred)
{
	if (preferred > NBD_PHYSICAL_MAX)
		preferred = NBD_PHYSICAL_MAX;
	if (preferred < d->sector_bytes || preferred % d->sector_bytes ||
	    d->size_bytes % preferred)
		return d->sector_bytes;
	return preferred;
}

int disk_nbd_open(const char *target, const struct disk_options *opt,
		  struct disk **out, struct why *why)
{
	const char *uri = strncmp(target, "nbd://", 6) ? target + 4 : target;
	struct disk_nbd *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return why_set(why, -ENOMEM, "%s: no memory", target);
	n->d.ops = &nbd_ops;
	n->d.sector_bytes = opt->sector_bytes;
	n->d.readonly = opt->readonly;
	n->silence_ms = DISK_NBD_SILENCE_MS;
	n->want.target = strdup(target);
	n->want.uri = strdup(uri);
	n->want.sector_bytes = opt->sector_bytes;
	n->want.readonly = opt->readonly;
	err = nbd_life_open(&n->life);
	if (err)
		why_set(why, err,
			"%s: no file descriptor left for a disk; raise the "
			"limit on open files",
			target);
	else if (!n->want.target || !n->want.uri)
		err = why_set(why, -ENOMEM, "%s: no memory", target);
	else
		err = nbd_dial_once(&n->want, &n->spare, why);
	if (err) {
		nbd_close_disk(&n->d);
		return err;
	}
	n->multi = n->spare.multi;
	n->d.size_bytes = n->spare.size_bytes;
	n->d.physical_bytes = nbd_physical(&n->d, n->spare.preferred_bytes);
	n->d.discard = n->spare.trim && !opt->readonly;
	n->d.discard_granularity = n->d.physical_bytes;
	n->d.queues_max = n->multi ? 0 : 1;
	if (!n->spare.flush && !opt->readonly)
		log_warn("%s: the server has no flush; the guest cannot know "
			 "when its data is safe",
			 target);
	*out = &n->d;
	return 0;
}
