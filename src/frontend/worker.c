/* SPDX-License-Identifier: MIT */
#include "frontend/worker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void fd_poke(int fd)
{
	const uint64_t one = 1;

	/* It cannot fail but by overflow, which takes 2^64 pokes. */
	(void)!write(fd, &one, sizeof(one));
}

void front_worker_poke(const struct front_worker *w)
{
	fd_poke(w->poke_fd);
}

int front_worker_error(const struct front_worker *w)
{
	/* What the queue noted of its fault is seen with it. */
	return __atomic_load_n(&w->error, __ATOMIC_ACQUIRE);
}

void front_worker_result(struct front_worker *w, int err)
{
	if (!err || w->error)
		return;
	__atomic_store_n(&w->error, err, __ATOMIC_RELEASE);
	front_worker_poke(w);
}

void front_worker_service(struct front_worker *w)
{
	if (!w->error)
		front_worker_result(w, front_queue_service(w->queue));
}

/* ---- the thread -----------------------------------------------------------
 */

static void worker_hear(struct front_worker *w)
{
	uint64_t count;

	if (read(w->wake_fd, &count, sizeof(count)) < 0)
		return;
	w->call(w->arg);
	sem_post(&w->called);
}

static void *worker_run(void *arg)
{
	struct front_worker *w = arg;
	struct xen_host *h = w->queue->host;
	int port_fd = h->ops->evtchn.fd(w->queue->evtchn);

	while (!w->quit) {
		/* A queue that failed is never looked at again. */
		bool alive = !w->error && !w->queue->ended;
		struct pollfd fds[] = {
			{ .fd = w->wake_fd, .events = POLLIN },
			{ .fd = alive ? port_fd : -1, .events = POLLIN },
		};
		bool again = alive && w->queue->again;

		if (poll(fds, 2, again ? 0 : -1) < 0 && errno != EINTR)
			front_worker_result(w, -errno);
		if (fds[0].revents)
			worker_hear(w);
		if (alive && (fds[1].revents || again))
			front_worker_service(w);
	}
	return NULL;
}

static void worker_quit(void *arg)
{
	struct front_worker *w = arg;

	w->quit = true;
}

/* ---- the loop's side ------------------------------------------------------
 */

int front_worker_open(struct front_worker *w, struct front_queue *q,
		      bool threaded, int poke_fd, struct why *why)
{
	int err;

	memset(w, 0, sizeof(*w));
	w->queue = q;
	w->poke_fd = poke_fd;
	if (!threaded)
		return 0;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake_fd < 0)
		return why_set(why, -errno, "cannot make an eventfd: %s",
			       strerror(errno));
	sem_init(&w->called, 0, 0);
	err = pthread_create(&w->thread, NULL, worker_run, w);
	if (!err) {
		w->threaded = true;
		return 0;
	}
	close(w->wake_fd);
	sem_destroy(&w->called);
	return why_set(why, -err, "cannot start a queue's thread: %s",
		       strerror(err));
}

void front_worker_close(struct front_worker *w)
{
	if (!w->threaded)
		return;
	front_worker_call(w, worker_quit, w);
	pthread_join(w->thread, NULL);
	close(w->wake_fd);
	sem_destroy(&w->called);
	w->threaded = false;
}

void front_worker_call(struct front_worker *w, void (*call)(void *arg),
		       void *arg)
{
	if (!w->threaded) {
		call(arg);
		return;
	}
	w->call = call;
	w->arg = arg;
	fd_poke(w->wake_fd);
	while (sem_wait(&w->called))
		;
}

/* ---- what it is called for ------------------------------------------------
 */

struct worker_ask {
	struct front_queue *queue;
	struct front_worker_load *load;
	int error;
};

static void ask_load(void *arg)
{
	struct worker_ask *ask = arg;

	ask->load->busy = front_queue_busy(ask->queue);
	ask->load->in_flight = ask->queue->in_flight;
	ask->load->progress_ns = ask->queue->progress_ns;
}

static void ask_end(void *arg)
{
	struct worker_ask *ask = arg;

	front_queue_fail(ask->queue, ask->error);
}

void front_worker_look(struct front_worker *w, struct front_worker_load *out)
{
	struct worker_ask ask = { .queue = w->queue, .load = out };

	front_worker_call(w, ask_load, &ask);
}

void front_worker_end(struct front_worker *w, int error)
{
	struct worker_ask ask = { .queue = w->queue, .error = error };

	front_worker_call(w, ask_end, &ask);
}
