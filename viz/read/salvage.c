/* SPDX-License-Identifier: MIT */
/*
 * A CTF packet begins with a magic number and, behind it, the trace's UUID.
 * A file that the decoder refuses is cut at the last place where these
 * stand: what is behind is a part of a packet.  If that part has LTTng's
 * layout, its header is made to say how much there is instead: decoding then
 * fails in its last event and keeps what came before.  (Filling it up with
 * anything was tried: a length read from the filling crashed the decoder.)
 * Sound files are linked, and only the others copied.
 */
#include "viz/read/salvage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "viz/guard.h"
#include "viz/read/graph.h"
#include "viz/text.h"

#define STREAM_MAGIC 0xc1fc1fc1u
#define TRIES	     6
#define PATH_CAP     4096

#define PACKET_CONTENT 48u
#define PACKET_SIZE    56u
#define PACKET_HEADER  64u

static int join(char *buf, const char *dir, const char *name)
{
	int n = snprintf(buf, PATH_CAP, "%s/%s", dir, name);

	return n < 0 || n >= PATH_CAP ? -ENAMETOOLONG : 0;
}

static int write_file(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return -errno;
	rc = io_write_all(fd, data, len);
	return close(fd) && !rc ? -errno : rc;
}

/* Copy the first `len` bytes. */
static int copy_part(const char *from, const char *to, uint64_t len)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, rc = 0;
	ssize_t n;

	if (in < 0)
		return -errno;
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		rc = -errno;
	while (!rc && len) {
		n = sendfile(out, in, NULL, len < 1 << 24 ? len : 1 << 24);
		if (n < 0)
			rc = -errno;
		if (n <= 0)
			break;
		len -= (uint64_t)n;
		guard_beat();
	}
	if (out >= 0 && close(out) && !rc)
		rc = -errno;
	close(in);
	return rc;
}

/* ---- one stream --------------------------------------------------------- */

/* The last place before `end` where a packet seems to begin; 0 if none. */
static uint64_t packet_before(const uint8_t *data, uint64_t end)
{
	static const uint32_t magics[2] = { STREAM_MAGIC, 0xc11ffcc1u };
	uint64_t at;
	unsigned i;

	if (end < 32)
		return 0;
	for (at = (end - 20) & ~7ull; at > 0; at -= 8) {
		for (i = 0; i < 2; i++)
			if (!memcmp(data + at, &magics[i], 4) &&
			    !memcmp(data + at + 4, data + 4, 16))
				return at;
	}
	return 0;
}

/* Behind the last byte that is not zero, up to a page. */
static uint64_t without_zeros(const uint8_t *data, uint64_t len)
{
	while (len && !data[len - 1])
		len--;
	return (len + 4095) & ~4095ull;
}

/*
 * LTTng's packet: magic 4, uuid 16, stream 4, instance 8, then the times of
 * its begin and end, and at 48 and 56 the sizes of content and packet in
 * bits.  True if the numbers make sense for one that is cut off at `size`.
 */
static bool is_cut_packet(const uint8_t *data, uint64_t at, uint64_t size)
{
	uint64_t content, packet;

	if (size - at < PACKET_HEADER)
		return false;
	memcpy(&content, data + at + PACKET_CONTENT, 8);
	memcpy(&packet, data + at + PACKET_SIZE, 8);
	return packet % 8 == 0 && packet / 8 > size - at &&
	       packet / 8 <= 1u << 30 && content <= packet &&
	       content >= PACKET_HEADER * 8;
}

/* Make the header at `at` say that the packet ends where the file does. */
static int shorten_packet(const char *path, uint64_t at, uint64_t size,
			  const uint8_t *data)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;
	uint64_t bits = (size - at) * 8, content;

	if (fd < 0)
		return -errno;
	memcpy(&content, data + at + PACKET_CONTENT, 8);
	if (content > bits)
		content = bits;
	if (pwrite(fd, &content, 8, (off_t)(at + PACKET_CONTENT)) != 8 ||
	    pwrite(fd, &bits, 8, (off_t)(at + PACKET_SIZE)) != 8)
		rc = -EIO;
	if (close(fd) && !rc)
		rc = -errno;
	return rc;
}

/* Shorten the last packet, or leave it out.  -EBADMSG: neither helps. */
static int mend_stream(const char *dir, const char *from, const char *to,
		       uint64_t size, bool *shortened)
{
	const char *dirs[1] = { dir };
	uint64_t len = size, start;
	int fd, rc = -EBADMSG;
	unsigned tries;
	uint8_t *data;

	fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return -errno;
	start = packet_before(data, size);
	if (is_cut_packet(data, start, size)) {
		rc = copy_part(from, to, size);
		if (!rc)
			rc = shorten_packet(to, start, size, data);
		*shortened = true;
		if (!rc && !graph_opens(dirs, 1))
			rc = -EBADMSG;
	}
	for (tries = 0; tries < TRIES && rc == -EBADMSG; tries++) {
		*shortened = false;
		/* Preallocated space may follow; it costs the first try. */
		start = tries ? packet_before(data, len)
			      : without_zeros(data, size);
		if (!start)
			break;
		if (start >= len)
			continue;
		len = start;
		rc = copy_part(from, to, len);
		if (!rc && !graph_opens(dirs, 1))
			rc = -EBADMSG;
	}
	munmap(data, size);
	return rc;
}

/* ---- all of them -------------------------------------------------------- */

static int add(struct salvage *s, const char *dir, bool shortened)
{
	struct salvaged *grown;

	grown = realloc(s->stream, (s->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->stream = grown;
	grown[s->n].shortened = shortened;
	grown[s->n].dir = strdup(dir);
	return grown[s->n].dir ? (s->n++, 0) : -ENOMEM;
}

/* A directory of its own for one stream and the metadata. */
static int take_stream(struct salvage *s, const char *tmp, const char *meta,
		       const char *from, uint64_t size)
{
	char dir[PATH_CAP], to[PATH_CAP];
	const char *dirs[1] = { dir };
	bool shortened = false;
	int rc;

	snprintf(dir, sizeof(dir), "%s/%u", tmp, s->count.streams++);
	if (mkdir(dir, 0700))
		return -errno;
	rc = join(to, dir, "metadata");
	if (!rc)
		rc = write_file(to, meta, strlen(meta));
	if (!rc)
		rc = join(to, dir, "stream");
	if (!rc && symlink(from, to))
		rc = -errno;
	if (rc)
		return rc;
	if (!graph_opens(dirs, 1)) {
		unlink(to);
		s->count.cut++;
		rc = mend_stream(dir, from, to, size, &shortened);
	}
	if (rc == -EBADMSG) {
		s->count.dropped++;
		return 0;
	}
	return rc ? rc : add(s, dir, shortened);
}

static int take_dir(struct salvage *s, const char *tmp, const char *dir)
{
	char absolute[PATH_CAP], path[PATH_CAP];
	struct dirent *e;
	char *meta = NULL;
	struct stat st;
	bool cut;
	DIR *d;
	int rc;

	/* The links are read from elsewhere. */
	if (!realpath(dir, absolute))
		return -errno;
	rc = trace_metadata_text(absolute, &meta, &cut);
	if (rc == -ENODATA) {
		s->count.no_meta++;
		return 0;
	}
	if (rc)
		return rc;
	s->count.meta_cut += cut;
	d = opendir(absolute);
	if (!d) {
		free(meta);
		return -errno;
	}
	while (!rc && (e = readdir(d))) {
		if (e->d_name[0] == '.' || !strcmp(e->d_name, "metadata"))
			continue;
		if (join(path, absolute, e->d_name) || stat(path, &st) ||
		    !S_ISREG(st.st_mode) || !st.st_size)
			continue;
		rc = take_stream(s, tmp, meta, path, (uint64_t)st.st_size);
	}
	closedir(d);
	free(meta);
	return rc;
}

int salvage_open(const struct trace_dirs *dirs, struct salvage *s,
		 struct why *why)
{
	const char *tmp;
	size_t i;
	int rc;

	memset(s, 0, sizeof(*s));
	rc = guard_tmp(&tmp);
	for (i = 0; !rc && i < dirs->n; i++)
		rc = take_dir(s, tmp, dirs->dir[i].path);
	if (rc)
		return why_set(why, rc,
			       "it is damaged, and a mended copy "
			       "could not be made: %s",
			       strerror(-rc));
	return 0;
}

void salvage_close(struct salvage *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->stream[i].dir);
	free(s->stream);
	memset(s, 0, sizeof(*s));
}

void salvage_explain(const struct salvage *s, struct why *why)
{
	const struct salvage_count *c = &s->count;
	struct text t = { 0 };

	if (c->no_meta)
		text_add(&t, "metadata are empty or end before the first "
			     "declaration; ");
	if (c->meta_cut)
		text_add(&t, "metadata are damaged or end in the middle; ");
	if (c->cut && c->cut == c->dropped && c->meta_cut)
		text_printf(&t,
			    "without them nothing can be told of %u "
			    "stream files; ",
			    c->dropped);
	else if (c->cut && c->cut == c->dropped && c->cut == c->streams)
		text_printf(&t,
			    "the decoder refuses its metadata, or every "
			    "one of its stream files (%u); ",
			    c->streams);
	else if (c->cut)
		text_printf(&t,
			    "%u of %u stream files end%s in the middle of "
			    "a packet; ",
			    c->cut, c->streams, c->cut == 1 ? "s" : "");
	if (c->broken)
		text_printf(&t,
			    "%u of %u stream files hold%s bytes that are "
			    "no events, and w%s left there; ",
			    c->broken, c->streams, c->broken == 1 ? "s" : "",
			    c->broken == 1 ? "as" : "ere");
	if (t.len >= 2)
		t.data[t.len - 2] = '\0';
	why_set(why, 0, "%s", t.len ? text_str(&t) : "the decoder refuses it");
	text_free(&t);
}
