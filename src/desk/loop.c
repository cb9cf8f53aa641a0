/* SPDX-License-Identifier: MIT */
#include "desk/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

int desk_loop_open(struct desk_loop *l)
{
	memset(l, 0, sizeof(*l));
	LIST_INIT(&l->timers);
	l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	return l->epfd < 0 || l->spare_fd < 0 ? -errno : 0;
}

void desk_loop_close(struct desk_loop *l)
{
	if (l->epfd >= 0)
		close(l->epfd);
	if (l->spare_fd >= 0)
		close(l->spare_fd);
	l->epfd = l->spare_fd = -1;
}

int desk_loop_add(struct desk_loop *l, struct desk_source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	s->events = events;
	return epoll_ctl(l->epfd, EPOLL_CTL_ADD, s->fd, &ev) ? -errno : 0;
}

void desk_loop_modify(struct desk_loop *l, struct desk_source *s,
		      uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	if (s->events == events)
		return;
	s->events = events;
	epoll_ctl(l->epfd, EPOLL_CTL_MOD, s->fd, &ev);
}

void desk_loop_remove(struct desk_loop *l, struct desk_source *s)
{
	int i;

	epoll_ctl(l->epfd, EPOLL_CTL_DEL, s->fd, NULL);
	/* What has been fetched for it must not reach freed memory. */
	for (i = l->batch_at; i < l->batch_len; i++)
		if (l->batch[i].data.ptr == s)
			l->batch[i].data.ptr = NULL;
}

void desk_loop_timer_set(struct desk_loop *l, struct desk_timer *t,
			 uint64_t after_ns)
{
	if (!t->set)
		LIST_INSERT_HEAD(&l->timers, t, link);
	t->set = true;
	t->due_ns = clock_now_ns() + after_ns;
}

void desk_loop_timer_stop(struct desk_timer *t)
{
	if (t->set)
		LIST_REMOVE(t, link);
	t->set = false;
}

/* Milliseconds until the next timer, rounded up; -1 if there is none. */
static int timers_wait(struct desk_loop *l)
{
	uint64_t now = clock_now_ns(), first = UINT64_MAX;
	struct desk_timer *t;

	LIST_FOREACH(t, &l->timers, link)
		if (t->due_ns < first)
			first = t->due_ns;
	if (first == UINT64_MAX)
		return -1;
	return first <= now ? 0 : (int)((first - now + 999999) / 1000000);
}

static void timers_run(struct desk_loop *l)
{
	uint64_t now = clock_now_ns();
	struct desk_timer *t;

again:
	/* A callback may change the list: look from the start each time. */
	LIST_FOREACH(t, &l->timers, link) {
		if (t->due_ns <= now) {
			desk_loop_timer_stop(t);
			t->fire(t);
			goto again;
		}
	}
}

int desk_loop_once(struct desk_loop *l, int ms)
{
	int wait = timers_wait(l), n;
	struct desk_source *s;

	if (wait < 0 || (ms >= 0 && ms < wait))
		wait = ms;
	n = epoll_wait(l->epfd, l->batch, LOOP_BATCH, wait);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	l->batch_len = n;
	for (l->batch_at = 0; l->batch_at < l->batch_len;) {
		struct epoll_event *ev = &l->batch[l->batch_at++];

		s = ev->data.ptr;
		if (s)
			s->ready(s, ev->events);
	}
	l->batch_len = l->batch_at = 0;
	timers_run(l);
	return 0;
}

int desk_loop_run(struct desk_loop *l)
{
	int err = 0;

	while (!l->quit && !err)
		err = desk_loop_once(l, -1);
	return err;
}

int desk_loop_accept(struct desk_loop *l, int listen_fd)
{
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd;

	for (;;) {
		fd = accept4(listen_fd, NULL, NULL, flags);
		if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
			return fd;
		close(l->spare_fd);
		fd = accept4(listen_fd, NULL, NULL, flags);
		if (fd >= 0)
			close(fd);
		l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -1;
	}
}

void desk_loop_quit(struct desk_loop *l)
{
	l->quit = true;
}
