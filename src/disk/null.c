/* SPDX-License-Identifier: MIT */
#include "disk/null.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "disk/instant.h"

static void null_perform(struct disk *d, struct disk_op *op)
{
	(void)d;
	if (op->kind != DISK_READ)
		return;
	for (unsigned i = 0; i < op->iov_count; i++)
		memset(op->iov[i].iov_base, 0, op->iov[i].iov_len);
}

static int null_queue_open(struct disk *d, unsigned depth,
			   struct disk_queue **out, struct why *why)
{
	(void)depth;
	return disk_instant_open(d, null_perform, 1, out, why);
}

static void null_close(struct disk *d)
{
	free(d);
}

static const struct disk_ops null_ops = {
	.name = "null",
	.queue_open = null_queue_open,
	.queue_close = disk_instant_close,
	.submit = disk_instant_submit,
	.kick = disk_instant_kick,
	.reap = disk_instant_reap,
	.fd = disk_instant_fd,
	.close = null_close,
};

int disk_null_open(const char *size, const struct disk_options *opt,
		   struct disk **out, struct why *why)
{
	struct disk *d;
	uint64_t bytes;

	if (number_parse_size(size, opt->sector_bytes, INT64_MAX, &bytes) ||
	    bytes % opt->sector_bytes)
		return why_set(why, -EINVAL,
			       "null:%s: the size must be a multiple of %u "
			       "bytes; write it as null:1G, for example",
			       size, opt->sector_bytes);
	d = calloc(1, sizeof(*d));
	if (!d)
		return why_set(why, -ENOMEM, "null:%s: no memory", size);
	d->ops = &null_ops;
	d->size_bytes = bytes;
	d->sector_bytes = opt->sector_bytes;
	d->physical_bytes = opt->sector_bytes;
	d->readonly = opt->readonly;
	d->discard = !opt->readonly;
	d->discard_granularity = opt->sector_bytes;
	*out = d;
	return 0;
}
