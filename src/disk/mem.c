/* SPDX-License-Identifier: MIT */
#include "disk/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/number.h"
#include "disk/instant.h"
#include "disk/op.h"

#define MEM_PAGE 4096u

struct disk_mem {
	struct disk d;
	char *bytes; /* d.size_bytes of them, mapped */
};

/* Give whole pages back, so that a discard makes the process smaller. */
static void mem_discard(char *at, uint64_t len)
{
	uint64_t head = -(uintptr_t)at % MEM_PAGE;

	if (len > head && len - head >= MEM_PAGE) {
		uint64_t body = (len - head) / MEM_PAGE * MEM_PAGE;

		if (!madvise(at + head, body, MADV_DONTNEED)) {
			memset(at, 0, head);
			memset(at + head + body, 0, len - head - body);
			return;
		}
	}
	memset(at, 0, len);
}

static void mem_perform(struct disk *d, struct disk_op *op)
{
	struct disk_mem *m = (struct disk_mem *)d;
	char *at = m->bytes + op->off_bytes;

	switch (op->kind) {
	case DISK_READ:
		disk_op_scatter(op, at, op->len_bytes);
		break;
	case DISK_WRITE:
		disk_op_gather(op, at, op->len_bytes);
		break;
	case DISK_DISCARD:
		mem_discard(at, op->len_bytes);
		break;
	case DISK_FLUSH:
		break;
	}
}

static int mem_queue_open(struct disk *d, unsigned depth,
			  struct disk_queue **out, struct why *why)
{
	(void)depth;
	return disk_instant_open(d, mem_perform, 1, out, why);
}

static void mem_close(struct disk *d)
{
	struct disk_mem *m = (struct disk_mem *)d;

	munmap(m->bytes, d->size_bytes);
	free(m);
}

static const struct disk_ops mem_ops = {
	.name = "mem",
	.queue_open = mem_queue_open,
	.queue_close = disk_instant_close,
	.submit = disk_instant_submit,
	.kick = disk_instant_kick,
	.reap = disk_instant_reap,
	.fd = disk_instant_fd,
	.close = mem_close,
};

int disk_mem_open(const char *size, const struct disk_options *opt,
		  struct disk **out, struct why *why)
{
	struct disk_mem *m;
	uint64_t bytes;

	if (number_parse_size(size, opt->sector_bytes, INT64_MAX, &bytes) ||
	    bytes % opt->sector_bytes)
		return why_set(why, -EINVAL,
			       "mem:%s: the size must be a multiple of %u "
			       "bytes; write it as mem:64M, for example",
			       size, opt->sector_bytes);
	m = calloc(1, sizeof(*m));
	if (!m)
		return why_set(why, -ENOMEM, "mem:%s: no memory", size);
	/* Pages come into being when they are first written. */
	m->bytes = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->bytes == MAP_FAILED) {
		free(m);
		return why_set(why, -ENOMEM,
			       "mem:%s: this process cannot have that much "
			       "memory; choose a smaller disk",
			       size);
	}
	m->d.ops = &mem_ops;
	m->d.size_bytes = bytes;
	m->d.sector_bytes = opt->sector_bytes;
	m->d.physical_bytes = opt->sector_bytes;
	m->d.readonly = opt->readonly;
	m->d.discard = !opt->readonly;
	m->d.discard_granularity =
		opt->sector_bytes > MEM_PAGE ? opt->sector_bytes : MEM_PAGE;
	*out = &m->d;
	return 0;
}
