/* SPDX-License-Identifier: MIT */
/*
 * For the tests of the storage engines: a directory of one's own, images in
 * it, and running operations to their end.  Static inline, because each unit
 * test is one file.
 */
#ifndef TESTS_UNIT_DISK_RIG_H
#define TESTS_UNIT_DISK_RIG_H

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk/disk.h"

/*
 * A new directory for this process, in TMPDIR as tests/run sets it or else in
 * /var/tmp: direct I/O wants a real file system, which /tmp often is not.
 */
static inline const char *rig_dir(void)
{
	static char dir[96];

	if (!dir[0]) {
		const char *top = getenv("TMPDIR");

		snprintf(dir, sizeof(dir), "%s/disk-XXXXXX",
			 top && strlen(top) < 80 ? top : "/var/tmp");
		if (!mkdtemp(dir)) {
			perror("mkdtemp");
			exit(2);
		}
	}
	return dir;
}

static inline const char *rig_path(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", rig_dir(), name);
	return p;
}

static inline const char *rig_image(const char *name, off_t bytes)
{
	const char *path = rig_path(name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	close(fd);
	return path;
}

static inline void rig_remove(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", rig_dir());
	if (system(cmd))
		fprintf(stderr, "could not remove %s\n", rig_dir());
}

/* Wait until the queue's fd says that reap has something. */
static inline void rig_wait(struct disk *d, struct disk_queue *q)
{
	struct pollfd p = { .fd = d->ops->fd(q), .events = POLLIN };

	assert_int_equal(poll(&p, 1, 20000), 1);
}

/* What reap gives, after waiting if it has nothing. */
static inline unsigned rig_reap(struct disk *d, struct disk_queue *q,
				struct disk_op **done, unsigned max)
{
	unsigned n;

	while (!(n = d->ops->reap(q, done, max)))
		rig_wait(d, q);
	return n;
}

/* Run one operation alone; its error. */
static inline int rig_run(struct disk *d, struct disk_queue *q,
			  struct disk_op *op)
{
	struct disk_op *done[2];
	unsigned n;

	d->ops->submit(q, op);
	d->ops->kick(q);
	n = rig_reap(d, q, done, 2);
	assert_int_equal(n, 1);
	assert_ptr_equal(done[0], op);
	return op->error;
}

static inline int rig_io(struct disk *d, struct disk_queue *q,
			 enum disk_op_kind kind, uint64_t off, void *buf,
			 size_t len)
{
	struct iovec iov = { buf, len };
	struct disk_op op = {
		.kind = kind,
		.iov = buf ? &iov : NULL,
		.iov_count = buf ? 1 : 0,
		.off_bytes = off,
		.len_bytes = len,
		.error = 1, /* the engine must set it */
	};

	return rig_run(d, q, &op);
}

#endif
