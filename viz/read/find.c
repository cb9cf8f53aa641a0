/* SPDX-License-Identifier: MIT */
/*
 * CTF 1.8 metadata are plain text or packets of it, each behind a header of
 * 37 bytes.  A packet that ends behind the end of the file was seen to make
 * decoders loop for ever, so the chain is walked here first.
 */
#include "viz/read/find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX   16
#define DIRS_MAX    4096
#define META_MAX    (64u << 20)
#define META_MAGIC  0x75d11d57u
#define META_HEADER 37u

static int read_all(const char *path, char **data, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	struct stat st;
	char *buf = NULL;
	size_t got = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	else if ((uint64_t)st.st_size > META_MAX)
		rc = -EFBIG;
	else if (!(buf = malloc((size_t)st.st_size + 1)))
		rc = -ENOMEM;
	while (!rc && got < (size_t)st.st_size) {
		n = read(fd, buf + got, (size_t)st.st_size - got);
		if (n < 0)
			rc = -errno;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	close(fd);
	if (rc) {
		free(buf);
		return rc;
	}
	buf[got] = '\0';
	*data = buf;
	*len = got;
	return 0;
}

static uint32_t get32(const uint8_t *p, bool swap)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return swap ? __builtin_bswap32(v) : v;
}

/* Take the text out of the packets, in place.  True if they are cut short. */
static bool unpack(char *data, size_t *len)
{
	size_t pos = 0, out = 0, content, size, have;
	bool swap, cut = false;

	while (pos < *len) {
		const uint8_t *h = (const uint8_t *)data + pos;

		have = *len - pos;
		if (have < META_HEADER) {
			cut = true;
			break;
		}
		swap = get32(h, false) != META_MAGIC;
		content = get32(h + 24, swap) / 8;
		size = get32(h + 28, swap) / 8;
		if (get32(h, swap) != META_MAGIC || content < META_HEADER ||
		    size < content) {
			cut = true;
			break;
		}
		if (content > have) {
			cut = true;
			content = have;
		}
		memmove(data + out, h + META_HEADER, content - META_HEADER);
		out += content - META_HEADER;
		if (size > have) {
			cut = true;
			break;
		}
		pos += size;
	}
	*len = out;
	data[out] = '\0';
	return cut;
}

/* Cut behind the last "};" that closes a declaration. */
static bool whole_declarations(char *text, size_t *len)
{
	size_t i, last = 0;
	bool quoted = false, comment = false;
	long depth = 0;

	for (i = 0; i < *len; i++) {
		char c = text[i];

		if (comment) {
			comment = !(c == '/' && i && text[i - 1] == '*');
		} else if (quoted) {
			if (c == '\\')
				i++;
			else
				quoted = c != '"';
		} else if (c == '"') {
			quoted = true;
		} else if (c == '/' && text[i + 1] == '*') {
			comment = true;
			i++;
		} else if (c == '{') {
			depth++;
		} else if (c == '}') {
			depth--;
		} else if (c == ';' && depth == 0) {
			last = i + 1;
		}
	}
	for (i = last; i < *len; i++)
		if (!strchr(" \t\r\n", text[i]))
			break;
	if (i == *len)
		return false;
	*len = last;
	text[last] = '\0';
	return true;
}

static bool is_packets(const char *data, size_t len)
{
	return len >= 4 && (get32((const uint8_t *)data, false) == META_MAGIC ||
			    get32((const uint8_t *)data, true) == META_MAGIC);
}

static int metadata_path(const char *dir, char *buf, size_t cap)
{
	int n = snprintf(buf, cap, "%s/metadata", dir);

	return n < 0 || (size_t)n >= cap ? -ENAMETOOLONG : 0;
}

int trace_metadata_text(const char *dir, char **text, bool *cut)
{
	char path[4096];
	size_t len = 0;
	int rc;

	rc = metadata_path(dir, path, sizeof(path));
	if (!rc)
		rc = read_all(path, text, &len);
	if (rc)
		return rc;
	*cut = is_packets(*text, len) && unpack(*text, &len);
	*cut |= whole_declarations(*text, &len);
	if (!len) {
		free(*text);
		*text = NULL;
		return -ENODATA;
	}
	return 0;
}

/* `uuid = "xxxxxxxx-xxxx-..."` of the trace block. */
static bool find_uuid(const char *text, uint8_t uuid[16])
{
	const char *at = strstr(text, "trace {");
	unsigned i = 0, byte;

	at = at ? strstr(at, "uuid") : NULL;
	at = at ? strchr(at, '"') : NULL;
	if (!at)
		return false;
	for (at++; i < 16 && *at; i++) {
		if (*at == '-')
			at++;
		if (sscanf(at, "%2x", &byte) != 1)
			return false;
		uuid[i] = (uint8_t)byte;
		at += at[0] && at[1] ? 2 : 1;
	}
	return i == 16;
}

static void look_at_metadata(struct trace_dir *dir)
{
	char *text = NULL;

	if (trace_metadata_text(dir->path, &text, &dir->meta_cut)) {
		dir->meta_cut = true;
		return;
	}
	dir->meta_size = strlen(text);
	dir->has_uuid = find_uuid(text, dir->uuid);
	free(text);
}

static int add_dir(struct trace_dirs *dirs, const char *path)
{
	struct trace_dir *grown;
	size_t room;

	if (dirs->n == dirs->room) {
		room = dirs->room ? dirs->room * 2 : 8;
		grown = realloc(dirs->dir, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		dirs->dir = grown;
		dirs->room = room;
	}
	grown = &dirs->dir[dirs->n];
	memset(grown, 0, sizeof(*grown));
	grown->path = strdup(path);
	if (!grown->path)
		return -ENOMEM;
	dirs->n++;
	return 0;
}

static int walk(struct trace_dirs *dirs, const char *path, unsigned depth)
{
	struct trace_dir streams = { .path = NULL };
	char below[4096];
	struct dirent *e;
	struct stat st;
	bool found = false;
	int rc = 0;
	DIR *d;

	d = opendir(path);
	if (!d)
		return depth ? 0 : -errno; /* a closed corner is not fatal */
	while (!rc && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(below, sizeof(below), "%s/%s", path,
				     e->d_name) >= sizeof(below))
			continue;
		if (lstat(below, &st))
			continue;
		if (S_ISDIR(st.st_mode)) {
			if (depth < DEPTH_MAX)
				rc = walk(dirs, below, depth + 1);
		} else if (!strcmp(e->d_name, "metadata")) {
			found = true;
		} else if (st.st_size > 0) {
			streams.streams++;
			streams.stream_size += (uint64_t)st.st_size;
		}
		if (dirs->n > DIRS_MAX)
			rc = -E2BIG;
	}
	closedir(d);
	if (rc || !found)
		return rc;
	rc = add_dir(dirs, path);
	if (!rc) {
		struct trace_dir *dir = &dirs->dir[dirs->n - 1];

		dir->streams = streams.streams;
		dir->stream_size = streams.stream_size;
		look_at_metadata(dir);
	}
	return rc;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct trace_dir *)a)->path,
		      ((const struct trace_dir *)b)->path);
}

int trace_dirs_find(const char *path, struct trace_dirs *out, struct why *why)
{
	struct stat st;
	int rc;

	memset(out, 0, sizeof(*out));
	if (stat(path, &st))
		return why_set(why, -errno,
			       "%s: %s; give the directory of a "
			       "trace",
			       path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return why_set(why, -ENOTDIR,
			       "%s is not a directory; a trace "
			       "is the directory that `ringside record -o` "
			       "made",
			       path);
	rc = walk(out, path, 0);
	if (rc == -E2BIG)
		return why_set(why, rc,
			       "%s holds more than %d traces; give "
			       "one of them",
			       path, DIRS_MAX);
	if (rc)
		return why_set(why, rc, "%s cannot be read: %s", path,
			       strerror(-rc));
	if (!out->n)
		return why_set(why, -ENOENT,
			       "%s is no trace: no CTF "
			       "`metadata` file in it or below; `ringside "
			       "record -o DIR` makes one",
			       path);
	qsort(out->dir, out->n, sizeof(*out->dir), by_path);
	return 0;
}

void trace_dirs_free(struct trace_dirs *dirs)
{
	size_t i;

	for (i = 0; i < dirs->n; i++)
		free(dirs->dir[i].path);
	free(dirs->dir);
	memset(dirs, 0, sizeof(*dirs));
}
