/* SPDX-License-Identifier: MIT */
/*
 * Storage below a vbd.  A `struct disk` is opened once per device and knows
 * its size; each queue opens a `struct disk_queue` on it, owned by one
 * thread, through which it submits operations and collects completions.
 * Engines: io_uring and a thread pool for files and block devices; NBD for
 * what a server has (qcow2, Ceph, S3); null and memory for measuring.
 *
 * An operation is the caller's memory until it comes back from reap.  The
 * engine allocates nothing per operation (libnbd does for each command that
 * goes to a server, as many as an operation has stretches of memory).  What the
 * guest sent was checked before it comes here: offsets and lengths are inside
 * the disk and multiples of the sector size, and here this is only asserted.
 *
 * Storage may grow and shrink while it is open.  Who looks, by disk_measure(),
 * is told the size, and limits what is submitted from then on; what was
 * checked before may still come, so the asserted bound only grows.
 */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/why.h"

enum disk_op_kind {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH,   /* RQ-43: what was written is durable when it is done */
	DISK_DISCARD, /* -EOPNOTSUPP where disk->discard is not set */
};

struct disk_op {
	enum disk_op_kind kind;
	uint32_t iov_count;	 /* 0 for flush and discard */
	const struct iovec *iov; /* borrowed until reaped */
	uint64_t off_bytes;
	uint64_t len_bytes; /* sum of iov, or the length of a discard */
	bool secure;	    /* a discard after which nothing can be read */
	int error;	    /* out: 0 or -errno; short I/O is -EIO */
	/* What was done to it on purpose (inject.h); 0: nothing. */
	unsigned injected;     /* bits of enum disk_injected */
	uint32_t inject_rules; /* those that applied: bit 0 is the first */
	uint64_t held_ns;      /* held back for so long */
	/* The engine's own, from submit to reap: */
	uint64_t done_bytes; /* progress of what is done in parts */
	struct disk_op *next;
};

struct disk;
struct disk_queue;
struct inject_rules;

struct disk_ops {
	const char *name;
	/* At most `depth` operations are in the queue's hands at a time. */
	int (*queue_open)(struct disk *d, unsigned depth,
			  struct disk_queue **out, struct why *why);
	/* Waits for nothing: the caller has reaped all it submitted. */
	void (*queue_close)(struct disk_queue *q);
	/* Hand over one operation; it starts at the latest with kick(). */
	void (*submit)(struct disk_queue *q, struct disk_op *op);
	/* Start what was submitted, with one system call where possible. */
	void (*kick)(struct disk_queue *q);
	/*
	 * NULL, or: the queue is about to close, so nothing may be held back
	 * any more that could go on.  With `abandon` nobody wants it: what has
	 * not begun may fail, with -ECANCELED.  May be called again.
	 */
	void (*hurry)(struct disk_queue *q, bool abandon);
	/*
	 * Up to `max` completed operations into `done`; returns how many.
	 * Never blocks.
	 */
	unsigned (*reap)(struct disk_queue *q, struct disk_op **done,
			 unsigned max);
	/*
	 * Readable when reap may have something that it had not when it was
	 * last called: reap after each kick, and until it returns less than
	 * `max`, before waiting.  The same fd for the queue's life.
	 */
	int (*fd)(struct disk_queue *q);
	void (*close)(struct disk *d);
	/*
	 * The bytes that there are now; 0 or -errno.  While queues work, from
	 * the thread that opened the disk.  NULL: they never change.
	 */
	int (*measure)(struct disk *d, uint64_t *bytes);
};

struct disk {
	const struct disk_ops *ops;
	/*
	 * A multiple of sector_bytes: as it was opened, or what it has grown
	 * to.  Atomic, since disk_measure() raises it under the queues.
	 */
	_Atomic uint64_t size_bytes;
	uint32_t sector_bytes;	 /* 512 unless asked otherwise */
	uint32_t physical_bytes; /* sector size of what lies below */
	bool readonly;
	bool discard;
	bool secure; /* discards can be */
	/* Of a discard, in bytes, where there is one: the unit that is given
	   back, a multiple of sector_bytes, and where the first one begins. */
	uint32_t discard_granularity;
	uint32_t discard_alignment; /* less than that */
	unsigned queues_max;	    /* queues that stay consistent; 0: any */
	bool block_device;
	char target[256]; /* as it was opened, for messages */
};

struct disk_options {
	bool readonly;
	bool direct;	       /* O_DIRECT where the file system takes it */
	bool no_uring;	       /* the thread pool even where io_uring works */
	uint32_t sector_bytes; /* 0 means 512 */
	/* What is to be done to it (inject.h), or NULL; borrowed. */
	const struct inject_rules *inject;
};

/*
 * Open what `target` names: a path to a file or block device, "nbd:URI",
 * "null:SIZE", or "mem:SIZE" (SIZE with k, M, G).  On failure returns -errno
 * and the sentence: missing, a directory, not permitted, read-only for a
 * writable disk, size not a multiple of the sector size, empty; for NBD also
 * a server that is not there, is silent (after five seconds), has no such
 * export, or demands larger blocks.
 */
int disk_open(const char *target, const struct disk_options *opt,
	      struct disk **out, struct why *why);

/*
 * The two ways in which a disk's sectors are given, as options and keys have
 * them: their size, "512" or "4096"; and the unit in which they are counted,
 * "512" or "sector-size".  0 or -EINVAL.
 */
int disk_sector_parse(const char *text, uint32_t *sector_bytes);
int disk_units_parse(const char *text, bool *sector_units);

/*
 * The size that the storage has now, in whole units of `unit` bytes, a
 * multiple of its sector size; what is left over at its end is not counted.
 * 0; -EOPNOTSUPP where it cannot change; -errno.
 */
int disk_measure(struct disk *d, uint32_t unit, uint64_t *size_bytes);

/* All queues are closed before.  NULL is fine. */
void disk_close(struct disk *d);

#endif
