/* SPDX-License-Identifier: MIT */
#include "disk/op.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool disk_op_begin(const struct disk *d, struct disk_op *op)
{
	bool writes = op->kind == DISK_WRITE || op->kind == DISK_DISCARD;

	op->next = NULL;
	op->done_bytes = 0;
	op->error = 0;
	if (op->kind == DISK_FLUSH)
		return true;
	assert(op->off_bytes <= d->size_bytes);
	assert(op->len_bytes <= d->size_bytes - op->off_bytes);
	assert(op->off_bytes % d->sector_bytes == 0);
	assert(op->len_bytes % d->sector_bytes == 0);
	if (writes && d->readonly)
		op->error = -EROFS;
	else if (op->kind == DISK_DISCARD && !d->discard)
		op->error = -EOPNOTSUPP;
	return !op->error && op->len_bytes;
}

/* The vector in which op->done_bytes lies, and how far into it. */
static unsigned disk_op_seek(const struct disk_op *op, size_t *skip)
{
	uint64_t at = op->done_bytes;
	unsigned i;

	for (i = 0; i < op->iov_count && at >= op->iov[i].iov_len; i++)
		at -= op->iov[i].iov_len;
	*skip = (size_t)at;
	return i;
}

unsigned disk_op_rest(const struct disk_op *op, struct iovec *one,
		      const struct iovec **out)
{
	size_t skip;
	unsigned i = disk_op_seek(op, &skip);

	if (i == op->iov_count)
		return 0;
	if (!skip) {
		*out = op->iov + i;
		return op->iov_count - i;
	}
	one->iov_base = (char *)op->iov[i].iov_base + skip;
	one->iov_len = op->iov[i].iov_len - skip;
	*out = one;
	return 1;
}

void disk_op_gather(const struct disk_op *op, void *buf, size_t len)
{
	size_t skip, part;
	unsigned i = disk_op_seek(op, &skip);
	char *to = buf;

	for (; len; i++, skip = 0) {
		assert(i < op->iov_count);
		part = op->iov[i].iov_len - skip;
		if (part > len)
			part = len;
		memcpy(to, (const char *)op->iov[i].iov_base + skip, part);
		to += part;
		len -= part;
	}
}

void disk_op_scatter(const struct disk_op *op, const void *buf, size_t len)
{
	size_t skip, part;
	unsigned i = disk_op_seek(op, &skip);
	const char *from = buf;

	for (; len; i++, skip = 0) {
		assert(i < op->iov_count);
		part = op->iov[i].iov_len - skip;
		if (part > len)
			part = len;
		memcpy((char *)op->iov[i].iov_base + skip, from, part);
		from += part;
		len -= part;
	}
}

int disk_signal_open(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void disk_signal_raise(int fd)
{
	int saved = errno;
	ssize_t n;

	/* EAGAIN means that it is raised already, which is as good. */
	n = write(fd, &(uint64_t){ 1 }, sizeof(uint64_t));
	(void)n;
	errno = saved;
}

void disk_signal_clear(int fd)
{
	int saved = errno;
	uint64_t count;
	ssize_t n;

	n = read(fd, &count, sizeof(count)); /* EAGAIN: it was not raised */
	(void)n;
	errno = saved;
}
