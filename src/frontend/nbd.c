/* SPDX-License-Identifier: MIT */
/*
 * One socket pair joins us with the plugin in nbdkit.  It tells "ready" or
 * why it failed; we ask it to close the disk, and close our end when we have
 * no patience left; and its end closes with nbdkit, which is how we learn of
 * that.
 *
 * The disk is closed before nbdkit takes leave of its clients: Debian 12's
 * nbdkit (1.32.5) aborts when a client hangs up with several operations in
 * flight, and clients do that once an operation fails.  For the same reason
 * Ctrl-C must not reach it directly: it has a process group of its own.  That
 * nbdkit may also hang in exit(), where a library waits for a lock of the C
 * library that an ended thread has taken with it.
 */
#include "frontend/nbd.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "frontend/bridge.h"

#define PLUGIN_NAME "nbdkit-ringside-plugin.so"

/*
 * When it is to end, operations in flight may end.  If the backend does not
 * answer them we give them up after PATIENCE, and nbdkit itself, which then
 * has nothing to wait for, after KILL.
 */
#define PATIENCE_NS 2000000000u
#define KILL_NS	    8000000000u

struct nbd_server {
	const struct front_nbd_options *opt;
	char plugin[PATH_MAX];
	char uri[PATH_MAX * 3 + 32];
	pid_t pid;	/* 0 when there is none */
	int status_fd;	/* our end, -1 once closed */
	char line[600]; /* what it said, as far as it came */
	size_t line_len;
	bool ready;
	bool closed; /* the disk, in order */
	bool failed; /* it said why */
	struct why told;
	uint64_t asked_ns; /* since when it is to end; 0: not yet */
};

/* ---- before ---------------------------------------------------------------
 */

static int find_plugin(struct nbd_server *s, struct why *why)
{
	static const char *const places[] = { "", "../lib/ringside/",
					      "../lib/" };
	char self[PATH_MAX / 2];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	unsigned i;

	if (len < 0)
		return why_set(why, -errno, "cannot tell where I am: %s",
			       strerror(errno));
	self[len] = '\0';
	*(strrchr(self, '/') + 1) = '\0';
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(s->plugin, sizeof(s->plugin), "%s%s%s", self,
			 places[i], PLUGIN_NAME);
		if (access(s->plugin, R_OK) == 0)
			return 0;
	}
	return why_set(why, -ENOENT,
		       "%s is neither in %s nor in ../lib/ringside/ beside "
		       "it: build or install Ringside as a whole",
		       PLUGIN_NAME, self);
}

/*
 * Take leave of a server that we only knocked at, as its protocol has it: one
 * that is hung up on complains.  Whatever goes wrong here does not matter.
 */
static void knock_end(int fd)
{
	/* Client flags; then "IHAVEOPT", NBD_OPT_ABORT (2), no data. */
	static const char leave[] = "\0\0\0\1"
				    "IHAVEOPT"
				    "\0\0\0\2"
				    "\0\0\0";
	const struct timeval second = { .tv_sec = 1 };
	char greeting[18];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	if (recv(fd, greeting, sizeof(greeting), MSG_WAITALL) !=
	    sizeof(greeting))
		return;
	if (send(fd, leave, sizeof(leave), MSG_NOSIGNAL) == sizeof(leave))
		while (recv(fd, greeting, sizeof(greeting), 0) > 0)
			;
}

/* A socket that nobody listens on is left over from a killed server. */
static int clear_socket(const struct sockaddr_un *addr, struct why *why)
{
	struct stat st;
	int fd, err = 0;

	if (lstat(addr->sun_path, &st))
		return errno == ENOENT
			       ? 0
			       : why_set(why, -EINVAL, "--nbd %s: %s",
					 addr->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return why_set(why, -EINVAL,
			       "--nbd %s: there is something else of that "
			       "name, which I will not replace",
			       addr->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return why_set(why, -errno, "cannot make a socket: %s",
			       strerror(errno));
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0) {
		knock_end(fd);
		err = why_set(why, -EADDRINUSE,
			      "--nbd %s: another server listens there",
			      addr->sun_path);
	} else if (errno == ECONNREFUSED) {
		unlink(addr->sun_path);
	}
	close(fd);
	return err;
}

/* RFC 3986 lets these stand for themselves in a query. */
static void uri_write(char *uri, size_t size, const char *path)
{
	size_t n = (size_t)snprintf(uri, size, "nbd+unix:///?socket=");

	for (; *path && n + 4 < size; path++) {
		if (isalnum((unsigned char)*path) || strchr("/-._~", *path))
			uri[n++] = *path;
		else
			n += (size_t)snprintf(uri + n, size - n, "%%%02X",
					      (unsigned char)*path);
	}
	uri[n] = '\0';
}

static int check_socket(struct nbd_server *s, struct why *why)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = s->opt->socket;
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX], full[PATH_MAX + sizeof(addr.sun_path)];

	if (!*path || strlen(path) >= sizeof(addr.sun_path))
		return why_set(why, -ENAMETOOLONG,
			       "--nbd: a socket's name has 1 to %zu bytes, "
			       "this one has %zu; a relative name may do",
			       sizeof(addr.sun_path) - 1, strlen(path));
	strcpy(addr.sun_path, path);
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path + 1) : 1,
		 slash ? path : ".");
	if (!realpath(dir, full))
		return why_set(why, -EINVAL, "--nbd %s: %s: %s", path, dir,
			       strerror(errno));
	if (access(full, W_OK))
		return why_set(why, -EINVAL,
			       "--nbd %s: no socket can be made in %s: %s",
			       path, full, strerror(errno));
	if (strcmp(full, "/") != 0)
		strcat(full, "/");
	strncat(full, slash ? slash + 1 : path, sizeof(addr.sun_path));
	uri_write(s->uri, sizeof(s->uri), full);
	return clear_socket(&addr, why);
}

/* ---- the child ------------------------------------------------------------
 */

static int spawn_nbdkit(struct nbd_server *s, int their_fd, struct why *why)
{
	const struct front_nbd_options *o = s->opt;
	const struct front_transport *t = &o->transport;
	char desk[PATH_MAX + 8], vdev[48], domid[24], timeout[32], fd[32];
	char order[32], indirect[40], persistent[32], abi[32];
	char units[24];
	char *argv[] = { "nbdkit",
			 "--foreground",
			 "--exit-with-parent",
			 "--threads",
			 "32",
			 "--unix",
			 (char *)(uintptr_t)o->socket,
			 "--filter=blocksize",
			 s->plugin,
			 desk,
			 domid,
			 vdev,
			 timeout,
			 order,
			 indirect,
			 persistent,
			 abi,
			 units,
			 fd,
			 NULL };
	posix_spawnattr_t attr;
	sigset_t none;
	int err;

	snprintf(desk, sizeof(desk), "desk=%s", o->dir);
	snprintf(domid, sizeof(domid), "domid=%u", o->domid);
	snprintf(vdev, sizeof(vdev), "vdev=%s", o->vdev);
	snprintf(timeout, sizeof(timeout), "timeout=%u", o->timeout_s);
	snprintf(order, sizeof(order), "ring-order=%u", t->ring_order);
	snprintf(indirect, sizeof(indirect), "indirect%s=%u",
		 t->indirect_must ? "" : "-max", t->indirect);
	snprintf(persistent, sizeof(persistent), "persistent=%d",
		 t->persistent);
	snprintf(abi, sizeof(abi), "abi=%s", front_abi_name(t->abi));
	snprintf(units, sizeof(units), "sector-units=%d", t->sector_units);
	snprintf(fd, sizeof(fd), "status-fd=%d", their_fd);

	/* Our signals are blocked for the signalfd; nbdkit wants its own. */
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETPGROUP);
	err = posix_spawnp(&s->pid, "nbdkit", NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	if (!err)
		return 0;
	s->pid = 0;
	if (err == ENOENT)
		return why_set(why, -ENOENT,
			       "nbdkit is not installed: `apt install nbdkit` "
			       "brings it");
	return why_set(why, -err, "cannot run nbdkit: %s", strerror(err));
}

static int server_start(struct nbd_server *s, struct why *why)
{
	int pair[2];
	int err;

	/* Ours closes in the child; theirs goes with it. */
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return why_set(why, -errno, "cannot make a socket pair: %s",
			       strerror(errno));
	fcntl(pair[0], F_SETFD, FD_CLOEXEC);
	s->status_fd = pair[0];
	err = spawn_nbdkit(s, pair[1], why);
	close(pair[1]);
	return err;
}

/* A whole line of the plugin. */
static void server_told(struct nbd_server *s)
{
	if (s->line[0] == 'E' && !s->failed) {
		s->failed = true;
		why_set(&s->told, -EIO, "%s", s->line + 1);
		/* It is about to end by itself, but not to be waited for. */
		s->asked_ns = s->asked_ns ? s->asked_ns : clock_now_ns();
	} else if (s->line[0] == 'C') {
		s->closed = true;
	} else if (s->line[0] == 'R' && !s->ready) {
		s->ready = true;
		s->opt->ready(s->uri);
	}
}

/* False at the end: nbdkit is gone. */
static bool server_read(struct nbd_server *s)
{
	char c;
	ssize_t n = 0;

	/* Few lines of few bytes in a server's life. */
	while ((n = recv(s->status_fd, &c, 1, MSG_DONTWAIT)) == 1) {
		if (c != '\n' && s->line_len < sizeof(s->line) - 1) {
			s->line[s->line_len++] = c;
			continue;
		}
		s->line[s->line_len] = '\0';
		s->line_len = 0;
		server_told(s);
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void server_ask(struct nbd_server *s)
{
	static const char quit = FRONT_BRIDGE_QUIT;
	struct signalfd_siginfo info;

	if (read(s->opt->signal_fd, &info, sizeof(info)) < 0)
		return;
	if (s->asked_ns || !s->ready) {
		/* The second time, or nothing to lose yet: at once. */
		kill(s->pid, SIGTERM);
		shutdown(s->status_fd, SHUT_WR);
		s->asked_ns = s->asked_ns ? s->asked_ns : clock_now_ns();
		return;
	}
	/* Where nobody listens any more, its end is near. */
	(void)!send(s->status_fd, &quit, 1, MSG_NOSIGNAL);
	s->asked_ns = clock_now_ns();
}

static void server_run(struct nbd_server *s)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = s->status_fd, .events = POLLIN },
			{ .fd = s->opt->signal_fd, .events = POLLIN },
		};
		uint64_t waited_ns;

		if (poll(fds, 2, s->asked_ns ? 200 : -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents && !server_read(s))
			return;
		if (fds[1].revents)
			server_ask(s);
		if (!s->asked_ns)
			continue;
		waited_ns = clock_now_ns() - s->asked_ns;
		if (waited_ns >= PATIENCE_NS)
			shutdown(s->status_fd, SHUT_WR);
		if (waited_ns >= KILL_NS)
			kill(s->pid, SIGKILL);
	}
}

int front_nbd_serve(const struct front_nbd_options *opt, struct why *why)
{
	struct nbd_server *s = calloc(1, sizeof(*s));
	int status = 0;
	int err;

	if (!s)
		return why_set(why, -ENOMEM, "out of memory");
	s->opt = opt;
	s->status_fd = -1;
	err = find_plugin(s, why);
	if (!err)
		err = check_socket(s, why);
	if (!err)
		err = server_start(s, why);
	if (err)
		goto out;

	server_run(s);
	waitpid(s->pid, &status, 0);
	unlink(opt->socket);
	if (s->failed)
		err = why_set(why, -EIO, "%s", s->told.text);
	else if (s->closed && WIFSIGNALED(status) &&
		 (WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGKILL))
		err = 0; /* as above, and all that was to be done is done */
	else if (s->asked_ns && WIFSIGNALED(status) &&
		 WTERMSIG(status) == SIGKILL)
		err = why_set(why, -EIO,
			      "nbdkit did not end when asked to, and was "
			      "killed");
	else if (WIFSIGNALED(status))
		err = why_set(why, -EIO,
			      "nbdkit was killed by signal %d (%s)%s",
			      WTERMSIG(status), strsignal(WTERMSIG(status)),
			      WTERMSIG(status) == SIGABRT
				      ? "; some versions do that when a client "
					"hangs up with operations in flight"
				      : "");
	else if (!s->asked_ns || WEXITSTATUS(status))
		err = why_set(why, -EIO,
			      "nbdkit ended by itself with status "
			      "%d; what it wrote above says why",
			      WEXITSTATUS(status));
out:
	if (s->status_fd >= 0)
		close(s->status_fd);
	free(s);
	return err;
}
