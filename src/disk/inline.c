/* SPDX-License-Identifier: MIT */
#include "disk/inline.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "disk/discard.h"
#include "disk/instant.h"
#include "disk/op.h"

/* What is in flight is served and answered in so many parts. */
#define PORTIONS 4

bool disk_inline_suits(const struct disk_file *f)
{
	struct statfs fs;

	return !f->d.block_device && !fstatfs(f->fd, &fs) &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static void inline_data(const struct disk_file *f, struct disk_op *op)
{
	while (disk_op_left(op)) {
		off_t off = (off_t)(op->off_bytes + op->done_bytes);
		const struct iovec *iov;
		struct iovec one;
		unsigned count = disk_op_rest(op, &one, &iov);
		ssize_t n;

		n = op->kind == DISK_READ
			    ? preadv(f->fd, iov, (int)count, off)
			    : pwritev(f->fd, iov, (int)count, off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/* 0: the file ends before the disk. */
			op->error = n ? -errno : -EIO;
			return;
		}
		op->done_bytes += (uint64_t)n;
	}
}

static void inline_perform(struct disk *d, struct disk_op *op)
{
	const struct disk_file *f = (const struct disk_file *)d;

	switch (op->kind) {
	case DISK_READ:
	case DISK_WRITE:
		inline_data(f, op);
		break;
	case DISK_DISCARD:
		op->error = disk_discard_do(f, op);
		break;
	case DISK_FLUSH: /* memory is all there is */
		break;
	}
}

static int inline_queue_open(struct disk *d, unsigned depth,
			     struct disk_queue **out, struct why *why)
{
	struct disk_file *f = (struct disk_file *)d;
	int err = disk_instant_open(d, inline_perform, PORTIONS, out, why);

	(void)depth;
	if (!err)
		atomic_fetch_add(&f->queues, 1);
	return err;
}

static void inline_queue_close(struct disk_queue *q)
{
	struct disk_file *f = (struct disk_file *)disk_instant_disk(q);

	disk_instant_close(q);
	atomic_fetch_sub(&f->queues, 1);
}

const struct disk_ops disk_inline_ops = {
	.name = "inline",
	.queue_open = inline_queue_open,
	.queue_close = inline_queue_close,
	.submit = disk_instant_submit,
	.kick = disk_instant_kick,
	.reap = disk_instant_reap,
	.fd = disk_instant_fd,
	.close = disk_file_close,
	.measure = disk_file_measure,
};
