/* SPDX-License-Identifier: MIT */
#include "host/images.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/files.h"

/* ---- the cache ---------------------------------------------------------- */

static int cache_dir(const char *given, char *out, size_t room, struct why *why)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	if (given) {
		n = snprintf(out, room, "%s", given);
	} else if (xdg && *xdg == '/') {
		n = snprintf(out, room, "%s/ringside", xdg);
		mkdir(xdg, 0700);
	} else {
		n = snprintf(out, room, "%s/.cache", home ? home : "/root");
		mkdir(out, 0700);
		n = snprintf(out, room, "%s/.cache/ringside",
			     home ? home : "/root");
	}
	if (n < 0 || (size_t)n >= room)
		return why_set(why, -ENAMETOOLONG,
			       "the name of the cache directory is too long");
	if (mkdir(out, 0755) && errno != EEXIST)
		return why_set(why, -errno, "directory %s cannot be made: %s",
			       out, strerror(errno));
	return 0;
}

/* Made by this very script? */
static bool is_current(const char *dir)
{
	size_t len = strlen(host_file_build);
	char path[512], *text;
	bool same = false;
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "%s/build", dir);
	f = fopen(path, "re");
	if (!f)
		return false;
	text = malloc(len + 1);
	if (text && !fstat(fileno(f), &st) && st.st_size == (off_t)len)
		same = fread(text, 1, len, f) == len &&
		       !memcmp(text, host_file_build, len);
	free(text);
	fclose(f);
	return same;
}

static int script_write(const char *path, struct why *why)
{
	FILE *f = fopen(path, "we");
	int err = 0;

	if (!f)
		return why_set(why, -errno, "cannot write %s: %s", path,
			       strerror(errno));
	if (fputs(host_file_build, f) < 0)
		err = -EIO;
	if (fclose(f))
		err = -errno;
	return err ? why_set(why, err, "cannot write %s: %s", path,
			     strerror(-err))
		   : 0;
}

static bool in_path(const char *program)
{
	const char *dir = getenv("PATH"), *end;
	char file[512];

	for (; dir; dir = *end ? end + 1 : NULL) {
		end = dir + strcspn(dir, ":");
		snprintf(file, sizeof(file), "%.*s/%s", (int)(end - dir), dir,
			 program);
		if (!access(file, X_OK))
			return true;
	}
	return false;
}

static void remove_tree(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", dir, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* ---- building ----------------------------------------------------------- */

/* How long the script may take to tidy up after it was told to stop. */
#define STOP_S 20

struct build {
	char dir[480]; /* DIR.part */
	FILE *log;
	bool tty;
	uint64_t since_ns;
	char doing[64];
	char error[200]; /* the first line that looks like a reason */
};

static void progress(const struct build *b, bool changed)
{
	unsigned s = (unsigned)((clock_now_ns() - b->since_ns) / 1000000000u);

	if (b->tty)
		fprintf(stderr, "\r\033[Kringside host: %s (%u:%02u)", b->doing,
			s / 60, s % 60);
	else if (changed)
		fprintf(stderr, "ringside host: %s (%u:%02u)\n", b->doing,
			s / 60, s % 60);
}

static bool is_reason(const char *line)
{
	static const char *const signs[] = { ": E: ",
					     "denied",
					     "No space",
					     "Could not resolve",
					     "failure resolving",
					     "Could not connect",
					     "command not found" };
	unsigned i;

	if (!strncmp(line, "E: ", 3))
		return true;
	for (i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (strstr(line, signs[i]))
			return true;
	return false;
}

static void line_take(struct build *b, const char *line)
{
	bool says = !strncmp(line, "== ", 3) || !strncmp(line, "I: ", 3);

	fprintf(b->log, "%s\n", line);
	if (!*b->error && is_reason(line))
		snprintf(b->error, sizeof(b->error), "%.190s",
			 line + strspn(line, " "));
	if (!says)
		return;
	snprintf(b->doing, sizeof(b->doing), "%.60s", line + 3);
	progress(b, true);
}

static void lines_take(struct build *b, char *data, size_t *have)
{
	char *end, *line = data;

	while ((end = memchr(line, '\n', *have - (size_t)(line - data)))) {
		*end = '\0';
		line_take(b, line);
		line = end + 1;
	}
	*have -= (size_t)(line - data);
	memmove(data, line, *have);
}

/*
 * A signal came.  The first ends the script, which tidies up; it gets some
 * time for that, or until the second.  True: it is waited for no longer.
 */
static bool build_stop(pid_t pid, int signal_fd, uint64_t *until_ns)
{
	struct signalfd_siginfo info;
	bool again = read(signal_fd, &info, sizeof(info)) == sizeof(info);

	if (again && !*until_ns) {
		*until_ns = clock_now_ns() + STOP_S * UINT64_C(1000000000);
		kill(-pid, SIGTERM);
		return false;
	}
	if (!again && clock_now_ns() < *until_ns)
		return false;
	kill(-pid, SIGKILL);
	return true;
}

/* Its wait status, or -EINTR.  The signals in `set` are blocked. */
static int build_wait(struct build *b, pid_t pid, int fd, const sigset_t *set)
{
	int status, signal_fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	char data[4096];
	size_t have = 0;
	uint64_t until_ns = 0; /* once it was told to stop */

	for (;;) {
		struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
				       { .fd = signal_fd, .events = POLLIN } };
		ssize_t n;

		if (poll(p, 2, 1000) == 0)
			progress(b, false);
		if ((p[1].revents || until_ns) &&
		    build_stop(pid, signal_fd, &until_ns))
			break;
		if (!p[0].revents)
			continue;
		if (have == sizeof(data) - 1)
			have = 0;
		n = read(fd, data + have, sizeof(data) - 1 - have);
		if (n <= 0)
			break;
		have += (size_t)n;
		lines_take(b, data, &have);
	}
	waitpid(pid, &status, 0);
	if (signal_fd >= 0)
		close(signal_fd);
	data[have] = '\0';
	if (have)
		line_take(b, data);
	if (b->tty)
		fputs("\r\033[K", stderr);
	return until_ns ? -EINTR : status;
}

static int build_run(struct build *b, const char *log, int lock,
		     const sigset_t *set, struct why *why)
{
	char script[512];
	int pipe_fd[2], status, err;
	pid_t pid;

	snprintf(script, sizeof(script), "%s/build", b->dir);
	if (pipe2(pipe_fd, O_CLOEXEC))
		return why_set(why, -errno, "no pipe: %s", strerror(errno));
	pid = fork();
	err = -errno;
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		sigset_t none;

		/* In the background, where no terminal must be read. */
		setpgid(0, 0);
		dup2(null, 0);
		/* Held until the last of it is gone, also if we are not. */
		fcntl(lock, F_SETFD, 0);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		dup2(pipe_fd[1], 1);
		dup2(pipe_fd[1], 2);
		execlp("bash", "bash", script, b->dir, (char *)NULL);
		_exit(127);
	}
	close(pipe_fd[1]);
	if (pid < 0) {
		close(pipe_fd[0]);
		return why_set(why, err, "no process can be started: %s",
			       strerror(-err));
	}
	setpgid(pid, pid);
	status = build_wait(b, pid, pipe_fd[0], set);
	close(pipe_fd[0]);
	if (status == -EINTR)
		return why_set(why, -EINTR, "interrupted; nothing was kept");
	if (status)
		return why_set(why, -EIO,
			       "the host's images could not be made%s%s; %s "
			       "tells all",
			       *b->error ? ": " : "", b->error, log);
	return 0;
}

static int build(const char *dir, const char *log, int lock, struct why *why)
{
	struct build b = { .tty = isatty(STDERR_FILENO),
			   .since_ns = clock_now_ns() };
	char script[512];
	sigset_t set, old;
	int err;

	if ((size_t)snprintf(b.dir, sizeof(b.dir), "%s.part", dir) >=
	    sizeof(b.dir))
		return why_set(why, -ENAMETOOLONG, "%s is too long a name",
			       dir);
	if (!in_path("mmdebstrap"))
		return why_set(why, -ENOENT,
			       "there is no mmdebstrap, which makes the host's "
			       "images: install the package mmdebstrap");
	remove_tree(b.dir);
	if (mkdir(b.dir, 0755))
		return why_set(why, -errno, "directory %s cannot be made: %s",
			       b.dir, strerror(errno));
	b.log = fopen(log, "we");
	if (!b.log) {
		rmdir(b.dir);
		return why_set(why, -errno, "cannot write %s: %s", log,
			       strerror(errno));
	}
	snprintf(script, sizeof(script), "%s/build", b.dir);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, &old);
	fprintf(stderr, "ringside host: making the images of a Xen host of "
			"Debian packages, once; this takes some minutes\n");
	err = script_write(script, why);
	if (!err)
		err = build_run(&b, log, lock, &set, why);
	if (!err) {
		remove_tree(dir);
		if (rename(b.dir, dir))
			err = why_set(why, -errno, "cannot rename %s: %s",
				      b.dir, strerror(errno));
	}
	if (err)
		remove_tree(b.dir);
	sigprocmask(SIG_SETMASK, &old, NULL);
	fclose(b.log);
	return err;
}

int images_get(const char *cache, struct images *out, struct why *why)
{
	char dir[400], path[480];
	int lock, err;

	err = cache_dir(cache, dir, sizeof(dir), why);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/host.lock", dir);
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (lock < 0)
		return why_set(why, -errno, "cannot write in %s: %s", dir,
			       strerror(errno));
	/* Two at once would make the same images. */
	if (flock(lock, LOCK_EX | LOCK_NB)) {
		fprintf(stderr, "ringside host: another process makes the "
				"images; waiting for it\n");
		if (flock(lock, LOCK_EX)) {
			close(lock);
			return why_set(why, -EINTR, "interrupted");
		}
	}
	snprintf(out->dir, sizeof(out->dir), "%s/host", dir);
	snprintf(path, sizeof(path), "%s/host.log", dir);
	if (!is_current(out->dir))
		err = build(out->dir, path, lock, why);
	close(lock);
	return err;
}
