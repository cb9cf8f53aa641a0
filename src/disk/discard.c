/* SPDX-License-Identifier: MIT */
#include "disk/discard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

/* A number of the block device in sysfs; a partition has some in its disk. */
static uint32_t sysfs_number(const struct stat *st, const char *name)
{
	static const char *const place[] = { "", "../" };
	unsigned long long value = 0;
	unsigned i;

	for (i = 0; i < sizeof(place) / sizeof(place[0]); i++) {
		char path[128];
		FILE *file;
		int got;

		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s%s",
			 major(st->st_rdev), minor(st->st_rdev), place[i],
			 name);
		file = fopen(path, "re");
		if (!file)
			continue;
		got = fscanf(file, "%llu", &value);
		fclose(file);
		if (got == 1)
			return value > UINT32_MAX ? 0 : (uint32_t)value;
	}
	return 0;
}

/* Does the device know this request?  It is asked with a place that is none. */
static bool device_knows(const struct disk_file *f, unsigned long request)
{
	uint64_t range[2] = { 1, 1 };

	return ioctl(f->fd, request, range) && errno == EINVAL;
}

void disk_discard_find(struct disk_file *f, const struct stat *st)
{
	struct disk *d = &f->d;
	uint32_t unit = 0, first = 0;

	if (d->readonly)
		return;
	if (d->block_device) {
		d->discard = device_knows(f, BLKDISCARD);
		d->secure = d->discard && device_knows(f, BLKSECDISCARD);
		unit = sysfs_number(st, "queue/discard_granularity");
		first = sysfs_number(st, "discard_alignment");
	} else {
		/* Beyond the end it changes nothing, and tells. */
		d->discard = !fallocate(
			f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)d->size_bytes, st->st_blksize);
		unit = (uint32_t)st->st_blksize;
	}
	if (!unit || unit % d->sector_bytes || first % d->sector_bytes) {
		unit = d->sector_bytes;
		first = 0;
	}
	d->discard_granularity = unit;
	d->discard_alignment = first % unit;
}

int disk_discard_do(const struct disk_file *f, const struct disk_op *op)
{
	uint64_t begin = op->off_bytes, end = begin + op->len_bytes;
	uint64_t unit = f->block_bytes, range[2];

	if (!f->d.block_device)
		return fallocate(f->fd,
				 FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 (off_t)begin, (off_t)op->len_bytes)
			       ? -errno
			       : 0;
	/* A part of a block is kept, unless it must not be: EINVAL then. */
	if (!op->secure) {
		begin += (unit - begin % unit) % unit;
		end -= end % unit;
		if (begin >= end)
			return 0;
	}
	range[0] = begin;
	range[1] = end - begin;
	return ioctl(f->fd, op->secure ? BLKSECDISCARD : BLKDISCARD, range)
		       ? -errno
		       : 0;
}
