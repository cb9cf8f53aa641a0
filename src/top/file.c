/* SPDX-License-Identifier: MIT */
#include "top/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1u << 20)

/* What every version has counted. */
#define QUEUE_BYTES_LEAST offsetof(struct stats_queue, pending)

void top_dir_name(const char *dir, char room[TOP_DIR_MAX])
{
	snprintf(room, TOP_DIR_MAX, "%s/stats", dir);
	if (access(room, F_OK))
		snprintf(room, TOP_DIR_MAX, "%s", dir);
}

int top_file_named(const struct dirent *e)
{
	unsigned domid, devid;
	int end = 0;

	return sscanf(e->d_name, "vbd-%u-%u%n", &domid, &devid, &end) == 2 &&
	       !e->d_name[end];
}

/* At most `max` bytes of a regular file; their number or -errno. */
static ssize_t bytes_read(int dirfd, const char *name, void *to, size_t max)
{
	int fd = openat(dirfd, name,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n = -EINVAL;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		n = pread(fd, to, max, 0);
		if (n < 0)
			n = -errno;
	}
	close(fd);
	return n;
}

static bool alive(uint32_t pid)
{
	return pid && (!kill((pid_t)pid, 0) || errno != ESRCH);
}

/* An earlier version has less in each part than we know, a later one more. */
static bool file_parse(const char *bytes, size_t len, struct top_file *f)
{
	struct stats_header *h = &f->header;
	size_t known = sizeof(*f->queue);
	uint32_t i;

	if (len < sizeof(*h))
		return false;
	memcpy(h, bytes, sizeof(*h));
	h->target[sizeof(h->target) - 1] = '\0';
	if (memcmp(h->magic, STATS_MAGIC, sizeof(h->magic)) ||
	    h->header_bytes < sizeof(*h) || h->header_bytes > len ||
	    h->queue_bytes < QUEUE_BYTES_LEAST ||
	    h->queues > (len - h->header_bytes) / h->queue_bytes)
		return false;
	f->queue = calloc(h->queues ? h->queues : 1, sizeof(*f->queue));
	if (!f->queue)
		return false;
	if (known > h->queue_bytes)
		known = h->queue_bytes;
	for (i = 0; i < h->queues; i++)
		memcpy(&f->queue[i],
		       bytes + h->header_bytes + (size_t)i * h->queue_bytes,
		       known);
	return true;
}

int top_file_read(int dirfd, const char *name, struct top_file *f)
{
	char *bytes = malloc(FILE_BYTES_MAX);
	ssize_t n;
	int got = 1;

	memset(f, 0, sizeof(*f));
	if (!bytes)
		return -ENOMEM;
	n = bytes_read(dirfd, name, bytes, FILE_BYTES_MAX);
	if (n == -ENOENT)
		got = 0;
	else if (n < 0 || !file_parse(bytes, (size_t)n, f))
		got = -EINVAL;
	free(bytes);
	/* A daemon that was killed left it behind. */
	if (got == 1 && !alive(f->header.pid)) {
		top_file_free(f);
		got = 0;
	}
	return got;
}

void top_file_free(struct top_file *f)
{
	free(f->queue);
	f->queue = NULL;
}

void top_counters_add(struct stats_queue *sum, const struct stats_queue *q)
{
	const uint64_t *one = (const uint64_t *)q;
	uint64_t *to = (uint64_t *)sum;
	size_t i;

	for (i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += one[i];
}

void top_file_sum(const struct top_file *f, struct stats_queue *sum)
{
	uint32_t i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < f->header.queues; i++)
		top_counters_add(sum, &f->queue[i]);
	sum->still_ns = 0;
}

uint32_t top_daemon_pid(int dirfd)
{
	struct stats_daemon d;

	if (bytes_read(dirfd, STATS_DAEMON, &d, sizeof(d)) != sizeof(d) ||
	    memcmp(d.magic, STATS_MAGIC, sizeof(d.magic)) || !alive(d.pid))
		return 0;
	return d.pid;
}
