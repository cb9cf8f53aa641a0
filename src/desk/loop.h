/* SPDX-License-Identifier: MIT */
/*
 * The desk's one thread waits here: for file descriptors and for timers.
 * Nothing that is called from it may block.
 *
 * A source or timer is memory of whoever adds it; it may be removed and
 * freed from inside any callback, its own included.
 */
#ifndef DESK_LOOP_H
#define DESK_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/queue.h>

/* The struct of which `ptr` is the member `member`. */
#define desk_container(ptr, type, member)                                      \
	((type *)((char *)(ptr)-offsetof(type, member)))

struct desk_source {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT; level-triggered */
	void (*ready)(struct desk_source *s, uint32_t events);
};

struct desk_timer {
	LIST_ENTRY(desk_timer) link;
	bool set;
	uint64_t due_ns; /* of clock_now_ns() */
	void (*fire)(struct desk_timer *t);
};

#define LOOP_BATCH 64

struct desk_loop {
	int epfd;
	bool quit;
	int batch_len, batch_at;
	struct epoll_event batch[LOOP_BATCH];
	LIST_HEAD(, desk_timer) timers;
	int spare_fd; /* see desk_loop_accept() */
};

int desk_loop_open(struct desk_loop *l);
void desk_loop_close(struct desk_loop *l);

/* fd and ready are set; borrowed until removed. */
int desk_loop_add(struct desk_loop *l, struct desk_source *s, uint32_t events);
void desk_loop_modify(struct desk_loop *l, struct desk_source *s,
		      uint32_t events);
void desk_loop_remove(struct desk_loop *l, struct desk_source *s);

/* Once, `after_ns` from now; a timer that is set is set anew. */
void desk_loop_timer_set(struct desk_loop *l, struct desk_timer *t,
			 uint64_t after_ns);
void desk_loop_timer_stop(struct desk_timer *t);

/*
 * The next connection that waits on a listening socket: a non-blocking fd,
 * or -1 if there is none.  Where this process has no descriptor left the
 * connection is closed, so that it does not wake the loop for ever.
 */
int desk_loop_accept(struct desk_loop *l, int listen_fd);

/* Until desk_loop_quit(); 0 or -errno. */
int desk_loop_run(struct desk_loop *l);
/* Wait at most `ms` once, and call what is due.  For tests. */
int desk_loop_once(struct desk_loop *l, int ms);
void desk_loop_quit(struct desk_loop *l);

#endif
