/* SPDX-License-Identifier: MIT */
/*
 * Each queue has a few worker threads.  submit() collects in the owner's own
 * list; kick() hands the list over under the lock; a worker takes one
 * operation, does all of it, and puts it to `done`.
 *
 * The signal is raised when `done` stops being empty and lowered when it is
 * empty again, both under the lock, so a completion is never missed.
 *
 * Flush: a worker begins fdatasync after the operation was taken from the
 * list, so it covers every write that was completed before its submission.
 */
#include "disk/threads.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "disk/discard.h"
#include "disk/file.h"
#include "disk/op.h"

#define THREADS_MAX   4u
#define THREADS_STACK (128u * 1024)

struct worker {
	pthread_t thread;
	struct disk_queue *q;
	char *bounce; /* NULL if never needed */
};

struct disk_queue {
	struct disk_file *f;   /* borrowed */
	struct disk_list mine; /* submitted, not kicked: the owner's */
	unsigned mine_count;
	struct disk_list answered; /* by disk_op_begin: the owner's */
	int signal;
	unsigned workers;
	struct worker worker[THREADS_MAX];

	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t work;
	struct disk_list todo;
	struct disk_list done;
	bool stop;
};

/* ---- in the workers ---- */

static ssize_t threads_transfer(struct worker *w, struct disk_op *op)
{
	off_t off = (off_t)(op->off_bytes + op->done_bytes);
	int fd = w->q->f->fd;
	const struct iovec *iov;
	struct iovec one;
	unsigned n = disk_op_rest(op, &one, &iov);

	return op->kind == DISK_READ ? preadv(fd, iov, (int)n, off)
				     : pwritev(fd, iov, (int)n, off);
}

static ssize_t threads_bounce(struct worker *w, struct disk_op *op)
{
	off_t off = (off_t)(op->off_bytes + op->done_bytes);
	uint64_t left = op->len_bytes - op->done_bytes;
	size_t len = left < DISK_BOUNCE_BYTES ? left : DISK_BOUNCE_BYTES;
	int fd = w->q->f->fd;
	ssize_t n;

	if (op->kind == DISK_WRITE) {
		disk_op_gather(op, w->bounce, len);
		return pwrite(fd, w->bounce, len, off);
	}
	n = pread(fd, w->bounce, len, off);
	if (n > 0)
		disk_op_scatter(op, w->bounce, (size_t)n);
	return n;
}

static int threads_data(struct worker *w, struct disk_op *op)
{
	bool bounce = disk_file_must_bounce(w->q->f, op);
	ssize_t n;

	while (disk_op_left(op)) {
		n = bounce ? threads_bounce(w, op) : threads_transfer(w, op);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO; /* the file ends before the disk */
		op->done_bytes += (uint64_t)n;
	}
	return 0;
}

static int threads_perform(struct worker *w, struct disk_op *op)
{
	int fd = w->q->f->fd;
	int err;

	switch (op->kind) {
	case DISK_READ:
	case DISK_WRITE:
		return threads_data(w, op);
	case DISK_FLUSH:
		err = fdatasync(fd);
		break;
	case DISK_DISCARD:
		return disk_discard_do(w->q->f, op);
	default:
		return -EINVAL;
	}
	return err ? -errno : 0;
}

static void *threads_main(void *arg)
{
	struct worker *w = arg;
	struct disk_queue *q = w->q;
	struct disk_op *op;

	pthread_mutex_lock(&q->lock);
	for (;;) {
		op = disk_list_pop(&q->todo);
		if (!op && q->stop)
			break;
		if (!op) {
			pthread_cond_wait(&q->work, &q->lock);
			continue;
		}
		pthread_mutex_unlock(&q->lock);
		op->error = threads_perform(w, op);
		pthread_mutex_lock(&q->lock);
		if (!q->done.head)
			disk_signal_raise(q->signal);
		disk_list_push(&q->done, op);
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* ---- a queue's life ---- */

/* Ends the workers that were started, and frees all. */
static void threads_free(struct disk_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_broadcast(&q->work);
	pthread_mutex_unlock(&q->lock);
	for (unsigned i = 0; i < q->workers; i++)
		pthread_join(q->worker[i].thread, NULL);
	for (unsigned i = 0; i < THREADS_MAX; i++)
		free(q->worker[i].bounce);
	pthread_cond_destroy(&q->work);
	pthread_mutex_destroy(&q->lock);
	if (q->signal >= 0)
		close(q->signal);
	free(q);
}

static int threads_start(struct disk_queue *q, struct worker *w)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int err = disk_file_bounce_alloc(q->f, (void **)&w->bounce);

	if (err)
		return err;
	w->q = q;
	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREADS_STACK);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = -pthread_create(&w->thread, &attr, threads_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

static int threads_queue_open(struct disk *d, unsigned depth,
			      struct disk_queue **out, struct why *why)
{
	unsigned want = depth < THREADS_MAX ? depth : THREADS_MAX;
	struct disk_queue *q = calloc(1, sizeof(*q));
	int err = 0;

	if (!q)
		return why_set(why, -ENOMEM, "%s: no memory for a queue",
			       d->target);
	q->f = (struct disk_file *)d;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->work, NULL);
	q->signal = disk_signal_open();
	if (q->signal < 0)
		err = q->signal;
	while (!err && q->workers < (want ? want : 1)) {
		err = threads_start(q, &q->worker[q->workers]);
		if (!err)
			q->workers++;
	}
	if (q->signal >= 0 && q->workers)
		err = 0; /* fewer threads than wanted will do */
	if (err) {
		threads_free(q);
		return why_set(why, err,
			       "%s: a queue cannot have its threads (%s); "
			       "raise the limits on processes and open files",
			       d->target, strerror(-err));
	}
	atomic_fetch_add(&q->f->queues, 1);
	*out = q;
	return 0;
}

static void threads_queue_close(struct disk_queue *q)
{
	struct disk_file *f = q->f;

	assert(!q->mine.head && !q->answered.head);
	assert(!q->todo.head && !q->done.head);
	threads_free(q);
	atomic_fetch_sub(&f->queues, 1);
}

/* ---- in the owner ---- */

static void threads_submit(struct disk_queue *q, struct disk_op *op)
{
	if (!disk_op_begin(&q->f->d, op)) {
		disk_list_push(&q->answered, op);
		return;
	}
	disk_list_push(&q->mine, op);
	q->mine_count++;
}

static void threads_kick(struct disk_queue *q)
{
	if (!q->mine.head && !q->answered.head)
		return;
	pthread_mutex_lock(&q->lock);
	disk_list_join(&q->todo, &q->mine);
	if (q->answered.head && !q->done.head)
		disk_signal_raise(q->signal);
	disk_list_join(&q->done, &q->answered);
	if (q->mine_count > 1)
		pthread_cond_broadcast(&q->work);
	else if (q->mine_count)
		pthread_cond_signal(&q->work);
	q->mine_count = 0;
	pthread_mutex_unlock(&q->lock);
}

/* Discards of a whole disk may take hours, one after the other. */
static void threads_hurry(struct disk_queue *q, bool abandon)
{
	struct disk_op *op;

	if (!abandon)
		return;
	pthread_mutex_lock(&q->lock);
	if (q->todo.head && !q->done.head)
		disk_signal_raise(q->signal);
	while ((op = disk_list_pop(&q->todo))) {
		op->error = -ECANCELED;
		disk_list_push(&q->done, op);
	}
	pthread_mutex_unlock(&q->lock);
}

static unsigned threads_reap(struct disk_queue *q, struct disk_op **done,
			     unsigned max)
{
	unsigned n = 0;

	pthread_mutex_lock(&q->lock);
	while (n < max && q->done.head)
		done[n++] = disk_list_pop(&q->done);
	if (!q->done.head)
		disk_signal_clear(q->signal);
	pthread_mutex_unlock(&q->lock);
	return n;
}

static int threads_fd(struct disk_queue *q)
{
	return q->signal;
}

const struct disk_ops disk_threads_ops = {
	.name = "threads",
	.queue_open = threads_queue_open,
	.queue_close = threads_queue_close,
	.submit = threads_submit,
	.kick = threads_kick,
	.hurry = threads_hurry,
	.reap = threads_reap,
	.fd = threads_fd,
	.close = disk_file_close,
	.measure = disk_file_measure,
};
