/* SPDX-License-Identifier: MIT */
#include "tests/conformance/nbd.h"

#include <endian.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FLAGS (1u << 0 | 1u << 2 | 1u << 5) /* has flags, flush, trim */

struct greeting {
	char magic[8];
	uint64_t old_style;
	uint64_t size;
	uint32_t flags;
	char zero[124];
} __attribute__((packed));

struct request {
	uint32_t magic;
	uint16_t flags, type;
	char cookie[8];
	uint64_t off;
	uint32_t len;
} __attribute__((packed));

struct reply {
	uint32_t magic, error;
	char cookie[8];
} __attribute__((packed));

static bool all_read(int fd, void *to, size_t n)
{
	return recv(fd, to, n, MSG_WAITALL) == (ssize_t)n;
}

static bool all_sent(int fd, const void *from, size_t n)
{
	return send(fd, from, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* Locked. */
static void answer(struct nbd *n, int fd, struct nbd_asked *a)
{
	struct reply r = { .magic = htobe32(0x67446698),
			   .error = htobe32(n->error[a->type]) };

	a->answered = true;
	memcpy(r.cookie, a->cookie, sizeof(r.cookie));
	if (all_sent(fd, &r, sizeof(r)) && a->type == NBD_READ && !r.error)
		all_sent(fd, n->data + a->off, a->len);
}

static void answer_free_ones(struct nbd *n, int fd)
{
	unsigned i;

	pthread_mutex_lock(&n->lock);
	for (i = 0; i < n->asked; i++)
		if (!n->log[i].answered && !(n->hold & 1u << n->log[i].type))
			answer(n, fd, &n->log[i]);
	pthread_mutex_unlock(&n->lock);
}

/* False: the client is done. */
static bool request_read(struct nbd *n, int fd)
{
	struct request q;
	struct nbd_asked a = { 0 };
	bool good = true;

	if (!all_read(fd, &q, sizeof(q)))
		return false;
	a.type = be16toh(q.type);
	a.off = be64toh(q.off);
	a.len = be32toh(q.len);
	memcpy(a.cookie, q.cookie, sizeof(a.cookie));
	if (a.type == NBD_DISC || a.type > NBD_TRIM || a.off > NBD_BYTES ||
	    (a.type != NBD_TRIM && a.len > NBD_BYTES - a.off))
		return false;
	pthread_mutex_lock(&n->lock);
	if (a.type == NBD_WRITE)
		good = all_read(fd, n->data + a.off, a.len);
	if (n->asked == NBD_LOG)
		n->asked = 0;
	n->log[n->asked++] = a;
	pthread_mutex_unlock(&n->lock);
	return good;
}

/* Until the client goes away, or the case ends. */
static void serve(struct nbd *n, int fd)
{
	struct greeting g = { .magic = "NBDMAGIC",
			      .old_style = htobe64(0x00420281861253),
			      .size = htobe64(NBD_BYTES),
			      .flags = htobe32(FLAGS) };
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
			       { .fd = n->wake, .events = POLLIN } };
	eventfd_t times;
	unsigned i;

	all_sent(fd, &g, sizeof(g));
	while (poll(p, 2, -1) > 0) {
		if (p[1].revents)
			eventfd_read(n->wake, &times);
		if (__atomic_load_n(&n->stop, __ATOMIC_SEQ_CST))
			return;
		if (p[0].revents && !request_read(n, fd))
			break;
		answer_free_ones(n, fd);
	}
	/* What it still waits for has nobody to hear it. */
	pthread_mutex_lock(&n->lock);
	for (i = 0; i < n->asked; i++)
		n->log[i].answered = true;
	pthread_mutex_unlock(&n->lock);
}

static void *server(void *arg)
{
	struct nbd *n = arg;
	struct pollfd p[2] = { { .fd = n->listen, .events = POLLIN },
			       { .fd = n->wake, .events = POLLIN } };
	int fd;

	while (!__atomic_load_n(&n->stop, __ATOMIC_SEQ_CST)) {
		eventfd_t times;

		poll(p, 2, -1);
		if (p[1].revents)
			eventfd_read(n->wake, &times);
		if (!p[0].revents)
			continue;
		fd = accept(n->listen, NULL, NULL);
		if (fd < 0)
			continue;
		serve(n, fd);
		close(fd);
	}
	return NULL;
}

struct nbd *nbd_begin(struct peer *p, uint32_t devid)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct nbd *n = calloc(1, sizeof(*n));

	must(n, "no memory");
	snprintf(a.sun_path, sizeof(a.sun_path), "%.80s/nbd%u", case_dir,
		 case_domid());
	snprintf(n->target, sizeof(n->target), "nbd:nbd+unix:///?socket=%s",
		 a.sun_path);
	pthread_mutex_init(&n->lock, NULL);
	n->wake = eventfd(0, EFD_NONBLOCK);
	n->listen = socket(AF_UNIX, SOCK_STREAM, 0);
	unlink(a.sun_path);
	must(!bind(n->listen, (struct sockaddr *)&a, sizeof(a)) &&
		     !listen(n->listen, 4) &&
		     !pthread_create(&n->thread, NULL, server, n),
	     "no NBD server at %s", a.sun_path);
	/* A ringsided of a lab is another user; the folder keeps others out. */
	chmod(a.sun_path, 0666);
	peer_open(p, case_domid(), devid);
	peer_attach(p, &(struct attach){ .target = n->target });
	back_wait(p, 2);
	return n;
}

void nbd_end(struct nbd *n, struct peer *p)
{
	nbd_hold(n, 0);
	peer_end(p);
	__atomic_store_n(&n->stop, true, __ATOMIC_SEQ_CST);
	eventfd_write(n->wake, 1);
	pthread_join(n->thread, NULL);
	close(n->listen);
	close(n->wake);
	free(n);
}

void nbd_hold(struct nbd *n, unsigned types)
{
	pthread_mutex_lock(&n->lock);
	n->hold = types;
	pthread_mutex_unlock(&n->lock);
	eventfd_write(n->wake, 1);
}

void nbd_error(struct nbd *n, enum nbd_type type, uint32_t error)
{
	pthread_mutex_lock(&n->lock);
	n->error[type] = error;
	pthread_mutex_unlock(&n->lock);
}

unsigned nbd_asked(struct nbd *n)
{
	unsigned asked;

	pthread_mutex_lock(&n->lock);
	asked = n->asked;
	pthread_mutex_unlock(&n->lock);
	return asked;
}

void nbd_wait(struct nbd *n, unsigned count)
{
	until(nbd_asked(n) >= count,
	      "expected %u commands at the storage, saw %u", count,
	      nbd_asked(n));
}

void nbd_expect(struct nbd *n, unsigned i, enum nbd_type type, uint64_t off,
		uint32_t len)
{
	static const char *const name[] = { "read", "write", "close", "flush",
					    "trim" };
	struct nbd_asked a;

	pthread_mutex_lock(&n->lock);
	a = n->log[i];
	pthread_mutex_unlock(&n->lock);
	must(a.type == type && a.off == off && a.len == len,
	     "expected the storage's command %u to be %s of %u at %llu, saw %s "
	     "of %u at %llu",
	     i, name[type], len, (unsigned long long)off, name[a.type], a.len,
	     (unsigned long long)a.off);
}
