/* SPDX-License-Identifier: MIT */
#include "xen/desk/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void close_all(int *fds, unsigned n)
{
	while (n--) {
		if (fds[n] >= 0)
			close(fds[n]);
		fds[n] = -1;
	}
}

/* One answer with its descriptors; their number, or -errno. */
static int receive(int fd, struct desk_wire_reply *reply, int *fds)
{
	union {
		char room[CMSG_SPACE(sizeof(int) * DESK_WIRE_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { reply, sizeof(*reply) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	size_t bytes = 0;
	ssize_t n;

	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return -EPIPE;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		bytes = c->cmsg_len - CMSG_LEN(0);
		memcpy(fds, CMSG_DATA(c), bytes);
	}
	if (n != sizeof(*reply) || msg.msg_flags & MSG_CTRUNC) {
		close_all(fds, (unsigned)(bytes / sizeof(int)));
		return msg.msg_flags & MSG_CTRUNC ? -EMFILE : -EPROTO;
	}
	return (int)(bytes / sizeof(int));
}

static int call(struct desk_link *l, const struct desk_wire_request *q,
		struct desk_wire_reply *reply, int *fds)
{
	ssize_t n;

	do {
		n = send(l->fd, q, sizeof(*q), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return receive(l->fd, reply, fds);
}

int desk_link_call(struct desk_link *l, const struct desk_wire_request *q,
		   struct desk_wire_reply *reply, int *fds, unsigned nfds)
{
	int got[DESK_WIRE_FDS_MAX];
	int n;

	pthread_mutex_lock(&l->lock);
	n = call(l, q, reply, got);
	pthread_mutex_unlock(&l->lock);
	if (n < 0)
		return n;
	if (reply->error || reply->op != q->op || (unsigned)n != nfds) {
		close_all(got, (unsigned)n);
		return reply->error ? reply->error : -EPROTO;
	}
	if (nfds)
		memcpy(fds, got, nfds * sizeof(int));
	return 0;
}

static int connect_to(struct desk_link *l, const char *dir, struct why *why)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	l->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l->dir_fd < 0)
		return why_set(why, -errno,
			       "there is no desk in %s (%s): start one with "
			       "`ringside desk start %s`",
			       dir, strerror(errno), dir);
	l->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return why_set(why, -errno, "no socket: %s", strerror(errno));
	/* By way of /proc: DIR may be longer than a Unix address. */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s",
		 l->dir_fd, DESK_WIRE_SOCKET);
	if (connect(l->fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return 0;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return why_set(why, -errno,
			       "no desk runs in %s: start one with `ringside "
			       "desk start %s`",
			       dir, dir);
	return why_set(why, -errno, "the desk in %s cannot be reached: %s", dir,
		       strerror(errno));
}

int desk_link_open(struct desk_link *l, const char *dir, uint16_t domid,
		   bool asks, struct desk_wire_reply *reply, int *fds,
		   struct why *why)
{
	struct desk_wire_request q = {
		.magic = DESK_WIRE_MAGIC,
		.op = DESK_WIRE_HELLO,
		.domid = domid,
		.arg = asks,
	};
	int got[DESK_WIRE_FDS_MAX] = { -1, -1, -1, -1 };
	int n, err;

	l->fd = l->dir_fd = l->gone_fd = -1;
	pthread_mutex_init(&l->lock, NULL);
	err = connect_to(l, dir, why);
	if (err)
		goto fail;
	n = call(l, &q, reply, got);
	if (n < 0) {
		err = why_set(why, n, "the desk in %s does not answer: %s", dir,
			      strerror(-n));
		goto fail;
	}
	err = reply->error;
	if (err == -ESRCH) {
		why_set(why, err,
			"domain %u does not exist on the desk in %s: `ringside "
			"attach %s --domid %u --target ...` creates it",
			domid, dir, dir, domid);
		goto fail;
	}
	if (!err && n < 1)
		err = -EPROTO;
	if (err) {
		why_set(why, err, "the desk in %s refuses: %s", dir,
			strerror(-err));
		goto fail;
	}
	l->gone_fd = got[0];
	if (fds)
		memcpy(fds, got + 1, (DESK_WIRE_FDS_MAX - 1) * sizeof(int));
	else
		close_all(got + 1, DESK_WIRE_FDS_MAX - 1);
	return 0;
fail:
	close_all(got, DESK_WIRE_FDS_MAX);
	desk_link_close(l);
	return err;
}

void desk_link_close(struct desk_link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->dir_fd >= 0)
		close(l->dir_fd);
	if (l->gone_fd >= 0)
		close(l->gone_fd);
	l->fd = l->dir_fd = l->gone_fd = -1;
	pthread_mutex_destroy(&l->lock);
}
