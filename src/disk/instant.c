/* SPDX-License-Identifier: MIT */
#include "disk/instant.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "disk/op.h"

struct disk_queue {
	struct disk *d; /* borrowed */
	disk_instant_do *perform;
	struct disk_list waiting;
	unsigned count; /* of them */
	unsigned portions;
	unsigned portion; /* how many the next reap does */
	int signal;
	bool raised; /* the eventfd is readable */
};

int disk_instant_open(struct disk *d, disk_instant_do *perform,
		      unsigned portions, struct disk_queue **out,
		      struct why *why)
{
	struct disk_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return why_set(why, -ENOMEM, "%s: no memory for a queue",
			       d->target);
	q->d = d;
	q->perform = perform;
	q->portions = portions;
	q->signal = disk_signal_open();
	if (q->signal < 0) {
		int err = q->signal;

		free(q);
		return why_set(why, err,
			       "%s: no file descriptor left for a queue; "
			       "raise the limit on open files",
			       d->target);
	}
	*out = q;
	return 0;
}

void disk_instant_close(struct disk_queue *q)
{
	assert(!q->waiting.head);
	close(q->signal);
	free(q);
}

void disk_instant_submit(struct disk_queue *q, struct disk_op *op)
{
	disk_op_begin(q->d, op);
	disk_list_push(&q->waiting, op);
	q->count++;
}

void disk_instant_kick(struct disk_queue *q)
{
	/* No signal: the caller reaps before it waits (disk.h). */
	q->portion = (q->count + q->portions - 1) / q->portions;
}

unsigned disk_instant_reap(struct disk_queue *q, struct disk_op **done,
			   unsigned max)
{
	unsigned n = 0;

	while (n < max && n < q->portion && q->waiting.head) {
		struct disk_op *op = disk_list_pop(&q->waiting);

		if (!op->error && op->len_bytes && op->kind != DISK_FLUSH)
			q->perform(q->d, op);
		done[n++] = op;
	}
	q->count -= n;
	if (!q->waiting.head == !q->raised)
		return n;
	q->raised = !q->raised;
	if (q->raised)
		disk_signal_raise(q->signal);
	else
		disk_signal_clear(q->signal);
	return n;
}

int disk_instant_fd(struct disk_queue *q)
{
	return q->signal;
}

struct disk *disk_instant_disk(const struct disk_queue *q)
{
	return q->d;
}
