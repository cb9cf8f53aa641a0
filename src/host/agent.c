/* SPDX-License-Identifier: MIT */
/*
 * Longer than others, since a command, its three streams and its end are one
 * state: each part would have to know all of `struct agent`.
 */
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

/* How long a command may take to end when nobody waits for it any more. */
#define END_MS 3000

/* What is read at most of a command that ended: its children may write on. */
#define REST_MAX (1u << 20)

struct agent {
	int port;
	struct wire_reader in;
	struct wire_writer out;

	/* The command, while there is one. */
	pid_t pid; /* 0: none */
	int pid_fd;
	int in_fd; /* its stdin, or -1 */
	int out_fd, err_fd;
	bool terminal;
	bool over; /* it ended, with `status`; its output may not have */
	int status;
	size_t rest; /* once it is over: output that is still read */

	/* Its input: what it did not take yet, and what was not TAKEN yet. */
	bool input_ends;
	uint32_t taken;
	size_t input_at, input_len;
	uint8_t input[WIRE_INPUT];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void output_close(struct agent *a)
{
	/* Of a terminal, all three are one. */
	if (a->terminal)
		a->in_fd = a->err_fd = -1;
	close_fd(&a->out_fd);
}

static void forget(struct agent *a)
{
	output_close(a);
	close_fd(&a->in_fd);
	close_fd(&a->err_fd);
	close_fd(&a->pid_fd);
	a->pid = 0;
	a->over = a->input_ends = false;
	a->taken = 0;
	a->input_at = a->input_len = 0;
}

/* To the command and its children; only while it was not waited for. */
static void command_signal(const struct agent *a, int number)
{
	/* A child that was just born has no group yet. */
	if (kill(-a->pid, number) && errno == ESRCH)
		kill(a->pid, number);
}

/* Nobody waits for it any more. */
static void end(struct agent *a)
{
	struct pollfd gone = { .fd = a->pid_fd, .events = POLLIN };

	if (a->pid && !a->over) {
		command_signal(a, SIGTERM);
		if (a->terminal)
			command_signal(a, SIGHUP);
		command_signal(a, SIGCONT);
		if (poll(&gone, 1, END_MS) <= 0)
			command_signal(a, SIGKILL);
		while (waitpid(a->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	forget(a);
}

static void refuse(struct agent *a, const char *what, int err)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(err));
	wire_queue(&a->out, WIRE_REFUSED, text, strlen(text));
}

/* ---- starting ------------------------------------------------------------ */

/* argv out of "word\0word\0"; false if it is no such thing. */
static bool words(const char *p, size_t len, char **argv)
{
	unsigned n = 0;

	if (!len || p[len - 1])
		return false;
	while (len) {
		size_t word = strlen(p) + 1;

		if (n == WIRE_WORDS)
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
	int i;

	/*
	 * A shell that starts us in the background ignores SIGINT and
	 * SIGQUIT, and what is ignored stays so in the command.
	 */
	for (i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	closefrom(3);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
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
	fcntl(a->out_fd, F_SETFD, FD_CLOEXEC);
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
	char *argv[WIRE_WORDS + 1];
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
	if (err)
		a->pid = 0;
	if (!err) {
		a->pid_fd = pidfd_open(a->pid, 0);
		if (a->pid_fd < 0)
			err = -errno;
	}
	if (err) {
		end(a);
		refuse(a, "no process can be started", -err);
		return;
	}
	fcntl(a->in_fd, F_SETFL, O_NONBLOCK);
	fcntl(a->out_fd, F_SETFL, O_NONBLOCK);
	fcntl(a->err_fd, F_SETFL, O_NONBLOCK);
}

/* ---- what it writes ------------------------------------------------------ */

/* False at its end. */
static bool output(struct agent *a, int fd, enum wire_type type)
{
	uint8_t data[WIRE_MAX];
	ssize_t n = read(fd, data, sizeof(data));

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	wire_queue(&a->out, type, data, (size_t)n);
	if (a->over)
		a->rest -= (size_t)n < a->rest ? (size_t)n : a->rest;
	return true;
}

/* It ended, and all it wrote is on its way. */
static void finish(struct agent *a)
{
	uint8_t code =
		(uint8_t)(WIFEXITED(a->status) ? WEXITSTATUS(a->status)
					       : 128 + WTERMSIG(a->status));

	forget(a);
	wire_queue(&a->out, WIRE_EXIT, &code, 1);
}

/* ---- what it reads ------------------------------------------------------- */

/* Nobody reads it any more: it counts as taken. */
static void input_drop(struct agent *a)
{
	if (!a->terminal)
		close_fd(&a->in_fd);
	a->taken += (uint32_t)a->input_len;
	a->input_at = a->input_len = 0;
}

static void input_give(struct agent *a)
{
	ssize_t n;

	while (a->in_fd >= 0 && a->input_len) {
		n = write(a->in_fd, a->input + a->input_at, a->input_len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		a->input_at += (size_t)n;
		a->input_len -= (size_t)n;
		a->taken += (uint32_t)n;
	}
	if (a->input_len || a->input_ends)
		input_drop(a);
}

/* False if there is more than the client may send. */
static bool input(struct agent *a, const uint8_t *data, size_t len)
{
	if (a->in_fd < 0) {
		a->taken += (uint32_t)len;
		return true;
	}
	if (len > sizeof(a->input) - a->input_len)
		return false;
	memmove(a->input, a->input + a->input_at, a->input_len);
	memcpy(a->input + a->input_len, data, len);
	a->input_at = 0;
	a->input_len += len;
	input_give(a);
	return true;
}

/* ---- what the client says ------------------------------------------------ */

static void hello(struct agent *a, const uint8_t *p, size_t len)
{
	struct wire_hello h = { .version = 0 };

	end(a);
	memcpy(&h, p, len < sizeof(h) ? len : sizeof(h));
	h.version = WIRE_VERSION;
	wire_queue(&a->out, WIRE_READY, &h, sizeof(h));
}

static void window(struct agent *a, const uint8_t *p)
{
	struct wire_window w;
	struct winsize size = { 0 };

	memcpy(&w, p, sizeof(w));
	size.ws_row = w.rows;
	size.ws_col = w.columns;
	ioctl(a->out_fd, TIOCSWINSZ, &size);
}

/* False if this is no client. */
static bool frame(struct agent *a, enum wire_type type, const uint8_t *p,
		  size_t len)
{
	if (type == WIRE_HELLO)
		hello(a, p, len);
	else if (type == WIRE_START)
		start(a, p, len);
	else if (!a->pid || a->over)
		return true; /* it ended before this came */
	else if (type == WIRE_STDIN)
		return input(a, p, len);
	else if (type == WIRE_STDIN_END && !a->terminal) {
		a->input_ends = true;
		input_give(a);
	} else if (type == WIRE_SIGNAL && len == 1)
		command_signal(a, p[0]);
	else if (type == WIRE_WINDOW && a->terminal &&
		 len == sizeof(struct wire_window))
		window(a, p);
	else if (type == WIRE_DEAF && len == 1 && !a->terminal)
		close_fd(p[0] == 1 ? &a->out_fd : &a->err_fd);
	return true;
}

static void frames(struct agent *a)
{
	enum wire_type type;
	const uint8_t *p;
	size_t len;
	int got;

	while ((got = wire_peek(&a->in, &type, &p, &len)) > 0) {
		if (!frame(a, type, p, len)) {
			got = -EPROTO;
			break;
		}
		wire_drop(&a->in);
	}
	if (got == 0)
		return;
	/* The zeros of the next client help us out. */
	a->in.have = 0;
	end(a);
	refuse(a, "what came over the port makes no sense", EPROTO);
}

/* ---- serving ------------------------------------------------------------- */

/* 0, or -errno: nobody is at the other end. */
static int turn(struct agent *a)
{
	bool idle = wire_idle(&a->out);
	short port = POLLIN | (idle ? 0 : POLLOUT);
	struct pollfd fd[5] = {
		{ .fd = a->port, .events = port },
		{ .fd = a->over ? -1 : a->pid_fd, .events = POLLIN },
		{ .fd = idle ? a->out_fd : -1, .events = POLLIN },
		{ .fd = idle && !a->terminal ? a->err_fd : -1,
		  .events = POLLIN },
		{ .fd = a->input_len ? a->in_fd : -1, .events = POLLOUT },
	};
	bool more;
	int err = 0;

	if (poll(fd, 5, a->over && idle ? 0 : -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (fd[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		return -EPIPE;
	if (fd[2].revents && !output(a, a->out_fd, WIRE_STDOUT))
		output_close(a);
	if (fd[3].revents && !output(a, a->err_fd, WIRE_STDERR))
		close_fd(&a->err_fd);
	more = a->rest && (fd[2].revents || fd[3].revents);
	if (a->over && idle && !more) {
		finish(a);
	} else if (fd[1].revents) {
		while (waitpid(a->pid, &a->status, 0) < 0 && errno == EINTR)
			;
		a->over = true;
		a->rest = REST_MAX;
	}
	if (fd[4].revents)
		input_give(a);
	if (fd[0].revents & POLLIN)
		err = wire_read(&a->in, a->port);
	if (err >= 0)
		frames(a);
	if (err >= 0)
		err = wire_flush(&a->out, a->port);
	/* One at a time, so that they never fill the queue. */
	if (!err && a->taken && a->pid && wire_idle(&a->out)) {
		wire_queue(&a->out, WIRE_TAKEN, &a->taken, sizeof(a->taken));
		a->taken = 0;
		err = wire_flush(&a->out, a->port);
	}
	return err;
}

static int serve(struct agent *a)
{
	int err;

	a->pid_fd = a->in_fd = a->out_fd = a->err_fd = -1;
	a->in.have = a->out.at = a->out.len = 0;
	do
		err = turn(a);
	while (!err);
	end(a);
	return err;
}

int agent_serve_fd(int fd)
{
	struct agent *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	signal(SIGPIPE, SIG_IGN);
	a->port = fd;
	err = -errno;
	if (!fcntl(fd, F_SETFL, O_NONBLOCK))
		err = serve(a);
	free(a);
	return err == -EPIPE || err == -ECONNRESET ? 0 : err;
}

int agent_serve(const char *path)
{
	const struct timespec nap = { 0, 50000000 };
	struct agent *a;
	int fd;

	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || chdir("/root"))
		return -errno;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	signal(SIGPIPE, SIG_IGN);
	a->port = fd;
	/* A port that nobody uses hangs up at once. */
	for (;;) {
		serve(a);
		nanosleep(&nap, NULL);
	}
}
