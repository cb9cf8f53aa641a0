/* SPDX-License-Identifier: MIT */
/*
 * The thread of one queue.  The first queue of a device is served by the
 * guest's loop; each other one has a thread of its own, which does nothing
 * else, so that nothing is shared and nothing is locked on the way of a
 * request.
 *
 * What the loop wants of a queue it does by front_worker_call(), on that
 * queue's thread.  What a queue has to tell, that it failed or that somebody
 * should look, goes to the loop's eventfd.
 */
#ifndef FRONTEND_WORKER_H
#define FRONTEND_WORKER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

#include "base/why.h"
#include "frontend/queue.h"

struct front_worker {
	struct front_queue *queue; /* borrowed */
	int poke_fd;		   /* the loop's, borrowed */
	int error;		   /* the queue's first failure; atomic */
	/* Of a thread of its own: */
	bool threaded;
	bool quit;
	int wake_fd; /* a call is wanted */
	pthread_t thread;
	sem_t called; /* and done */
	void (*call)(void *arg);
	void *arg;
};

/*
 * Serve `q`, which is open, with a thread of its own or on the loop's.  0 or
 * -errno with a sentence.
 */
int front_worker_open(struct front_worker *w, struct front_queue *q,
		      bool threaded, int poke_fd, struct why *why);

/* End the thread; the queue stays, and is the loop's. */
void front_worker_close(struct front_worker *w);

/*
 * Call call(arg) on the queue's thread; returns when it is done.  From the
 * loop's thread only.
 */
void front_worker_call(struct front_worker *w, void (*call)(void *arg),
		       void *arg);

/* What a queue has to do. */
struct front_worker_load {
	bool busy;	      /* something is accepted or in flight */
	unsigned in_flight;   /* on its ring */
	uint64_t progress_ns; /* the last answer, or the first request */
};

/* The same, to look at the queue, or to end all that is in it with `error`. */
void front_worker_look(struct front_worker *w, struct front_worker_load *out);
void front_worker_end(struct front_worker *w, int error);

/* On the queue's thread: what a step of it returned; a failure is kept. */
void front_worker_result(struct front_worker *w, int err);

/* On the queue's thread: take the responses that are there. */
void front_worker_service(struct front_worker *w);

/* The loop shall look. */
void front_worker_poke(const struct front_worker *w);

/* The queue's first failure, or 0; from any thread. */
int front_worker_error(const struct front_worker *w);

#endif
