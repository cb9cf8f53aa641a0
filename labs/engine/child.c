/* SPDX-License-Identifier: MIT */
#include "labs/engine/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "trace/record/apps.h"

/* In the child: descriptors where they belong, and nothing else open. */
static void arrange(const struct child *c)
{
	const int from[3 + CHILD_KEEP] = { c->in, c->out, c->err, c->keep[0],
					   c->keep[1] };
	int high[3 + CHILD_KEEP], i;

	/* Out of the way first, since one may stand where another goes. */
	for (i = 0; i < 3 + (int)CHILD_KEEP; i++)
		high[i] = from[i] >= 0 ? fcntl(from[i], F_DUPFD, 64)
			  : i < 3      ? open("/dev/null", O_RDWR)
				       : -1;
	for (i = 0; i < 3 + (int)CHILD_KEEP; i++) {
		if (high[i] >= 0)
			dup2(high[i], i);
		else
			close(i);
	}
	closefrom(3 + CHILD_KEEP);
}

/* The exit handlers are those of threads that are not in a fork. */
static void leave(int code, void *unused)
{
	(void)unused;
	fflush(NULL);
	_exit(code);
}

static void call(const struct child *c)
{
	int argc = 0;

	record_apps_leave();
	on_exit(leave, NULL);
	while (c->argv[argc])
		argc++;
	exit(c->program(argc, (char **)(uintptr_t)c->argv));
}

static void become(const struct child *c, pid_t parent)
{
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, c->death_signal);
	if (getppid() != parent)
		_exit(127);
	arrange(c);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (c->dir && chdir(c->dir))
		_exit(126);
	for (char *const *e = c->env; e && *e; e++)
		putenv(*e);
	if (c->program)
		call(c);
	execvp(c->argv[0], c->argv);
	_exit(127);
}

int child_start(const struct child *c, pid_t *pid, struct why *why)
{
	pid_t parent = getpid();

	fflush(NULL);
	*pid = fork();
	if (*pid < 0) {
		int err = errno;

		*pid = 0; /* no number that kill(2) would take for many */
		return why_set(why, -err, "%s cannot be started: %s",
			       c->argv[0], strerror(err));
	}
	if (!*pid)
		become(c, parent);
	setpgid(*pid, *pid);
	return 0;
}

bool child_ended(pid_t pid, unsigned ms, int *status)
{
	struct pollfd end = { .events = POLLIN };
	pid_t got;

	while ((got = waitpid(pid, status, WNOHANG)) < 0 && errno == EINTR)
		;
	if (got == pid)
		return true;
	if (got < 0) { /* somebody else took it */
		*status = 0;
		return true;
	}
	if (!ms)
		return false;
	end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (end.fd < 0)
		return false;
	while (poll(&end, 1, (int)ms) < 0 && errno == EINTR)
		;
	close(end.fd);
	return waitpid(pid, status, WNOHANG) == pid;
}

int child_end(pid_t pid, int sig, unsigned ms)
{
	int status = 0;

	if (child_ended(pid, 0, &status))
		return status;
	kill(pid, sig);
	if (!child_ended(pid, ms, &status)) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	/* What it left behind in its group. */
	kill(-pid, SIGKILL);
	return status;
}

/* False at its end. */
static bool pump(int fd, struct text *to)
{
	char room[16384];
	ssize_t n = read(fd, room, sizeof(room));

	if (n < 0 && errno == EINTR)
		return true;
	if (n > 0 && to && to->len < CHILD_TEXT_MAX)
		text_add_bytes(to, room, (size_t)n);
	return n > 0;
}

#define TICK_MS 50

/* Until both pipes are at their ends. */
static int listen_to(const struct child *c, struct pollfd pipes[2],
		     struct text *const to[2], uint64_t until)
{
	while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
		uint64_t now = clock_now_ns();
		int i;

		if (now >= until)
			return -ETIME;
		if (c->tick && !c->tick(c->data))
			return -ECANCELED;
		if (poll(pipes, 2, TICK_MS) < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < 2; i++)
			if (pipes[i].fd >= 0 && pipes[i].revents &&
			    !pump(pipes[i].fd, to[i]))
				pipes[i].fd = -1;
	}
	return 0;
}

int child_run(const struct child *given, unsigned seconds, struct text *out,
	      struct text *err, int *status, struct why *why)
{
	uint64_t until = clock_now_ns() + seconds * 1000000000ull;
	struct text *const to[2] = { out, err };
	struct child c = *given;
	int o[2], e[2], ret;
	pid_t pid;

	if (pipe2(o, O_CLOEXEC))
		return why_set(why, -errno, "no pipe: %s", strerror(errno));
	if (pipe2(e, O_CLOEXEC)) {
		ret = why_set(why, -errno, "no pipe: %s", strerror(errno));
		close(o[0]);
		close(o[1]);
		return ret;
	}
	c.out = o[1];
	c.err = e[1];
	ret = child_start(&c, &pid, why);
	close(o[1]);
	close(e[1]);
	if (!ret) {
		struct pollfd pipes[2] = { { .fd = o[0], .events = POLLIN },
					   { .fd = e[0], .events = POLLIN } };

		ret = listen_to(&c, pipes, to, until);
		/* Its pipes are closed: it is about to end. */
		if (ret || !child_ended(pid, 2000, status))
			*status = child_end(pid, SIGKILL, 1000);
	}
	close(o[0]);
	close(e[0]);
	return ret;
}

void child_file_read(const char *path, struct text *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	while (pump(fd, out))
		if (out->len >= CHILD_TEXT_MAX)
			break;
	close(fd);
}
