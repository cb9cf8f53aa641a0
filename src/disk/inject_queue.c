/* SPDX-License-Identifier: MIT */
/*
 * An operation that no rule concerns goes straight through.  One that is held
 * back stands in `held` in the order of the times when they end, of which the
 * timer has the first; the time is in op->done_bytes, which is nobody else's
 * as long.  A short transfer, and the write that spoils what a good one wrote,
 * are operations of our own, with one of `own` for each.
 *
 * The epoll fd is the queue's fd: the storage's, the timer, and an eventfd for
 * operations that wait to be reaped.
 */
#include "disk/inject_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "disk/op.h"

#define HOLDS                                                                  \
	(DISK_INJECTED_DELAY | DISK_INJECTED_REORDER | DISK_INJECTED_LIMIT)

/* An operation of ours in the place of one of the caller's. */
struct inject_own {
	struct disk_op op; /* first: the storage gives this back */
	struct disk_op *outer;
	struct iovec iov;
	char *sector; /* of memory, where a rule corrupts */
	struct inject_own *next;
};

struct disk_queue {
	struct disk_inject *i; /* borrowed */
	struct disk_queue *inner;
	int epoll, signal, timer;
	bool raised;
	bool hurry;	   /* nothing is held any more */
	uint64_t armed_ns; /* the timer; 0: it is not */
	uint64_t random;
	struct disk_op *parked; /* one of those held, to be overtaken */
	struct disk_list held, ready;
	struct inject_own *own, *free;
	unsigned depth;
	char *sectors;
};

/* ---- to the storage ----------------------------------------------------- */

static struct inject_own *own_take(struct disk_queue *q, struct disk_op *outer)
{
	struct inject_own *own = q->free;

	assert(own); /* no more at once than queue_open was told */
	q->free = own->next;
	own->outer = outer;
	own->op = (struct disk_op){ .kind = outer->kind,
				    .off_bytes = outer->off_bytes };
	return own;
}

/* The first half of the vectors, or of the only one. */
static void inject_short(struct disk_queue *q, struct disk_op *op)
{
	struct inject_own *own = own_take(q, op);
	uint32_t unit = q->i->d.sector_bytes, i;

	own->iov = op->iov[0];
	own->iov.iov_len = own->iov.iov_len / 2 / unit * unit;
	own->op.iov = op->iov_count > 1 ? op->iov : &own->iov;
	own->op.iov_count = op->iov_count > 1 ? op->iov_count / 2 : 1;
	for (i = 0; i < own->op.iov_count; i++)
		own->op.len_bytes += own->op.iov[i].iov_len;
	q->i->inner->ops->submit(q->inner, &own->op);
}

static void inject_give(struct disk_queue *q, struct disk_op *op, uint64_t now)
{
	op->held_ns = op->injected & HOLDS ? now - op->held_ns : 0;
	if (op->injected & DISK_INJECTED_ERROR)
		disk_list_push(&q->ready, op);
	else if (op->injected & DISK_INJECTED_SHORT)
		inject_short(q, op);
	else
		q->i->inner->ops->submit(q->inner, op);
}

static void inject_hold(struct disk_queue *q, struct disk_op *op, uint64_t due)
{
	struct disk_op **at = &q->held.head;

	op->done_bytes = due;
	if (q->held.tail && q->held.tail->done_bytes <= due) {
		disk_list_push(&q->held, op);
		return;
	}
	while (*at && (*at)->done_bytes <= due)
		at = &(*at)->next;
	op->next = *at;
	*at = op;
	if (!op->next)
		q->held.tail = op;
}

static void inject_unpark(struct disk_queue *q, uint64_t now)
{
	struct disk_list rest = { 0 };
	struct disk_op *op;

	while ((op = disk_list_pop(&q->held)))
		if (op != q->parked)
			disk_list_push(&rest, op);
	q->held = rest;
	op = q->parked;
	q->parked = NULL;
	inject_give(q, op, now);
}

static void inject_submit(struct disk_queue *q, struct disk_op *op)
{
	uint64_t now = clock_now_ns(),
		 due = now + inject_match(&q->i->rules, op, &q->random);
	uint64_t ops = limit_take(&q->i->iops, 1, now);
	/* A discard has a length and moves no data. */
	uint64_t bytes =
		limit_take(&q->i->bps, op->iov_count ? op->len_bytes : 0, now);

	op->held_ns = now;
	if (ops > due || bytes > due) {
		due = ops > bytes ? ops : bytes;
		op->injected |= DISK_INJECTED_LIMIT;
	}
	if (q->parked || q->hurry)
		op->injected &= ~(unsigned)DISK_INJECTED_REORDER;
	if (op->injected & DISK_INJECTED_REORDER) {
		due += INJECT_REORDER_NS;
		q->parked = op;
	}
	if (due > now && !q->hurry) {
		inject_hold(q, op, due);
		return;
	}
	inject_give(q, op, now);
	if (q->parked)
		inject_unpark(q, now);
}

/* Those whose time has come. */
static void inject_release(struct disk_queue *q)
{
	uint64_t now = q->held.head ? clock_now_ns() : 0;

	while (q->held.head && (q->held.head->done_bytes <= now || q->hurry)) {
		struct disk_op *op = disk_list_pop(&q->held);

		if (op == q->parked)
			q->parked = NULL;
		inject_give(q, op, now);
	}
}

/* What every turn ends with: the timer, and the signal. */
static void inject_settle(struct disk_queue *q)
{
	uint64_t next = q->held.head ? q->held.head->done_bytes : 0;
	struct itimerspec at = { .it_value = { (time_t)(next / 1000000000),
					       (long)(next % 1000000000) } };

	if (next != q->armed_ns) {
		q->armed_ns = next;
		timerfd_settime(q->timer, TFD_TIMER_ABSTIME, &at, NULL);
	}
	if (!q->ready.head == !q->raised)
		return;
	q->raised = !q->raised;
	if (q->raised)
		disk_signal_raise(q->signal);
	else
		disk_signal_clear(q->signal);
}

static void inject_kick(struct disk_queue *q)
{
	q->i->inner->ops->kick(q->inner);
	inject_settle(q);
}

/* Else a guest could have all that its limit holds back, by closing. */
static void inject_abandon(struct disk_queue *q)
{
	uint64_t now = clock_now_ns();
	struct disk_op *op;

	while ((op = disk_list_pop(&q->held))) {
		op->held_ns = now - op->held_ns;
		op->error = -ECANCELED;
		disk_list_push(&q->ready, op);
	}
	q->parked = NULL;
}

static void inject_hurry(struct disk_queue *q, bool abandon)
{
	q->hurry = true;
	if (abandon)
		inject_abandon(q);
	inject_release(q);
	inject_kick(q);
	if (q->i->inner->ops->hurry)
		q->i->inner->ops->hurry(q->inner, abandon);
}

/* ---- and back ----------------------------------------------------------- */

static void inject_spoil(struct disk_queue *q, char *at, size_t len)
{
	at[inject_random(&q->random) % len] ^= 0x40;
}

/* The first sector once more, with one byte changed. */
static void inject_overwrite(struct disk_queue *q, struct disk_op *op)
{
	struct inject_own *own = own_take(q, op);
	uint32_t unit = q->i->d.sector_bytes;

	op->done_bytes = 0;
	disk_op_gather(op, own->sector, unit);
	inject_spoil(q, own->sector, unit);
	own->iov = (struct iovec){ own->sector, unit };
	own->op.iov = &own->iov;
	own->op.iov_count = 1;
	own->op.len_bytes = unit;
	q->i->inner->ops->submit(q->inner, &own->op);
}

/* The storage gave `op` back: the caller's that is done by that, or NULL. */
static struct disk_op *inject_done(struct disk_queue *q, struct disk_op *op)
{
	struct inject_own *own = (struct inject_own *)(void *)op;

	if (own >= q->own && own < q->own + q->depth) {
		op = own->outer;
		op->error = own->op.error;
		if (op->injected & DISK_INJECTED_SHORT && !op->error)
			op->error = -EIO;
		own->next = q->free;
		q->free = own;
		return op;
	}
	if (!(op->injected & DISK_INJECTED_CORRUPT) || op->error)
		return op;
	if (op->kind == DISK_READ) {
		inject_spoil(q, op->iov[0].iov_base, op->iov[0].iov_len);
		return op;
	}
	inject_overwrite(q, op);
	return NULL;
}

static unsigned inject_reap(struct disk_queue *q, struct disk_op **done,
			    unsigned max)
{
	const struct disk_ops *ops = q->i->inner->ops;
	unsigned n = 0, got, i;

	inject_release(q);
	while (n < max && q->ready.head)
		done[n++] = disk_list_pop(&q->ready);
	/* Once more after each kick: some have their answer at once. */
	do {
		ops->kick(q->inner);
		got = n < max ? ops->reap(q->inner, done + n, max - n) : 0;
		for (i = 0; i < got; i++) {
			struct disk_op *op = inject_done(q, done[n]);

			if (op) {
				done[n++] = op;
				continue;
			}
			/* Those behind move up. */
			memmove(done + n, done + n + 1,
				(got - i - 1) * sizeof(*done));
		}
	} while (got);
	inject_settle(q);
	return n;
}

static int inject_fd(struct disk_queue *q)
{
	return q->epoll;
}

/* ---- a queue's life ----------------------------------------------------- */

static void inject_queue_free(struct disk_queue *q)
{
	if (q->inner)
		q->i->inner->ops->queue_close(q->inner);
	if (q->epoll >= 0)
		close(q->epoll);
	if (q->signal >= 0)
		close(q->signal);
	if (q->timer >= 0)
		close(q->timer);
	free(q->own);
	free(q->sectors);
	free(q);
}

static int inject_fds_open(struct disk_queue *q)
{
	int fd[] = { q->signal, q->timer, q->i->inner->ops->fd(q->inner) };
	struct epoll_event event = { .events = EPOLLIN };
	unsigned i;

	for (i = 0; i < 3; i++)
		if (fd[i] < 0 ||
		    epoll_ctl(q->epoll, EPOLL_CTL_ADD, fd[i], &event))
			return -EMFILE;
	return 0;
}

static int inject_queue_open(struct disk *d, unsigned depth,
			     struct disk_queue **out, struct why *why)
{
	struct disk_inject *inj = (struct disk_inject *)d;
	struct disk_queue *q = calloc(1, sizeof(*q));
	unsigned i;
	int err;

	if (!q)
		return why_set(why, -ENOMEM, "%s: no memory for a queue",
			       d->target);
	q->i = inj;
	q->depth = depth ? depth : 1;
	q->random = 0x9e3779b97f4a7c15u;
	q->signal = disk_signal_open();
	q->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	q->epoll = epoll_create1(EPOLL_CLOEXEC);
	q->own = calloc(q->depth, sizeof(*q->own));
	if (inj->corrupts)
		q->sectors = calloc(q->depth, d->sector_bytes);
	if (!q->own || (inj->corrupts && !q->sectors)) {
		err = why_set(why, -ENOMEM, "%s: no memory for a queue",
			      d->target);
		goto fail;
	}
	for (i = 0; i < q->depth; i++) {
		if (q->sectors)
			q->own[i].sector = q->sectors + i * d->sector_bytes;
		q->own[i].next = q->free;
		q->free = &q->own[i];
	}
	err = inj->inner->ops->queue_open(inj->inner, depth, &q->inner, why);
	if (err)
		goto fail;
	err = inject_fds_open(q);
	if (err) {
		why_set(why, err,
			"%s: no file descriptor left for a queue; raise the "
			"limit on open files",
			d->target);
		goto fail;
	}
	*out = q;
	return 0;
fail:
	inject_queue_free(q);
	return err;
}

static void inject_queue_close(struct disk_queue *q)
{
	assert(!q->held.head && !q->ready.head);
	inject_queue_free(q);
}

const struct disk_ops disk_inject_ops = {
	.name = "inject",
	.queue_open = inject_queue_open,
	.queue_close = inject_queue_close,
	.submit = inject_submit,
	.kick = inject_kick,
	.hurry = inject_hurry,
	.reap = inject_reap,
	.fd = inject_fd,
};
