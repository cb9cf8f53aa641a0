/* SPDX-License-Identifier: MIT */
#include "trace/record/part.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_MAGIC 0xC1F1DCC1u
#define EMPTY_BITS  (84u * 8) /* LTTng-UST's headers of a packet */

/* From "NAME-PID-DATE-TIME"; NAME may have dashes of its own. */
static void part_name(struct record_part *part, const char *entry)
{
	char copy[NAME_MAX + 1], *dash;
	int pid = 0;

	snprintf(copy, sizeof(copy), "%s", entry);
	for (int i = 0; i < 3 && (dash = strrchr(copy, '-')); i++) {
		pid = atoi(dash + 1);
		*dash = '\0';
	}
	snprintf(part->name, sizeof(part->name), "%.32s (process %d)", copy,
		 pid);
	part->pid = pid;
}

void record_parts_free(struct record_part *parts, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(parts[i].path);
	free(parts);
}

struct part_list {
	struct record_part *part;
	unsigned count;
};

/* Each directory in `dir`; those of a user (not NULL) are "64-bit" and so. */
static int parts_add(struct part_list *list, const char *dir, const char *user)
{
	struct record_part *more;
	struct dirent *e;
	DIR *d = opendir(dir);
	int err = 0;

	while (d && !err && (e = readdir(d))) {
		if (*e->d_name == '.')
			continue;
		more = reallocarray(list->part, list->count + 1, sizeof(*more));
		if (!more) {
			err = -ENOMEM;
			break;
		}
		list->part = more;
		more += list->count;
		memset(more, 0, sizeof(*more));
		if (asprintf(&more->path, "%s/%s", dir, e->d_name) < 0) {
			err = -ENOMEM;
			break;
		}
		if (user)
			snprintf(more->name, sizeof(more->name), "user %.32s",
				 user);
		else
			part_name(more, e->d_name);
		list->count++;
	}
	if (d)
		closedir(d);
	return err;
}

int record_parts_find(const char *dir, struct record_part **out)
{
	struct part_list list = { NULL, 0 };
	char inner[PATH_MAX + NAME_MAX + 16];
	struct dirent *e;
	int err;
	DIR *d;

	snprintf(inner, sizeof(inner), "%s/ust/pid", dir);
	err = parts_add(&list, inner, NULL);
	snprintf(inner, sizeof(inner), "%s/usdt/pid", dir);
	if (!err)
		err = parts_add(&list, inner, NULL);
	snprintf(inner, sizeof(inner), "%s/kernel/pid", dir);
	if (!err)
		err = parts_add(&list, inner, NULL);
	snprintf(inner, sizeof(inner), "%s/ust/uid", dir);
	d = opendir(inner);
	while (d && !err && (e = readdir(d))) {
		if (*e->d_name == '.')
			continue;
		snprintf(inner, sizeof(inner), "%s/ust/uid/%s", dir, e->d_name);
		err = parts_add(&list, inner, e->d_name);
	}
	if (d)
		closedir(d);
	if (err) {
		record_parts_free(list.part, list.count);
		return err;
	}
	*out = list.part;
	return (int)list.count;
}

/*
 * Whether the stream behind an index of LTTng's (CTF index 1.x, big endian)
 * has a packet with anything in it.  True if that cannot be told.
 */
static bool index_has_data(int dir, const char *name)
{
	uint32_t head[4];  /* magic, major, minor, bytes of an entry */
	uint64_t entry[9]; /* 2: content in bits, 5: discarded events */
	FILE *f = NULL;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	bool data = true;

	if (fd >= 0)
		f = fdopen(fd, "r");
	if (!f) {
		if (fd >= 0)
			close(fd);
		return true;
	}
	if (fread(head, sizeof(head), 1, f) != 1 ||
	    be32toh(head[0]) != INDEX_MAGIC ||
	    be32toh(head[3]) != sizeof(entry))
		goto out;
	data = false;
	while (!data && fread(entry, sizeof(entry), 1, f) == 1)
		data = be64toh(entry[2]) > EMPTY_BITS || entry[5];
out:
	fclose(f);
	return data;
}

bool record_part_has_data(const struct record_part *part)
{
	char inner[PATH_MAX];
	struct dirent *e;
	bool data = false;
	uint64_t bytes = 0;
	unsigned streams = 0, indexes = 0;
	struct stat st;
	DIR *d;

	d = opendir(part->path);
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, "metadata") &&
		    !fstatat(dirfd(d), e->d_name, &st, 0) &&
		    S_ISREG(st.st_mode)) {
			streams++;
			bytes += (uint64_t)st.st_size;
		}
	if (d)
		closedir(d);
	snprintf(inner, sizeof(inner), "%s/index", part->path);
	d = opendir(inner);
	while (d && (e = readdir(d)))
		if (*e->d_name != '.') {
			indexes++;
			data = data || index_has_data(dirfd(d), e->d_name);
		}
	if (d)
		closedir(d);
	return bytes && (data || indexes < streams);
}
