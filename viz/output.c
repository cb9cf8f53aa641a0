/* SPDX-License-Identifier: MIT */
#include "viz/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

/*
 * A file that exists is replaced at once or not at all: a full disk or Ctrl-C
 * leaves what was there.  Pipes and devices are written to as they are.
 */
static int write_file(const char *path, const struct text *t)
{
	char part[4096];
	struct stat st;
	bool direct;
	int fd, rc;

	direct = !stat(path, &st) && !S_ISREG(st.st_mode);
	if ((size_t)snprintf(part, sizeof(part), direct ? "%s" : "%s.%d.part",
			     path, (int)getpid()) >= sizeof(part))
		return -ENAMETOOLONG;
	fd = open(part, O_WRONLY | O_CLOEXEC | (direct ? 0 : O_CREAT | O_EXCL),
		  0666);
	if (fd < 0)
		return -errno;
	rc = io_write_all(fd, t->data, t->len);
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && !direct && rename(part, path))
		rc = -errno;
	if (rc && !direct)
		unlink(part);
	return rc;
}

int output_write(const char *path, const struct text *t, struct why *why)
{
	int rc;

	if (path) {
		rc = write_file(path, t);
		return rc ? why_set(why, -EIO, "cannot write %s: %s", path,
				    strerror(-rc))
			  : 0;
	}
	rc = io_write_all(STDOUT_FILENO, t->data, t->len);
	/* Whoever reads our text may stop in the middle. */
	if (rc && rc != -EPIPE)
		return why_set(why, -EIO, "cannot write to stdout: %s",
			       strerror(-rc));
	return 0;
}
