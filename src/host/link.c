/* SPDX-License-Identifier: MIT */
#include "host/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/wire.h"

struct link {
	int lock_fd;
	int fd;
	int signal_fd;
	unsigned signals; /* INT and TERM that came */
	struct wire_reader in;
	/*
	 * On its way out.  Never waited for alone: the agent may wait until
	 * we read.
	 */
	size_t out_at, out_len;
	uint8_t out[2 * (WIRE_HEAD + WIRE_MAX)];
};

/* ---- opening --------------------------------------------------------------
 */

/* The lock of a port: 0, -EBUSY, or -ENOENT. */
static int port_take(struct link *l, const char *dir, unsigned port)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/port%u.lock", dir, port);
	l->lock_fd = open(path, O_RDWR | O_CLOEXEC);
	if (l->lock_fd < 0)
		return -errno;
	if (!flock(l->lock_fd, LOCK_EX | LOCK_NB))
		return 0;
	close(l->lock_fd);
	l->lock_fd = -1;
	return -EBUSY;
}

static int port_connect(struct link *l, const char *dir, unsigned port)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/port%u.sock",
			 dir, port);

	if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	if (connect(l->fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return 0;
}

/* Read over everything up to the answer to our HELLO. */
static int ready_wait(struct link *l, const uint8_t nonce[8], int patience_ms)
{
	const uint8_t answer[WIRE_HEAD] = { WIRE_READY, 8, 0, 0 };
	uint64_t until = clock_now_ns() + (uint64_t)patience_ms * 1000000u;
	uint8_t want[WIRE_HEAD + 8], have[sizeof(want)] = { 0 }, byte;
	struct pollfd p = { .fd = l->fd, .events = POLLIN };

	memcpy(want, answer, WIRE_HEAD);
	memcpy(want + WIRE_HEAD, nonce, 8);
	for (;;) {
		uint64_t now = clock_now_ns();
		ssize_t n;

		if (now >= until)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)((until - now) / 1000000 + 1)) < 0)
			return -errno;
		if (!p.revents)
			continue;
		n = read(l->fd, &byte, 1);
		if (n == 0)
			return -EPIPE;
		if (n < 0)
			return -errno;
		memmove(have, have + 1, sizeof(have) - 1);
		have[sizeof(have) - 1] = byte;
		if (!memcmp(have, want, sizeof(want)))
			return 0;
	}
}

static int hello(struct link *l, int patience_ms)
{
	static const uint8_t zeros[WIRE_HEAD + WIRE_MAX];
	uint8_t nonce[8];
	int err;

	if (getrandom(nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
		return -EIO;
	err = wire_send_raw(l->fd, zeros, sizeof(zeros));
	if (!err)
		err = wire_send(l->fd, WIRE_HELLO, nonce, sizeof(nonce));
	return err ? err : ready_wait(l, nonce, patience_ms);
}

int link_open(const char *dir, int patience_ms, struct link **out,
	      struct why *why)
{
	struct link *l = calloc(1, sizeof(*l));
	unsigned port;
	int err = -ENOENT;

	if (!l)
		return why_set(why, -ENOMEM, "no memory");
	l->fd = l->lock_fd = l->signal_fd = -1;
	for (port = 0; port < WIRE_PORTS; port++) {
		err = port_take(l, dir, port);
		if (err != -EBUSY)
			break;
	}
	if (!err)
		err = port_connect(l, dir, port);
	if (err == -ENOENT || err == -ECONNREFUSED)
		err = why_set(why, -ENOENT,
			      "no Xen host runs in %s: start one with "
			      "\"ringside host up\"",
			      dir);
	else if (err == -EBUSY)
		why_set(why, err,
			"%u commands run on the host in %s already; wait "
			"until one ends",
			WIRE_PORTS, dir);
	else if (err)
		why_set(why, err, "the host in %s cannot be reached: %s", dir,
			strerror(-err));
	if (err)
		goto fail;
	err = hello(l, patience_ms);
	if (err) {
		why_set(why, err,
			"the host in %s does not answer (%s); its console "
			"is in %s/console.log",
			dir, strerror(-err), dir);
		goto fail;
	}
	fcntl(l->fd, F_SETFL, O_NONBLOCK);
	*out = l;
	return 0;
fail:
	link_close(l);
	return err;
}

void link_close(struct link *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	if (l->signal_fd >= 0)
		close(l->signal_fd);
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	free(l);
}

/* ---- running ----------------------------------------------------------------
 */

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

static int command_send(struct link *l, const struct link_command *c,
			struct why *why)
{
	struct wire_start start = { .terminal = c->terminal,
				    .window = window_now() };
	uint8_t payload[WIRE_MAX];
	size_t len = sizeof(start);
	int i, err;

	memcpy(payload, &start, sizeof(start));
	for (i = 0; c->argv[i]; i++) {
		size_t n = strlen(c->argv[i]) + 1;

		if (len + n > sizeof(payload))
			return why_set(why, -E2BIG, "the command is too long");
		memcpy(payload + len, c->argv[i], n);
		len += n;
	}
	err = wire_send(l->fd, WIRE_START, payload, len);
	return err ? why_set(why, err, "the host went away: %s", strerror(-err))
		   : 0;
}

static void queue_frame(struct link *l, enum wire_type type,
			const void *payload, size_t len)
{
	uint8_t *p = l->out + l->out_len;

	/* Input is only read when nothing waits; the rest is small. */
	if (l->out_len + WIRE_HEAD + len > sizeof(l->out))
		return;
	p[0] = (uint8_t)type;
	p[1] = (uint8_t)len;
	p[2] = (uint8_t)(len >> 8);
	p[3] = 0;
	if (len)
		memcpy(p + WIRE_HEAD, payload, len);
	l->out_len += WIRE_HEAD + len;
}

static int flush_some(struct link *l)
{
	ssize_t n;

	if (l->out_at == l->out_len)
		return 0;
	n = write(l->fd, l->out + l->out_at, l->out_len - l->out_at);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	l->out_at += (size_t)n;
	if (l->out_at == l->out_len)
		l->out_at = l->out_len = 0;
	return 0;
}

static int on_signal(struct link *l)
{
	struct signalfd_siginfo info;
	struct wire_window w;
	uint8_t number;

	if (read(l->signal_fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo == SIGWINCH) {
		w = window_now();
		queue_frame(l, WIRE_WINDOW, &w, sizeof(w));
		return 0;
	}
	if (l->signals++)
		return -EINTR;
	number = (uint8_t)info.ssi_signo;
	queue_frame(l, WIRE_SIGNAL, &number, 1);
	return 0;
}

static void on_input(struct link *l, int *fd)
{
	uint8_t data[WIRE_MAX];
	ssize_t n = read(*fd, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		queue_frame(l, WIRE_STDIN, data, (size_t)n);
	} else {
		queue_frame(l, WIRE_STDIN_END, NULL, 0);
		*fd = -1;
	}
}

/* 1 when the command is over. */
static int on_frames(struct link *l, const struct link_command *c, int *status,
		     struct why *why)
{
	enum wire_type type;
	const uint8_t *p;
	size_t len;
	int got;

	while ((got = wire_peek(&l->in, &type, &p, &len)) > 0) {
		switch (type) {
		case WIRE_STDOUT:
			wire_send_raw(c->out_fd, p, len);
			break;
		case WIRE_STDERR:
			wire_send_raw(c->err_fd, p, len);
			break;
		case WIRE_EXIT:
			*status = len ? p[0] : 1;
			return 1;
		case WIRE_REFUSED:
			return why_set(why, -ENOEXEC, "%.*s", (int)len,
				       (const char *)p);
		default:
			break;
		}
		wire_drop(&l->in);
	}
	return got;
}

static int command_loop(struct link *l, const struct link_command *c,
			int *status, struct why *why)
{
	int in = c->in_fd, err = 0;

	if (in < 0)
		queue_frame(l, WIRE_STDIN_END, NULL, 0);
	while (!err) {
		bool busy = l->out_len > 0;
		struct pollfd fd[3] = {
			{ .fd = l->fd,
			  .events = (short)(POLLIN | (busy ? POLLOUT : 0)) },
			{ .fd = l->signal_fd, .events = POLLIN },
			{ .fd = busy ? -1 : in, .events = POLLIN },
		};
		uint8_t *room;
		size_t space;
		ssize_t n;

		if (poll(fd, 3, -1) < 0 && errno != EINTR)
			return why_set(why, -errno, "cannot wait: %s",
				       strerror(errno));
		if (fd[1].revents)
			err = on_signal(l);
		if (fd[2].revents)
			on_input(l, &in);
		if (!err)
			err = flush_some(l);
		if (err || !(fd[0].revents & ~POLLOUT))
			continue;
		room = wire_room(&l->in, &space);
		n = read(l->fd, room, space);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			err = -EPIPE;
		if (n > 0)
			l->in.have += (size_t)n;
		if (n > 0) {
			err = on_frames(l, c, status, why);
			if (err == -ENOEXEC)
				return err;
		}
	}
	if (err > 0)
		return 0;
	if (err == -EINTR)
		return why_set(why, err, "interrupted");
	return why_set(why, -EPIPE, "the host went away: %s", strerror(-err));
}

int link_run(struct link *l, const struct link_command *c, int *status,
	     struct why *why)
{
	struct termios before, raw;
	bool tty = c->terminal && !tcgetattr(STDIN_FILENO, &before);
	sigset_t set, old;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (tty) {
		raw = before;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	err = command_send(l, c, why);
	if (!err)
		err = command_loop(l, c, status, why);
	if (tty)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}
