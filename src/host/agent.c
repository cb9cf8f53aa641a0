/* SPDX-License-Identifier: MIT */
#include "host/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/wire.h"

#define ARGS_MAX 256u

struct agent {
	int port;
	struct wire_reader in;

	/* The command, while there is one. */
	pid_t pid; /* 0: none */
	int pid_fd;
	int in_fd; /* its stdin, or -1 */
	int out_fd, err_fd;
	bool terminal;
};

static void nap_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void forget(struct agent *a)
{
	/* Of a terminal, all three are one. */
	if (a->terminal)
		a->in_fd = a->err_fd = -1;
	close_fd(&a->in_fd);
	close_fd(&a->out_fd);
	close_fd(&a->err_fd);
	close_fd(&a->pid_fd);
	a->pid = 0;
}

/* Nobody waits for it any more. */
static void end(struct agent *a)
{
	struct pollfd gone = { .fd = a->pid_fd, .events = POLLIN };

	if (!a->pid)
		return;
	kill(-a->pid, SIGTERM);
	if (a->terminal)
		kill(-a->pid, SIGHUP);
	if (poll(&gone, 1, 3000) == 0)
		kill(-a->pid, SIGKILL);
	waitpid(a->pid, NULL, 0);
	forget(a);
}

/* ---- starting ------------------------------------------------------------ */

static void refuse(struct agent *a, const char *what, int err)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(err));
	wire_send(a->port, WIRE_REFUSED, text, strlen(text));
}

/* argv out of "word\0word\0"; false if it is no such thing. */
static bool words(const char *p, size_t len, char **argv)
{
	unsigned n = 0;

	if (!len || p[len - 1])
		return false;
	while (len) {
		size_t word = strlen(p) + 1;

		if (n == ARGS_MAX)
			return false;
		argv[n++] = (char *)(uintptr_t)p;
		p += word;
		len -= word;
	}
	argv[n] = NULL;
	return true;
}

/* In the child. */
static _Noreturn void become(char **argv)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	closefrom(3);
	if (chdir("/root"))
		_exit(127);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static int start_on_terminal(struct agent *a, const struct wire_start *s,
			     char **argv)
{
	struct winsize size = { .ws_row = s->window.rows,
				.ws_col = s->window.columns };

	a->pid = forkpty(&a->out_fd, NULL, NULL, &size);
	if (a->pid == 0)
		become(argv);
	if (a->pid < 0)
		return -errno;
	a->in_fd = a->err_fd = a->out_fd;
	return 0;
}

static int start_on_pipes(struct agent *a, char **argv)
{
	int p[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	int i, err = 0;

	for (i = 0; i < 3 && !err; i++)
		if (pipe2(p[i], O_CLOEXEC))
			err = -errno;
	if (!err)
		a->pid = fork();
	if (!err && a->pid < 0)
		err = -errno;
	if (!err && a->pid == 0) {
		setsid();
		dup2(p[0][0], 0);
		dup2(p[1][1], 1);
		dup2(p[2][1], 2);
		become(argv);
	}
	close_fd(&p[0][0]);
	close_fd(&p[1][1]);
	close_fd(&p[2][1]);
	a->in_fd = p[0][1];
	a->out_fd = p[1][0];
	a->err_fd = p[2][0];
	return err;
}

static void start(struct agent *a, const uint8_t *payload, size_t len)
{
	char *argv[ARGS_MAX + 1];
	struct wire_start s;
	int err;

	if (len < sizeof(s) || a->pid)
		return;
	memcpy(&s, payload, sizeof(s));
	if (!words((const char *)payload + sizeof(s), len - sizeof(s), argv)) {
		refuse(a, "the command is no list of words", EINVAL);
		return;
	}
	a->terminal = s.terminal;
	err = s.terminal ? start_on_terminal(a, &s, argv)
			 : start_on_pipes(a, argv);
	if (!err) {
		a->pid_fd = pidfd_open(a->pid, 0);
		fcntl(a->in_fd, F_SETFL, O_NONBLOCK);
		fcntl(a->out_fd, F_SETFL, O_NONBLOCK);
		fcntl(a->err_fd, F_SETFL, O_NONBLOCK);
		return;
	}
	a->pid = 0;
	forget(a);
	refuse(a, "no process can be started", -err);
}

/* ---- while it runs ----------------------------------------------------------
 */

/* False at the end of what it writes. */
static bool output(struct agent *a, int fd, enum wire_type type)
{
	uint8_t data[WIRE_MAX];
	ssize_t n = read(fd, data, sizeof(data));

	if (n > 0)
		return !wire_send(a->port, type, data, (size_t)n);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void drain(struct agent *a, int fd, enum wire_type type)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (fd >= 0 && poll(&p, 1, 0) > 0 && p.revents & POLLIN)
		if (!output(a, fd, type))
			break;
}

/* It ended: what it wrote comes first.  Its children may live on. */
static void ended(struct agent *a)
{
	uint8_t code;
	int status;

	waitpid(a->pid, &status, 0);
	drain(a, a->out_fd, WIRE_STDOUT);
	if (!a->terminal)
		drain(a, a->err_fd, WIRE_STDERR);
	forget(a);
	code = (uint8_t)(WIFEXITED(status) ? WEXITSTATUS(status)
					   : 128 + WTERMSIG(status));
	wire_send(a->port, WIRE_EXIT, &code, 1);
}

/* False if the frame must wait: the command takes no more at the moment. */
static bool input(struct agent *a, const uint8_t *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (a->in_fd >= 0 && done < len) {
		n = write(a->in_fd, data + done, len - done);
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			if (!a->terminal)
				close_fd(&a->in_fd);
			return true;
		}
		break;
	}
	if (a->in_fd < 0 || done == len)
		return true;
	/* What is left becomes a shorter frame in its place. */
	a->in.data[1] = (uint8_t)(len - done);
	a->in.data[2] = (uint8_t)((len - done) >> 8);
	memmove(a->in.data + WIRE_HEAD, a->in.data + WIRE_HEAD + done,
		a->in.have - WIRE_HEAD - done);
	a->in.have -= done;
	return false;
}

static bool frame(struct agent *a, enum wire_type type, const uint8_t *p,
		  size_t len)
{
	struct wire_window w;
	struct winsize size = { 0 };

	switch (type) {
	case WIRE_HELLO:
		end(a);
		wire_send(a->port, WIRE_READY, p, len);
		return true;
	case WIRE_START:
		start(a, p, len);
		return true;
	case WIRE_STDIN:
		return input(a, p, len);
	case WIRE_STDIN_END:
		if (!a->terminal)
			close_fd(&a->in_fd);
		return true;
	case WIRE_SIGNAL:
		if (a->pid && len == 1)
			kill(-a->pid, p[0]);
		return true;
	case WIRE_WINDOW:
		if (a->pid && a->terminal && len == sizeof(w)) {
			memcpy(&w, p, sizeof(w));
			size.ws_row = w.rows;
			size.ws_col = w.columns;
			ioctl(a->out_fd, TIOCSWINSZ, &size);
		}
		return true;
	default:
		return true;
	}
}

/* False if a frame has to wait until the command takes input again. */
static bool frames(struct agent *a)
{
	enum wire_type type;
	const uint8_t *p;
	size_t len;
	int got;

	while ((got = wire_peek(&a->in, &type, &p, &len)) > 0) {
		if (!frame(a, type, p, len))
			return false;
		wire_drop(&a->in);
	}
	if (got < 0)
		a->in.have = 0; /* the next client's zeros help us out */
	return true;
}

static void turn(struct agent *a, bool *waiting)
{
	struct pollfd fd[5] = {
		{ .fd = a->port, .events = *waiting ? 0 : POLLIN },
		{ .fd = a->pid_fd, .events = POLLIN },
		{ .fd = a->out_fd, .events = POLLIN },
		{ .fd = a->terminal ? -1 : a->err_fd, .events = POLLIN },
		{ .fd = *waiting ? a->in_fd : -1, .events = POLLOUT },
	};
	uint8_t *room;
	size_t space;
	ssize_t n;

	if (poll(fd, 5, -1) < 0)
		return;
	if (fd[0].revents & POLLHUP) {
		end(a);
		a->in.have = 0;
		*waiting = false;
		nap_ms(50);
		return;
	}
	if (fd[0].revents & POLLIN) {
		room = wire_room(&a->in, &space);
		n = read(a->port, room, space);
		if (n > 0)
			a->in.have += (size_t)n;
	}
	if (fd[2].revents && !output(a, a->out_fd, WIRE_STDOUT)) {
		if (a->terminal)
			a->in_fd = a->err_fd = -1;
		close_fd(&a->out_fd);
	}
	if (fd[3].revents && !output(a, a->err_fd, WIRE_STDERR))
		close_fd(&a->err_fd);
	if (fd[1].revents)
		ended(a);
	*waiting = !frames(a);
}

int agent_serve(const char *path)
{
	struct agent *a = calloc(1, sizeof(*a));
	bool waiting = false;

	if (!a)
		return -ENOMEM;
	signal(SIGPIPE, SIG_IGN);
	a->pid_fd = a->in_fd = a->out_fd = a->err_fd = -1;
	a->port = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (a->port < 0) {
		int err = -errno;

		free(a);
		return err;
	}
	for (;;)
		turn(a, &waiting);
}
