/* SPDX-License-Identifier: MIT */
#include "backend/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct stats {
	char path[512]; /* empty once it is hidden */
	struct stats_header *header;
	size_t bytes;
};

/* The directory and those above it that a package would have made. */
static int stats_dir_make(const char *dir)
{
	char path[400];
	char *slash;

	snprintf(path, sizeof(path), "%s", dir);
	for (slash = strchr(path + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
}

/* A file under another name, mapped and filled; then it gets its own. */
static int stats_make(struct stats *s, const struct stats_header *header)
{
	char part[sizeof(s->path) + 8];
	int fd, err = 0;

	snprintf(part, sizeof(part), "%s.part", s->path);
	fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  0644);
	if (fd < 0)
		return -errno;
	/* Not by ftruncate: a full tmpfs is found out here, and not by SIGBUS.
	 */
	err = -posix_fallocate(fd, 0, (off_t)s->bytes);
	if (!err) {
		s->header = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE,
				 MAP_SHARED, fd, 0);
		if (s->header == MAP_FAILED) {
			s->header = NULL;
			err = -errno;
		}
	}
	close(fd);
	if (!err) {
		*s->header = *header;
		err = rename(part, s->path) ? -errno : 0;
	}
	if (err)
		unlink(part);
	return err;
}

struct stats *stats_open(const char *dir, const struct stats_header *header,
			 struct why *why)
{
	struct stats_header h = *header;
	struct stats *s = calloc(1, sizeof(*s));
	int err = s ? stats_dir_make(dir) : -ENOMEM;

	if (!err) {
		memcpy(h.magic, STATS_MAGIC, sizeof(h.magic));
		h.header_bytes = sizeof(h);
		h.queue_bytes = sizeof(struct stats_queue);
		h.pid = (uint32_t)getpid();
		s->bytes = sizeof(h) + h.queues * sizeof(struct stats_queue);
		snprintf(s->path, sizeof(s->path), "%s/vbd-%u-%u", dir, h.domid,
			 h.devid);
		err = stats_make(s, &h);
	}
	if (!err)
		return s;
	if (s) {
		s->path[0] = '\0';
		stats_close(s);
	}
	why_set(why, err, "there will be no statistics in %s: %s", dir,
		strerror(-err));
	return NULL;
}

static void stats_sweep(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, "vbd-", 4))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

static void daemon_path(const char *dir, const char *end, char path[512])
{
	snprintf(path, 512, "%s/" STATS_DAEMON "%s", dir, end);
}

/* Under another name until it is whole. */
static void stats_announce(const char *dir)
{
	struct stats_daemon d = { .magic = STATS_MAGIC,
				  .daemon_bytes = sizeof(d),
				  .pid = (uint32_t)getpid() };
	char path[512], part[512];
	bool written;
	int fd;

	daemon_path(dir, "", path);
	daemon_path(dir, ".part", part);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  0644);
	if (fd < 0)
		return;
	written = write(fd, &d, sizeof(d)) == sizeof(d);
	close(fd);
	if (!written || rename(part, path))
		unlink(part);
}

void stats_begin(const char *dir)
{
	if (stats_dir_make(dir))
		return;
	stats_sweep(dir);
	stats_announce(dir);
}

void stats_end(const char *dir)
{
	char path[512];

	daemon_path(dir, "", path);
	unlink(path);
}

struct stats_queue *stats_queue(struct stats *s, unsigned n)
{
	return (struct stats_queue *)(void *)(s->header + 1) + n;
}

void stats_storage(struct stats *s, uint64_t size_bytes, const char *target)
{
	struct stats_header *h = s ? s->header : NULL;

	if (!h)
		return;
	stats_set(&h->size_bytes, size_bytes);
	/* Whoever reads it meanwhile finds a text that ends. */
	if (strcmp(h->target, target)) {
		memset(h->target, 0, sizeof(h->target));
		snprintf(h->target, sizeof(h->target), "%s", target);
	}
}

void stats_hide(struct stats *s)
{
	if (s && s->path[0])
		unlink(s->path);
	if (s)
		s->path[0] = '\0';
}

void stats_close(struct stats *s)
{
	if (!s)
		return;
	stats_hide(s);
	if (s->header)
		munmap(s->header, s->bytes);
	free(s);
}
