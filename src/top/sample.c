/* SPDX-License-Identifier: MIT */
#include "top/sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* T and t of proc(5). */
static bool process_stopped(uint32_t pid)
{
	char path[32], text[256];
	const char *end = NULL;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		text[n] = '\0';
		/* A process may have any name, in brackets. */
		end = strrchr(text, ')');
		fclose(f);
	}
	return end && (!strncmp(end, ") T", 3) || !strncmp(end, ") t", 3));
}

static int disk_order(const void *a, const void *b)
{
	const struct stats_header *x =
		&((const struct top_disk *)a)->file.header;
	const struct stats_header *y =
		&((const struct top_disk *)b)->file.header;

	if (x->domid != y->domid)
		return x->domid < y->domid ? -1 : 1;
	return x->devid < y->devid ? -1 : x->devid > y->devid;
}

static void disk_read(struct top_sample *s, int fd, const char *name)
{
	struct top_disk *d = &s->disks[s->ndisks];
	int got = top_file_read(fd, name, &d->file);

	if (got < 0)
		s->broken++;
	if (got <= 0)
		return;
	d->at_ns = clock_now_ns();
	front_vdev_name(d->file.header.devid, d->name);
	if (!s->daemon_pid)
		s->daemon_pid = d->file.header.pid;
	s->ndisks++;
}

int top_sample_read(const char *dir, struct top_sample *s)
{
	char room[TOP_DIR_MAX];
	struct dirent **names = NULL;
	int i, n, fd, err = 0;

	memset(s, 0, sizeof(*s));
	s->at_ns = clock_now_ns();
	top_dir_name(dir, room);
	fd = open(room, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	s->daemon_pid = top_daemon_pid(fd);
	n = scandirat(fd, ".", &names, top_file_named, NULL);
	if (n > 0) {
		s->disks = calloc((size_t)n, sizeof(*s->disks));
		err = s->disks ? 0 : -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		if (!err)
			disk_read(s, fd, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	close(fd);
	if (s->ndisks)
		qsort(s->disks, s->ndisks, sizeof(*s->disks), disk_order);
	s->stopped = s->daemon_pid && process_stopped(s->daemon_pid);
	return err;
}

void top_sample_free(struct top_sample *s)
{
	unsigned i;

	for (i = 0; i < s->ndisks; i++)
		top_file_free(&s->disks[i].file);
	free(s->disks);
	memset(s, 0, sizeof(*s));
}
