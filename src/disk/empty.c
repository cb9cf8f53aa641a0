/* SPDX-License-Identifier: MIT */
#include "disk/empty.h"

#include <errno.h>
#include <stdlib.h>

#include "disk/instant.h"
#include "disk/op.h"

/* Never called: submit below fails all there is. */
static void empty_perform(struct disk *d, struct disk_op *op)
{
	(void)d;
	op->error = -ENOMEDIUM;
}

static int empty_queue_open(struct disk *d, unsigned depth,
			    struct disk_queue **out, struct why *why)
{
	(void)depth;
	return disk_instant_open(d, empty_perform, 1, out, why);
}

static void empty_submit(struct disk_queue *q, struct disk_op *op)
{
	disk_instant_submit(q, op);
	op->error = -ENOMEDIUM;
}

static void empty_close(struct disk *d)
{
	free(d);
}

static const struct disk_ops empty_ops = {
	.name = "empty",
	.queue_open = empty_queue_open,
	.queue_close = disk_instant_close,
	.submit = empty_submit,
	.kick = disk_instant_kick,
	.reap = disk_instant_reap,
	.fd = disk_instant_fd,
	.close = empty_close,
};

int disk_empty_open(const struct disk_options *opt, struct disk **out,
		    struct why *why)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d)
		return why_set(why, -ENOMEM, "no memory for an empty drive");
	d->ops = &empty_ops;
	d->sector_bytes = opt->sector_bytes ? opt->sector_bytes : 512;
	d->physical_bytes = d->sector_bytes;
	d->readonly = opt->readonly;
	*out = d;
	return 0;
}

bool disk_is_empty(const struct disk *d)
{
	return d->ops == &empty_ops;
}
