/* SPDX-License-Identifier: MIT */
#include "labs/engine/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"

extern char **environ;

char *file_text(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	return len < 0 ? NULL : text;
}

bool file_is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

bool file_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- one file ------------------------------------------------------------ */

static int refuse(struct why *why, int err, const char *path, const char *what)
{
	return why_set(why, -err, "%s cannot be %s: %s", path, what,
		       strerror(err));
}

static int read_all(int fd, char *to, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = read(fd, to + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	to[got] = '\0';
	return strlen(to) == got ? 0 : -EINVAL;
}

int file_read(const char *path, char **out, struct why *why)
{
	/* A pipe in its place shall not make us wait. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;
	struct stat st;
	char *text;

	if (fd < 0)
		return refuse(why, errno, path, "read");
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return why_set(why, -EINVAL, "%s is no regular file", path);
	}
	if (st.st_size > (off_t)FILE_MAX_BYTES) {
		close(fd);
		return why_set(why, -EFBIG,
			       "%s has %lld bytes; %u are the most", path,
			       (long long)st.st_size, FILE_MAX_BYTES);
	}
	text = malloc((size_t)st.st_size + 1);
	err = text ? read_all(fd, text, (size_t)st.st_size) : -ENOMEM;
	close(fd);
	if (err) {
		free(text);
		if (err == -EINVAL)
			return why_set(why, err,
				       "%s is no text: there is a zero byte "
				       "in it",
				       path);
		return refuse(why, -err, path, "read");
	}
	*out = text;
	return 0;
}

int file_write(const char *path, const char *text, struct why *why)
{
	char *beside = file_text("%s.new", path);
	struct stat st;
	int fd, err;

	if (!beside)
		return refuse(why, ENOMEM, path, "written");
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	err = fd < 0 ? -errno : io_write_all(fd, text, strlen(text));
	/* What was there keeps its mode. */
	if (!err && stat(path, &st) == 0 && fchmod(fd, st.st_mode & 07777))
		err = -errno;
	if (!err && fsync(fd))
		err = -errno;
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (!err && rename(beside, path))
		err = -errno;
	if (err && fd >= 0)
		unlink(beside);
	free(beside);
	return err ? refuse(why, -err, path, "written") : 0;
}

static int copy_data(int from, int to)
{
	char piece[65536];
	ssize_t n;
	int err;

	for (;;) {
		n = read(from, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		err = io_write_all(to, piece, (size_t)n);
		if (err)
			return err;
	}
}

int file_copy(const char *from, const char *to, struct why *why)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK), out, err;
	struct stat st;

	if (in < 0 || fstat(in, &st)) {
		err = errno;
		if (in >= 0)
			close(in);
		return refuse(why, err, from, "read");
	}
	if (!S_ISREG(st.st_mode)) {
		close(in);
		return why_set(why, -EINVAL, "%s is no regular file", from);
	}
	unlink(to);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		   st.st_mode & 0777);
	err = out < 0 ? -errno : copy_data(in, out);
	if (out >= 0 && close(out) && !err)
		err = -errno;
	close(in);
	return err ? refuse(why, -err, to, "written") : 0;
}

/* ---- folders ---------------------------------------------------------------
 */

int file_mkdirs(const char *path, struct why *why)
{
	char *dir = strdup(path), *slash;
	int err = dir ? 0 : -ENOMEM;

	for (slash = dir; !err && slash; *slash = '/') {
		/* The end of the name as far as it is made now. */
		slash += strspn(slash, "/");
		slash = strchr(slash, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(dir, 0777) && (errno != EEXIST || !file_is_dir(dir)))
			err = errno == EEXIST ? -ENOTDIR : -errno;
		if (!slash)
			break;
	}
	free(dir);
	return err ? refuse(why, -err, path, "made") : 0;
}

int file_names(const char *dir, char ***out, struct why *why)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, NULL, alphasort), i;
	size_t bytes = 0, at;
	unsigned names = 0;
	char **block, *text;

	if (n < 0)
		return refuse(why, errno, dir, "read");
	for (i = 0; i < n; i++)
		if (list[i]->d_name[0] != '.') {
			bytes += strlen(list[i]->d_name) + 1;
			names++;
		}
	at = (names + 1) * sizeof(*block);
	block = malloc(at + bytes);
	if (block) {
		text = (char *)block + at;
		names = 0;
		for (i = 0; i < n; i++) {
			if (list[i]->d_name[0] == '.')
				continue;
			block[names++] = text;
			text = stpcpy(text, list[i]->d_name) + 1;
		}
		block[names] = NULL;
	}
	for (i = 0; i < n; i++)
		free(list[i]);
	free(list);
	if (!block)
		return refuse(why, ENOMEM, dir, "read");
	*out = block;
	return 0;
}

int file_tree_copy(const char *from, const char *to, struct why *why)
{
	char **names, *a, *b;
	int err, i;

	err = file_mkdirs(to, why);
	if (err)
		return err;
	err = file_names(from, &names, why);
	if (err)
		return err;
	for (i = 0; !err && names[i]; i++) {
		a = file_text("%s/%s", from, names[i]);
		b = file_text("%s/%s", to, names[i]);
		if (!a || !b)
			err = refuse(why, ENOMEM, from, "copied");
		else if (file_is_dir(a))
			err = file_tree_copy(a, b, why);
		else
			err = file_copy(a, b, why);
		free(a);
		free(b);
	}
	free(names);
	return err;
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	remove(path);
	return 0;
}

void file_tree_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int file_scratch(const char *what, char **out, struct why *why)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = file_text("%s/ringside-%s-XXXXXX",
			      tmp && tmp[0] ? tmp : "/tmp", what);
	int err;

	if (!dir)
		return refuse(why, ENOMEM, "a directory", "made");
	if (!mkdtemp(dir)) {
		err = refuse(why, errno, dir, "made");
		free(dir);
		return err;
	}
	*out = dir;
	return 0;
}

/* ---- programs
 * ---------------------------------------------------------------- */

int file_spawn(char *const argv[], const char *dir, const char *out,
	       const char *err, pid_t *pid)
{
	const int flags = O_WRONLY | O_CREAT | O_APPEND;
	posix_spawn_file_actions_t files;
	int failed;

	if (posix_spawn_file_actions_init(&files))
		return -ENOMEM;
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, out ? out : "/dev/null",
					 flags, 0666);
	posix_spawn_file_actions_addopen(&files, 2, err ? err : "/dev/null",
					 flags, 0666);
	if (dir)
		posix_spawn_file_actions_addchdir_np(&files, dir);
	failed = posix_spawnp(pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	return -failed;
}

int file_run(char *const argv[], const char *dir, const char *out,
	     const char *err)
{
	int status, failed;
	pid_t pid;

	failed = file_spawn(argv, dir, out, err, &pid);
	if (failed)
		return failed == -ENOENT || failed == -EACCES ? 127 : failed;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void file_first_line(const char *path, struct why *to)
{
	FILE *f = fopen(path, "re");
	char line[sizeof(to->text)] = "";

	if (f && fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = '\0';
	if (f)
		fclose(f);
	why_set(to, 0, "%s", line);
}
