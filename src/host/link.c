/* SPDX-License-Identifier: MIT */
#include "host/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

/* The lock of a port: 0, -EBUSY, or -ENOENT. */
static int port_take(struct link *l, const char *dir, unsigned port)
{
	char path[512];
	int err;

	snprintf(path, sizeof(path), "%s/port%u.lock", dir, port);
	l->lock_fd = open(path, O_RDWR | O_CLOEXEC);
	if (l->lock_fd < 0)
		return -errno;
	if (!flock(l->lock_fd, LOCK_EX | LOCK_NB))
		return 0;
	err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(l->lock_fd);
	l->lock_fd = -1;
	return err;
}

/* Milliseconds until then; 0: it is past. */
static int left_ms(uint64_t until_ns)
{
	uint64_t now = clock_now_ns();

	return now < until_ns ? (int)((until_ns - now) / 1000000u + 1) : 0;
}

static int port_connect(struct link *l, const char *dir, unsigned port,
			uint64_t until_ns)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/port%u.sock",
			 dir, port);

	if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return -errno;
	/* EAGAIN: QEMU does not take those who came before either. */
	while (connect(l->fd, (struct sockaddr *)&addr, sizeof(addr))) {
		if (errno != EAGAIN)
			return -errno;
		if (!left_ms(until_ns))
			return -ETIMEDOUT;
		if (poll(NULL, 0, 50) < 0)
			return -errno;
	}
	return 0;
}

/* ---- the agent answers --------------------------------------------------- */

/*
 * Looks for the answer to HELLO in what comes, whatever else is in there.
 * Behind the READY of an agent nothing follows before START.
 */
struct answer {
	uint8_t want[WIRE_HEAD + sizeof(struct wire_hello)];
	uint8_t have[WIRE_HEAD + sizeof(struct wire_hello)];
};

/* All but the last byte, which is the agent's version. */
static bool answer_found(struct answer *a, uint8_t byte)
{
	memmove(a->have, a->have + 1, sizeof(a->have) - 1);
	a->have[sizeof(a->have) - 1] = byte;
	return !memcmp(a->have, a->want, sizeof(a->want) - 1);
}

static int answer_wait(struct link *l, struct answer *a, uint64_t until_ns)
{
	for (;;) {
		bool busy = !wire_idle(&l->out);
		struct pollfd p = { .fd = l->fd,
				    .events = (short)(POLLIN |
						      (busy ? POLLOUT : 0)) };
		int err, ms = left_ms(until_ns);
		size_t i, have;

		if (!ms)
			return -ETIMEDOUT;
		if (poll(&p, 1, ms) < 0)
			return -errno;
		err = wire_flush(&l->out, l->fd);
		if (err)
			return err;
		err = wire_read(&l->in, l->fd);
		if (err < 0)
			return err;
		have = l->in.have;
		l->in.have = 0;
		for (i = 0; i < have; i++)
			if (answer_found(a, l->in.data[i]))
				return l->in.data[i] == WIRE_VERSION ? 0
								     : -EPROTO;
	}
}

static int hello(struct link *l, uint64_t until_ns)
{
	struct answer a = { .want = { WIRE_READY, sizeof(struct wire_hello) } };
	struct wire_hello h = { .version = WIRE_VERSION };

	if (getrandom(h.number, sizeof(h.number), 0) !=
	    (ssize_t)sizeof(h.number))
		return -EIO;
	memcpy(a.want + WIRE_HEAD, &h, sizeof(h));
	wire_queue_zeros(&l->out);
	wire_queue(&l->out, WIRE_HELLO, &h, sizeof(h));
	return answer_wait(l, &a, until_ns);
}

static int complain(const char *dir, int err, struct why *why)
{
	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
		return why_set(why, -ENOENT,
			       "no Xen host runs in %s: start one with "
			       "\"ringside host up\"",
			       dir);
	case -EBUSY:
		return why_set(why, err,
			       "%u commands run on the host in %s already; "
			       "wait until one ends",
			       WIRE_PORTS, dir);
	case -EINTR:
		return why_set(why, err, "interrupted");
	case -EPROTO:
		return why_set(why, err,
			       "the host in %s was started by another version "
			       "of Ringside: end it with \"ringside host "
			       "down\", and start it anew",
			       dir);
	case -ETIMEDOUT:
	case -EPIPE:
	case -ECONNRESET:
		return why_set(why, err,
			       "the host in %s does not answer; its console "
			       "is in %s/console.log",
			       dir, dir);
	default:
		return why_set(why, err, "the host in %s cannot be reached: %s",
			       dir, strerror(-err));
	}
}

int link_open(const char *dir, int patience_ms, struct link **out,
	      struct why *why)
{
	uint64_t until = clock_now_ns() + (uint64_t)patience_ms * 1000000u;
	struct link *l = calloc(1, sizeof(*l));
	unsigned port;
	int err = -ENOENT;

	if (!l)
		return why_set(why, -ENOMEM, "no memory");
	l->fd = l->lock_fd = -1;
	for (port = 0; port < WIRE_PORTS; port++) {
		err = port_take(l, dir, port);
		if (err != -EBUSY)
			break;
	}
	if (!err)
		err = port_connect(l, dir, port, until);
	if (!err)
		err = hello(l, until);
	if (!err) {
		*out = l;
		return 0;
	}
	link_close(l);
	return complain(dir, err, why);
}

void link_close(struct link *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	free(l);
}
