/* SPDX-License-Identifier: MIT */
/*
 * io_uring.  One ring belongs to one queue and so to one thread.
 *
 * submit() only appends to `waiting`; kick() turns what waits into SQEs and
 * enters the kernel once (more often only if more waits than the SQ holds).
 * An SQE moves as much of an operation as one call can; its completion moves
 * op->done_bytes, and an operation with bytes left goes to the end of
 * `waiting` again, as it does after EAGAIN and EINTR.  So a short transfer,
 * a retry and a bounced operation are all the same step.
 *
 * The one bounce buffer of a queue serves one operation at a time; the others
 * that need it stand in `bounce_wait`.
 *
 * A block device's discards are done by the thread of a `helper`, a queue of
 * the other engine; the ring watches its signal for us.
 *
 * Flush: fdatasync covers every write whose completion the kernel had posted
 * when it was submitted, and the caller asks for no more (disk.h).
 */
#include "disk/uring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/file.h"
#include "disk/op.h"
#include "disk/threads.h"

#define URING_SQ_MAX 256u /* entries; a deeper queue submits in turns */
#define URING_FIXED  0	  /* index of the one registered file */

struct disk_queue {
	struct disk_file *f; /* borrowed */
	struct io_uring ring;
	int signal;
	bool fixed; /* the file is registered */
	unsigned in_kernel;
	struct disk_list waiting; /* to become SQEs */
	struct disk_list ready;	  /* done, to be reaped */
	char *bounce;		  /* NULL if never needed */
	struct disk_op *bounced;  /* whose data is in it */
	uint32_t bounce_len;
	struct disk_list bounce_wait;
	struct disk_queue *helper; /* NULL where nothing needs it */
	unsigned helped;	   /* operations that it has */
	bool watched;		   /* the ring watches it */
};

/* ---- can it be used at all ---- */

static int uring_usable_err;

static void uring_find_out(void)
{
	static const int needed[] = { IORING_OP_READ,	 IORING_OP_WRITE,
				      IORING_OP_READV,	 IORING_OP_WRITEV,
				      IORING_OP_FSYNC,	 IORING_OP_FALLOCATE,
				      IORING_OP_POLL_ADD };
	struct io_uring_probe *probe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	int err = io_uring_queue_init(2, &ring, 0);

	uring_usable_err = err;
	if (err)
		return;
	probe = io_uring_get_probe_ring(&ring);
	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!probe || !io_uring_opcode_supported(probe, needed[i]))
			uring_usable_err = -ENOSYS;
	io_uring_free_probe(probe);
	/* A filter may allow the set-up and forbid the use. */
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_nop(sqe);
	err = io_uring_submit(&ring);
	if (err < 0)
		uring_usable_err = err;
	io_uring_queue_exit(&ring);
}

int disk_uring_usable(struct why *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, uring_find_out);
	if (!uring_usable_err)
		return 0;
	return why_set(why, uring_usable_err,
		       "io_uring cannot be used here (%s)",
		       strerror(-uring_usable_err));
}

/* ---- a queue's life ---- */

static unsigned uring_at_least(unsigned n, unsigned min)
{
	return n < min ? min : n;
}

static int uring_queue_open(struct disk *d, unsigned depth,
			    struct disk_queue **out, struct why *why)
{
	unsigned sq =
		depth > URING_SQ_MAX ? URING_SQ_MAX : uring_at_least(depth, 1);
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
		.cq_entries = uring_at_least(depth, 2 * sq),
	};
	struct disk_queue *q = calloc(1, sizeof(*q));
	const char *step = "memory";
	int err = -ENOMEM;

	if (!q)
		goto fail;
	q->f = (struct disk_file *)d;
	q->signal = -1;
	q->ring.ring_fd = -1;
	err = disk_file_bounce_alloc(q->f, (void **)&q->bounce);
	if (err)
		goto fail;
	step = "an io_uring; raise the limits on locked memory and open files";
	err = io_uring_queue_init_params(sq, &q->ring, &params);
	if (err) {
		q->ring.ring_fd = -1;
		goto fail;
	}
	step = "an eventfd; raise the limit on open files";
	q->signal = err = disk_signal_open();
	if (err < 0)
		goto fail;
	err = io_uring_register_eventfd(&q->ring, q->signal);
	if (err)
		goto fail;
	step = "a thread for discards; raise the limit on processes";
	if (d->block_device && d->discard) {
		err = disk_threads_ops.queue_open(d, 1, &q->helper, why);
		if (err)
			goto fail;
	}
	/* Saves taking a reference an operation; works without, too. */
	q->fixed = !io_uring_register_files(&q->ring, &q->f->fd, 1);
	atomic_fetch_add(&q->f->queues, 1);
	*out = q;
	return 0;
fail:
	if (q) {
		if (q->signal >= 0)
			close(q->signal);
		if (q->ring.ring_fd >= 0)
			io_uring_queue_exit(&q->ring);
		free(q->bounce);
		free(q);
	}
	return why_set(why, err, "%s: a queue lacks %s (%s)", d->target, step,
		       strerror(-err));
}

static void uring_queue_close(struct disk_queue *q)
{
	assert(!q->in_kernel && !q->waiting.head && !q->ready.head);
	assert(!q->helped);
	if (q->helper)
		disk_threads_ops.queue_close(q->helper);
	/*
	 * The kernel tears a ring down at its leisure; taken out by hand, the
	 * file (and with it its lock) is free when we return.
	 */
	if (q->fixed)
		io_uring_unregister_files(&q->ring);
	io_uring_queue_exit(&q->ring);
	close(q->signal);
	free(q->bounce);
	atomic_fetch_sub(&q->f->queues, 1);
	free(q);
}

/* ---- operations to the kernel ---- */

static void uring_prep_data(struct disk_queue *q, struct disk_op *op,
			    struct io_uring_sqe *sqe, int fd)
{
	uint64_t off = op->off_bytes + op->done_bytes;
	uint64_t left = op->len_bytes - op->done_bytes;
	const struct iovec *iov;
	struct iovec one;
	unsigned n;

	if (q->bounced == op) {
		q->bounce_len = left < DISK_BOUNCE_BYTES ? (uint32_t)left
							 : DISK_BOUNCE_BYTES;
		if (op->kind == DISK_WRITE)
			disk_op_gather(op, q->bounce, q->bounce_len);
		one.iov_base = q->bounce;
		one.iov_len = q->bounce_len;
		iov = &one;
		n = 1;
	} else {
		n = disk_op_rest(op, &one, &iov);
		assert(n);
	}
	/* `one` does not outlive this call: a single vector goes by value. */
	if (op->kind == DISK_READ && n == 1)
		io_uring_prep_read(sqe, fd, iov->iov_base,
				   (unsigned)iov->iov_len, off);
	else if (op->kind == DISK_READ)
		io_uring_prep_readv(sqe, fd, iov, n, off);
	else if (n == 1)
		io_uring_prep_write(sqe, fd, iov->iov_base,
				    (unsigned)iov->iov_len, off);
	else
		io_uring_prep_writev(sqe, fd, iov, n, off);
}

static void uring_prep(struct disk_queue *q, struct disk_op *op,
		       struct io_uring_sqe *sqe)
{
	int fd = q->fixed ? URING_FIXED : q->f->fd;

	switch (op->kind) {
	case DISK_READ:
	case DISK_WRITE:
		uring_prep_data(q, op, sqe, fd);
		break;
	case DISK_FLUSH:
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
		break;
	case DISK_DISCARD:
		io_uring_prep_fallocate(
			sqe, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)op->off_bytes, (off_t)op->len_bytes);
		break;
	}
	if (q->fixed)
		io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data(sqe, op);
}

/* True if the operation may go on; else it waits for the bounce buffer. */
static bool uring_get_bounce(struct disk_queue *q, struct disk_op *op)
{
	if (q->bounced == op || !disk_file_must_bounce(q->f, op))
		return true;
	if (q->bounced) {
		disk_list_push(&q->bounce_wait, op);
		return false;
	}
	q->bounced = op;
	return true;
}

static void uring_submit(struct disk_queue *q, struct disk_op *op)
{
	if (op->kind == DISK_DISCARD && q->helper) {
		disk_threads_ops.submit(q->helper, op);
		q->helped++;
		return;
	}
	if (!disk_op_begin(&q->f->d, op))
		disk_list_push(&q->ready, op);
	else if (uring_get_bounce(q, op))
		disk_list_push(&q->waiting, op);
}

static void uring_hurry(struct disk_queue *q, bool abandon)
{
	if (q->helper)
		disk_threads_ops.hurry(q->helper, abandon);
}

/* Its operations come back through the ring: watch it as long as it has any. */
static void uring_helper_kick(struct disk_queue *q)
{
	struct io_uring_sqe *sqe;

	if (!q->helped)
		return;
	disk_threads_ops.kick(q->helper);
	if (q->watched || !(sqe = io_uring_get_sqe(&q->ring)))
		return; /* without a free entry: at the next kick */
	io_uring_prep_poll_add(sqe, disk_threads_ops.fd(q->helper), POLLIN);
	io_uring_sqe_set_data(sqe, NULL);
	q->watched = true;
}

static void uring_kick(struct disk_queue *q)
{
	struct io_uring_sqe *sqe;
	int n;

	uring_helper_kick(q);
	if (q->ready.head)
		disk_signal_raise(q->signal);
	while (q->waiting.head || io_uring_sq_ready(&q->ring)) {
		while (q->waiting.head && (sqe = io_uring_get_sqe(&q->ring))) {
			uring_prep(q, disk_list_pop(&q->waiting), sqe);
			q->in_kernel++;
		}
		n = io_uring_submit(&q->ring);
		if (n == -EINTR)
			continue;
		if (n <= 0) {
			/*
			 * The kernel is short of memory or wants completions
			 * to be taken first: reap comes back here.
			 */
			disk_signal_raise(q->signal);
			return;
		}
	}
}

/* ---- and back ---- */

static void uring_finish(struct disk_queue *q, struct disk_op *op)
{
	disk_list_push(&q->ready, op);
	if (q->bounced == op) {
		q->bounced = disk_list_pop(&q->bounce_wait);
		if (q->bounced)
			disk_list_push(&q->waiting, q->bounced);
	}
}

static void uring_complete(struct disk_queue *q, struct disk_op *op, int res)
{
	q->in_kernel--;
	if (res == -EAGAIN || res == -EINTR) {
		disk_list_push(&q->waiting, op);
		return;
	}
	if (res < 0) {
		op->error = res;
	} else if (op->kind == DISK_READ || op->kind == DISK_WRITE) {
		if (q->bounced == op && op->kind == DISK_READ)
			disk_op_scatter(op, q->bounce, (size_t)res);
		op->done_bytes += (uint64_t)res;
		if (!res)
			op->error = -EIO; /* the file ends before the disk */
		else if (disk_op_left(op)) {
			disk_list_push(&q->waiting, op);
			return;
		}
	}
	uring_finish(q, op);
}

static void uring_helper_reap(struct disk_queue *q)
{
	struct disk_op *op;

	q->watched = false;
	while (disk_threads_ops.reap(q->helper, &op, 1)) {
		q->helped--;
		disk_list_push(&q->ready, op);
	}
}

static void uring_collect(struct disk_queue *q)
{
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&q->ring, &cqe)) {
		struct disk_op *op = io_uring_cqe_get_data(cqe);
		int res = cqe->res;

		io_uring_cqe_seen(&q->ring, cqe);
		if (op)
			uring_complete(q, op, res);
		else
			uring_helper_reap(q);
	}
}

static unsigned uring_take(struct disk_queue *q, struct disk_op **done,
			   unsigned n, unsigned max)
{
	while (n < max && q->ready.head)
		done[n++] = disk_list_pop(&q->ready);
	return n;
}

static unsigned uring_reap(struct disk_queue *q, struct disk_op **done,
			   unsigned max)
{
	unsigned n;

	uring_collect(q);
	n = uring_take(q, done, 0, max);
	if (n < max) {
		/* Lower the signal first, then look again: nothing is lost. */
		disk_signal_clear(q->signal);
		uring_collect(q);
		n = uring_take(q, done, n, max);
	}
	/* The rest of short transfers, and retries; ready ones raise again. */
	if (q->waiting.head || q->ready.head || io_uring_sq_ready(&q->ring) ||
	    (q->helped && !q->watched))
		uring_kick(q);
	return n;
}

static int uring_fd(struct disk_queue *q)
{
	return q->signal;
}

const struct disk_ops disk_uring_ops = {
	.name = "io_uring",
	.queue_open = uring_queue_open,
	.queue_close = uring_queue_close,
	.submit = uring_submit,
	.kick = uring_kick,
	.hurry = uring_hurry,
	.reap = uring_reap,
	.fd = uring_fd,
	.close = disk_file_close,
	.measure = disk_file_measure,
};
