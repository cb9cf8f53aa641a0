/* SPDX-License-Identifier: MIT */
#include "host/remote.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* How often a terminal is asked whether we are in its foreground again. */
#define BACKGROUND_MS 500

struct session {
	struct link *link;
	int signal_fd;
	unsigned signals; /* INT and TERM that came */
	int in_fd;	  /* -1 behind the end */
	int out_fd[2];	  /* stdout and stderr; -1: nobody reads it */
	size_t credit;	  /* input that the agent has room for */
	int showing;	  /* where the frame that came goes, or -1 */
	size_t shown;	  /* of that frame */
	int status;
};

static struct wire_window window_now(void)
{
	struct wire_window w = { 24, 80 };
	struct winsize size;

	if (!ioctl(STDIN_FILENO, TIOCGWINSZ, &size) && size.ws_row) {
		w.rows = size.ws_row;
		w.columns = size.ws_col;
	}
	return w;
}

static int command_send(struct link *l, const struct remote_command *c,
			struct why *why)
{
	struct wire_start start = { .terminal = c->terminal,
				    .window = window_now() };
	uint8_t payload[WIRE_MAX];
	size_t len = sizeof(start);
	unsigned i;

	memcpy(payload, &start, sizeof(start));
	for (i = 0; c->argv[i]; i++) {
		size_t n = strlen(c->argv[i]) + 1;

		if (len + n > sizeof(payload) || i == WIRE_WORDS)
			return why_set(why, -E2BIG,
				       "the command is too long: at most %u "
				       "bytes in %u words can be sent",
				       WIRE_MAX, WIRE_WORDS);
		memcpy(payload + len, c->argv[i], n);
		len += n;
	}
	wire_queue(&l->out, WIRE_START, payload, len);
	return 0;
}

static int on_signal(struct session *s, struct why *why)
{
	struct signalfd_siginfo info;
	struct wire_window w;
	uint8_t number;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo == SIGWINCH) {
		w = window_now();
		wire_queue(&s->link->out, WIRE_WINDOW, &w, sizeof(w));
		return 0;
	}
	if (s->signals++)
		return why_set(why, -EINTR, "interrupted");
	number = (uint8_t)info.ssi_signo;
	wire_queue(&s->link->out, WIRE_SIGNAL, &number, 1);
	return 0;
}

static int on_input(struct session *s, struct why *why)
{
	uint8_t data[WIRE_MAX];
	size_t most = s->credit < sizeof(data) ? s->credit : sizeof(data);
	ssize_t n = read(s->in_fd, data, most);

	if (n > 0) {
		wire_queue(&s->link->out, WIRE_STDIN, data, (size_t)n);
		s->credit -= (size_t)n;
		return 0;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* EIO: the terminal is gone.  EBADF: there was none. */
	if (n < 0 && errno != EIO && errno != EBADF)
		return why_set(why, -errno, "cannot read the input: %s",
			       strerror(errno));
	wire_queue(&s->link->out, WIRE_STDIN_END, NULL, 0);
	s->in_fd = -1;
	return 0;
}

/*
 * A part of the frame that came, once poll(2) says that it can be written:
 * no more than a pipe takes without waiting, so that signals are heeded.
 */
static int show(struct session *s, const uint8_t *p, size_t len,
		struct why *why)
{
	int *fd = &s->out_fd[s->showing];
	uint8_t stream = (uint8_t)(s->showing + 1);
	size_t part = len - s->shown < PIPE_BUF ? len - s->shown : PIPE_BUF;
	ssize_t n = write(*fd, p + s->shown, part);

	if (n >= 0) {
		s->shown += (size_t)n;
		return 0;
	}
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	if (errno != EPIPE)
		return why_set(why, -errno,
			       "cannot write what the command says: %s",
			       strerror(errno));
	wire_queue(&s->link->out, WIRE_DEAF, &stream, 1);
	*fd = -1;
	return 0;
}

/* 1 when the command is over; 0: more must come, or go; or -errno. */
static int on_frames(struct session *s, bool writable, struct why *why)
{
	struct wire_reader *in = &s->link->in;
	enum wire_type type;
	uint32_t taken;
	const uint8_t *p;
	size_t len;
	int got, err;

	while ((got = wire_peek(in, &type, &p, &len)) > 0) {
		switch (type) {
		case WIRE_STDOUT:
		case WIRE_STDERR:
			s->showing = type == WIRE_STDERR;
			if (writable && s->out_fd[s->showing] >= 0) {
				err = show(s, p, len, why);
				if (err)
					return err;
			}
			writable = false;
			if (s->out_fd[s->showing] >= 0 && s->shown < len)
				return 0;
			s->showing = -1;
			s->shown = 0;
			break;
		case WIRE_TAKEN:
			if (len == sizeof(taken)) {
				memcpy(&taken, p, sizeof(taken));
				s->credit += taken;
			}
			break;
		case WIRE_EXIT:
			s->status = len ? p[0] : 1;
			return 1;
		case WIRE_REFUSED:
			return why_set(why, -ENOEXEC, "%.*s", (int)len,
				       (const char *)p);
		default:
			break;
		}
		wire_drop(in);
	}
	return got ? why_set(why, got, "what came from the host makes no sense")
		   : 0;
}

/* Reading a terminal from its background would stop us. */
static bool in_background(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group > 0 && group != getpgrp();
}

/* 1 when the command is over; 0 to go on; or -errno. */
static int turn(struct session *s, struct why *why)
{
	struct link *l = s->link;
	bool idle = wire_idle(&l->out), showing = s->showing >= 0;
	bool want = idle && s->credit && s->in_fd >= 0;
	bool later = want && in_background(s->in_fd);
	short events = (short)((showing ? 0 : POLLIN) | (idle ? 0 : POLLOUT));
	struct pollfd fd[4] = {
		{ .fd = events ? l->fd : -1, .events = events },
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = want && !later ? s->in_fd : -1, .events = POLLIN },
		{ .fd = showing ? s->out_fd[s->showing] : -1,
		  .events = POLLOUT },
	};
	int err = 0, gone = 0;

	if (poll(fd, 4, later ? BACKGROUND_MS : -1) < 0 && errno != EINTR)
		return why_set(why, -errno, "cannot wait: %s", strerror(errno));
	if (fd[1].revents)
		err = on_signal(s, why);
	if (!err && fd[2].revents)
		err = on_input(s, why);
	if (err)
		return err;
	gone = wire_flush(&l->out, l->fd);
	/* What it said before it went is read first. */
	if (!showing && fd[0].revents & ~POLLOUT)
		gone = wire_read(&l->in, l->fd);
	err = on_frames(s, fd[3].revents, why);
	if (err || gone >= 0 || s->showing >= 0)
		return err;
	return why_set(why, -EPIPE, "the host went away: %s", strerror(-gone));
}

int remote_run(struct link *l, const struct remote_command *c, int *status,
	       struct why *why)
{
	struct session s = { .link = l,
			     .in_fd = c->in_fd,
			     .out_fd = { c->out_fd, c->err_fd },
			     .credit = WIRE_INPUT,
			     .showing = -1 };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, pipe_before;
	struct termios before, raw;
	bool tty = c->terminal && !tcgetattr(STDIN_FILENO, &before);
	sigset_t set, old;
	int err;

	err = command_send(l, c, why);
	if (err)
		return err;
	if (s.in_fd < 0)
		wire_queue(&l->out, WIRE_STDIN_END, NULL, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGWINCH);
	s.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.signal_fd < 0)
		return why_set(why, -errno, "cannot wait for signals: %s",
			       strerror(errno));
	sigprocmask(SIG_BLOCK, &set, &old);
	sigaction(SIGPIPE, &ignore, &pipe_before);
	if (tty) {
		raw = before;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	do
		err = turn(&s, why);
	while (!err);
	if (tty)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	sigaction(SIGPIPE, &pipe_before, NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(s.signal_fd);
	if (err < 0)
		return err;
	*status = s.status;
	return 0;
}
