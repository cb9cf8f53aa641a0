/* SPDX-License-Identifier: MIT */
/*
 * The hand-over is a list under a mutex and an eventfd; the caller sleeps on
 * a semaphore of its own, on its own stack, so that nothing is allocated and
 * nobody is woken for somebody else.
 */
#include "frontend/bridge.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct bridge_op {
	struct front_io io;
	sem_t done;
	struct bridge_op *next;
};

struct front_bridge {
	struct front_bridge_options opt;
	pthread_t thread;
	sem_t started;
	int start_error;
	struct why start_why;
	int close_error;
	struct why close_why;

	/* The loop's own: */
	struct front_guest guest;
	struct front_device device;
	bool quit; /* stop_fd asked for it: nothing new is begun */

	pthread_mutex_t lock;
	/* Under the lock: */
	struct bridge_op *head, **tail;
	bool stop;  /* front_bridge_stop() was called */
	bool ended; /* nothing is accepted any more */

	int event_fd; /* the list has something, or stop is set */
};

static void bridge_poke(struct front_bridge *b)
{
	const uint64_t one = 1;

	/* It cannot fail but by overflow, which takes 2^64 pokes. */
	(void)!write(b->event_fd, &one, sizeof(one));
}

/* ---- the loop's thread ----------------------------------------------------
 */

static void bridge_done(struct front_io *io)
{
	struct bridge_op *op = io->opaque;

	sem_post(&op->done);
}

static struct bridge_op *bridge_take(struct front_bridge *b, bool end)
{
	struct bridge_op *list;

	pthread_mutex_lock(&b->lock);
	list = b->head;
	b->head = NULL;
	b->tail = &b->head;
	b->ended |= end;
	pthread_mutex_unlock(&b->lock);
	return list;
}

static void bridge_poked(struct front_wake *wake)
{
	struct front_bridge *b = wake->opaque;
	struct bridge_op *op, *next;
	uint64_t count;

	if (read(wake->fd, &count, sizeof(count)) < 0 || b->quit)
		return;
	for (op = bridge_take(b, false); op; op = next) {
		next = op->next; /* once done, it is the caller's stack */
		op->io.error = front_device_submit(&b->device, 0, &op->io);
		if (op->io.error)
			bridge_done(&op->io);
	}
	front_device_kick(&b->device, 0);
}

static void bridge_told(struct front_wake *wake)
{
	struct front_bridge *b = wake->opaque;
	char word;

	if (recv(wake->fd, &word, 1, MSG_DONTWAIT) == 1 &&
	    word == FRONT_BRIDGE_QUIT) {
		b->quit = true;
		return;
	}
	wake->fd = -1;
	b->guest.interrupts++;
	if (b->device.phase == FRONT_CONNECTED)
		front_device_fail(&b->device, -ESHUTDOWN,
				  "stopped before the backend of %s had "
				  "answered everything",
				  b->device.name);
}

static bool bridge_stopping(struct front_bridge *b)
{
	bool stop;

	pthread_mutex_lock(&b->lock);
	stop = b->stop;
	pthread_mutex_unlock(&b->lock);
	return stop;
}

static void bridge_refuse(struct front_bridge *b)
{
	struct bridge_op *op, *next;

	for (op = bridge_take(b, true); op; op = next) {
		next = op->next;
		op->io.error = -ESHUTDOWN;
		bridge_done(&op->io);
	}
}

/*
 * Serve until somebody or something ends it; then close.  Whether it ended by
 * itself.
 */
static bool bridge_serve(struct front_bridge *b)
{
	struct why why;
	int ended;

	while (!b->quit && !bridge_stopping(b) &&
	       !front_device_ended(&b->device, NULL))
		front_guest_step(&b->guest, -1);

	ended = front_device_ended(&b->device, &why);
	if (ended && b->opt.ended)
		b->opt.ended(b->opt.opaque, &why);
	/* Who asked for it wants the disk closed before anybody's I/O fails. */
	if (!b->quit)
		bridge_refuse(b);
	b->close_error = front_device_close(&b->device, &b->close_why);
	if (ended)
		b->close_error = 0;
	return ended;
}

static int bridge_open(struct front_bridge *b, struct why *why)
{
	const struct front_bridge_options *o = &b->opt;
	int err = front_guest_open(&b->guest, o->dir, o->domid, why);

	if (err)
		return err;
	front_guest_wake_on(&b->guest, b->event_fd, bridge_poked, b);
	if (o->stop_fd >= 0)
		front_guest_wake_on(&b->guest, o->stop_fd, bridge_told, b);
	front_guest_started(&b->guest, o->program);
	err = front_device_open(&b->device, &b->guest, &o->device, why);
	if (err)
		front_guest_close(&b->guest);
	return err;
}

static void *bridge_thread(void *arg)
{
	struct front_bridge *b = arg;
	bool ended;

	b->start_error = bridge_open(b, &b->start_why);
	sem_post(&b->started);
	if (b->start_error)
		return NULL;
	ended = bridge_serve(b);
	front_guest_ended(&b->guest, b->opt.program);
	front_guest_close(&b->guest);
	if (b->quit && !ended && b->opt.closed)
		b->opt.closed(b->opt.opaque,
			      b->close_error ? &b->close_why : NULL);
	bridge_refuse(b);
	return NULL;
}

/* ---- the others -----------------------------------------------------------
 */

static void bridge_free(struct front_bridge *b)
{
	if (b->event_fd >= 0)
		close(b->event_fd);
	sem_destroy(&b->started);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

int front_bridge_start(const struct front_bridge_options *opt,
		       struct front_bridge **out, struct why *why)
{
	struct front_bridge *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return why_set(why, -ENOMEM, "out of memory");
	b->opt = *opt;
	b->tail = &b->head;
	pthread_mutex_init(&b->lock, NULL);
	sem_init(&b->started, 0, 0);
	b->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = b->event_fd < 0
		      ? errno
		      : pthread_create(&b->thread, NULL, bridge_thread, b);
	if (err) {
		bridge_free(b);
		return why_set(why, -err,
			       "cannot start the frontend's thread: %s",
			       strerror(err));
	}
	while (sem_wait(&b->started))
		;
	err = b->start_error;
	if (!err) {
		*out = b;
		return 0;
	}
	pthread_join(b->thread, NULL);
	why_set(why, err, "%s", b->start_why.text);
	bridge_free(b);
	return err;
}

const struct front_settled *front_bridge_settled(const struct front_bridge *b)
{
	return &b->device.settled;
}

int front_bridge_io(struct front_bridge *b, enum ring_op op, void *buf,
		    uint32_t len_bytes, uint64_t off_bytes)
{
	struct bridge_op o = {
		.io = {
			.op = op,
			.off_bytes = off_bytes,
			.len_bytes = len_bytes,
			.buf = buf,
			.done = bridge_done,
		},
	};
	bool ended, first;

	o.io.opaque = &o;
	sem_init(&o.done, 0, 0);
	pthread_mutex_lock(&b->lock);
	ended = b->ended;
	first = !b->head;
	if (!ended) {
		*b->tail = &o;
		b->tail = &o.next;
	}
	pthread_mutex_unlock(&b->lock);
	if (ended) {
		sem_destroy(&o.done);
		return -ESHUTDOWN;
	}
	if (first)
		bridge_poke(b);
	while (sem_wait(&o.done))
		;
	sem_destroy(&o.done);
	return o.io.error;
}

int front_bridge_stop(struct front_bridge *b, struct why *why)
{
	int err;

	pthread_mutex_lock(&b->lock);
	b->stop = true;
	pthread_mutex_unlock(&b->lock);
	bridge_poke(b);
	pthread_join(b->thread, NULL);
	err = b->close_error;
	if (err)
		why_set(why, err, "%s", b->close_why.text);
	bridge_free(b);
	return err;
}
