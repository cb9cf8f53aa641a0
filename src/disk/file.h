/* SPDX-License-Identifier: MIT */
/*
 * A file or block device, opened and measured once; io_uring (uring.c) or a
 * pool of threads (threads.c) moves its data.
 *
 * A regular file is locked (flock) for as long as it is open: exclusively, or
 * shared if read-only, so that two disks never write one image.  A block
 * device is opened exclusively for the same reason.
 *
 * Direct I/O is used only where the storage takes every multiple of the
 * disk's sector size: below that a write would have to read its surroundings
 * first, which would race with its neighbours; on a 4Kn device under a disk
 * with sectors of 512 bytes the page cache does that.  What is left to handle
 * is memory: an operation whose vectors are not aligned as the storage wants
 * goes through a bounce buffer.
 */
#ifndef DISK_FILE_H
#define DISK_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "disk/disk.h"

/* A bounce buffer's size, and so the largest piece of a bounced operation. */
#define DISK_BOUNCE_BYTES 65536u

struct disk_file {
	struct disk d;
	int fd;
	bool direct;	      /* fd is O_DIRECT; then: */
	uint32_t mem_align;   /* of each vector's address, a power of two */
	uint32_t len_align;   /* of each vector's length, a power of two */
	uint32_t block_bytes; /* of a block device: what a discard takes */
	atomic_uint queues;   /* open ones */
};

/* Errors and the sentence as disk_open; opt->sector_bytes is set. */
int disk_file_open(const char *path, const struct disk_options *opt,
		   struct disk **out, struct why *why);
void disk_file_close(struct disk *d);
int disk_file_measure(struct disk *d, uint64_t *bytes);

/* True if the operation's data must pass through a bounce buffer. */
bool disk_file_must_bounce(const struct disk_file *f, const struct disk_op *op);

/*
 * A bounce buffer where the disk may need one: *out is NULL otherwise.
 * 0 or -ENOMEM; free() it.
 */
int disk_file_bounce_alloc(const struct disk_file *f, void **out);

#endif
