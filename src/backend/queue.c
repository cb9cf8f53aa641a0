/* SPDX-License-Identifier: MIT */
/*
 * The thread of a queue: turn after turn (turn.h), and when one finds nothing:
 * look for a while, if nothing is in flight and requests have lately come
 * soon; then final check (RG-31), unmask, sleep on the event channel, the
 * storage and the stop signal.
 */
#include "backend/queue.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/turn.h"
#include "base/clock.h"
#include "grant/ring.h"

/* After this time without work, grants are given back. */
#define IDLE_MS 5000

struct queue {
	struct xen_host *host;
	struct xen_gnttab *gnttab;
	struct xen_map ring_map;
	struct channel channel;
	struct turn turn;
	struct turn_storage change; /* the turn's from start to end of one */
	struct patience patience;
	uint64_t idle_ns; /* since when it waits for requests alone, or 0 */
	struct ev_origin ev;
	int fault_fd;
	int stop_fd;
	bool running;
	bool keeping; /* grants may be kept that could be given back */
	bool halted;  /* takes no more; the thread's own */
	atomic_bool stop;
	bool abandon; /* told by `stop` */
	atomic_bool faulted;
	struct queue_fault fault;
	pthread_t thread;
};

/* ---- the thread --------------------------------------------------------- */

static void queue_halt(struct queue *q, const char *rule, int err,
		       const char *text)
{
	if (q->halted)
		return;
	q->halted = true;
	q->fault.rule = rule;
	why_set(&q->fault.why, err, "%s", text);
	atomic_store_explicit(&q->faulted, true, memory_order_release);
	eventfd_write(q->fault_fd, 1);
}

/* Sleep until there may be work.  Returns 1 if a notification was taken. */
static int queue_sleep(struct queue *q, bool stopping)
{
	struct pollfd fd[3] = {
		{ .fd = q->turn.disk->ops->fd(q->turn.storage),
		  .events = POLLIN },
		{ .fd = stopping ? -1 : q->stop_fd, .events = POLLIN },
		{ .fd = stopping || q->halted ? -1 : channel_fd(&q->channel),
		  .events = POLLIN },
	};
	int taken = 0, n;

	turn_publish(&q->turn);
	n = poll(fd, 3, q->keeping ? IDLE_MS : -1);
	if (n < 0 && errno != EINTR)
		abort(); /* only a program error can bring this */
	if (!n)
		q->keeping = grant_space_idle(q->turn.grants);
	/* Before what it stands for is looked at; the end needs it no more. */
	if (fd[1].revents)
		eventfd_read(q->stop_fd, &(eventfd_t){ 0 });
	if (fd[2].revents) {
		taken = channel_take(&q->channel);
		if (taken < 0)
			queue_halt(q, "", taken,
				   "the host gives no "
				   "notifications any more");
	}
	return taken > 0;
}

static void queue_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/*
 * So many looks at the ring for each pause and each look at the clock, which
 * may be a system call in a domain whose clock is Xen's.
 */
#define LOOKS 32

/*
 * Nothing is in flight: look for requests as long as they have lately taken
 * to come.  No notification is asked for meanwhile.  True if one has come.
 */
static bool queue_poll(struct queue *q)
{
	uint64_t look = patience_ns(&q->patience), now, from, until;
	bool found = false;
	unsigned i;

	q->idle_ns = q->turn.answered_ns;
	if (!look)
		return false;
	now = from = clock_now_ns();
	until = from + look;
	while (!found && now < until) {
		if (atomic_load_explicit(&q->stop, memory_order_relaxed))
			break;
		for (i = 0; i < LOOKS && !found; i++)
			found = ring_back_peek(&q->turn.ring);
		if (!found)
			queue_relax();
		now = clock_now_ns();
	}
	ev_queue_poll(&q->ev, now - from, found);
	return found;
}

/*
 * turn_run(); if it finds the request that the queue has waited for, that
 * wait is learned.  What the turn itself takes is no part of it.
 */
static unsigned queue_next_turn(struct queue *q)
{
	bool stop = atomic_load_explicit(&q->stop, memory_order_acquire);
	const struct turn_fault *fault = &q->turn.fault;
	unsigned work;

	q->turn.abandon = stop && q->abandon;
	work = turn_run(&q->turn, !stop && !q->halted);
	if (fault->text)
		queue_halt(q, fault->rule, fault->err, fault->text);
	if (q->turn.changed) {
		q->turn.changed = false;
		eventfd_write(q->fault_fd, 1);
	}
	if (work && q->idle_ns) {
		patience_learn(&q->patience, q->turn.taken_ns - q->idle_ns);
		q->idle_ns = 0;
	}
	return work;
}

static void *queue_main(void *arg)
{
	struct queue *q = arg;
	bool woken = false, worked = false;

	for (;;) {
		bool stopping;

		if (queue_next_turn(q)) {
			worked = true;
			q->keeping = grant_space_kept(q->turn.grants) > 0;
			continue;
		}
		stopping = atomic_load(&q->stop);
		if (stopping && !turn_in_flight(&q->turn))
			break;
		if (stopping)
			turn_hurry(&q->turn);
		/* New requests wait in the ring for the new storage. */
		if (!stopping && !q->halted && !turn_changing(&q->turn)) {
			if (q->patience.max_ns && !q->idle_ns &&
			    !turn_in_flight(&q->turn) && queue_poll(q))
				continue;
			if (ring_back_final_check(&q->turn.ring))
				continue;
			if (channel_rearm(&q->channel, worked || !woken) < 0)
				queue_halt(q, "", -EPIPE,
					   "the host does not "
					   "unmask the event channel");
			worked = false;
		}
		woken = queue_sleep(q, stopping);
	}
	return NULL;
}

/* ---- opening and closing ------------------------------------------------ */

int queue_open(struct queue **out, const struct queue_setup *setup,
	       const char **rule, struct why *why)
{
	const struct xen_ops *ops = setup->host->ops;
	struct queue *q = calloc(1, sizeof(*q));
	uint32_t order;
	int err;

	if (!q)
		return why_set(why, -ENOMEM, "no memory for a queue");
	q->host = setup->host;
	q->ev = setup->ev;
	q->fault_fd = setup->fault_fd;
	patience_init(&q->patience, setup->poll_us);
	q->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->stop_fd < 0) {
		err = why_set(why, -errno, "cannot make an eventfd: %s",
			      strerror(errno));
		goto fail;
	}
	err = ops->gnttab.open(setup->host, &q->gnttab);
	if (err) {
		why_set(why, err, "cannot open grants: %s", strerror(-err));
		goto fail;
	}
	err = grant_ring_map(q->gnttab, setup->host, setup->domid,
			     setup->ring_grefs, setup->ring_pages, &q->ev,
			     &q->ring_map, why);
	if (err == -EFAULT)
		*rule = "XB-03";
	if (err)
		goto fail;
	err = turn_open(&q->turn, setup, q->gnttab, &q->channel,
			q->ring_map.addr, why);
	if (err)
		goto fail;
	order = (uint32_t)__builtin_ctz(setup->ring_pages);
	ev_ring_map(&q->ev, order, q->turn.ring.entries, setup->ring_grefs,
		    setup->ring_pages);
	err = channel_open(&q->channel, setup->host, setup->domid,
			   setup->evtchn_port, &q->ev, rule, why);
	if (err)
		goto fail;
	*out = q;
	return 0;
fail:
	queue_close(q);
	return err;
}

int queue_start(struct queue *q, struct why *why)
{
	int err = pthread_create(&q->thread, NULL, queue_main, q);

	if (err)
		return why_set(why, -err, "cannot start a thread: %s",
			       strerror(err));
	q->running = true;
	ev_queue_start(&q->ev, q->turn.ring.entries);
	return 0;
}

void queue_stop(struct queue *q, bool abandon)
{
	if (!q->running || atomic_load(&q->stop))
		return;
	q->abandon = abandon;
	atomic_store(&q->stop, true);
	eventfd_write(q->stop_fd, 1);
}

void queue_close(struct queue *q)
{
	if (!q)
		return;
	if (q->running) {
		queue_stop(q, false);
		pthread_join(q->thread, NULL);
		ev_queue_stop(&q->ev, q->turn.table.taken,
			      q->turn.table.responded, q->channel.sent,
			      q->turn.pushes - q->channel.sent);
	}
	channel_close(&q->channel);
	queue_change_drop(q);
	turn_close(&q->turn);
	if (q->ring_map.addr) {
		grant_ring_unmap(q->gnttab, q->host, &q->ev, &q->ring_map);
		ev_ring_unmap(&q->ev, q->turn.ring.entries);
	}
	if (q->gnttab)
		q->host->ops->gnttab.close(q->gnttab);
	if (q->stop_fd >= 0)
		close(q->stop_fd);
	free(q);
}

/* ---- other storage ------------------------------------------------------ */

void queue_resize(struct queue *q, uint64_t size_bytes)
{
	atomic_store_explicit(&q->turn.size_bytes, size_bytes,
			      memory_order_release);
}

int queue_change_prepare(struct queue *q, struct disk *disk,
			 uint64_t size_bytes, struct why *why)
{
	q->change.disk = disk;
	q->change.size_bytes = size_bytes;
	return disk->ops->queue_open(disk, q->turn.ring.entries,
				     &q->change.queue, why);
}

void queue_change_start(struct queue *q)
{
	atomic_store_explicit(&q->turn.change, &q->change,
			      memory_order_release);
	eventfd_write(q->stop_fd, 1);
}

void queue_change_drop(struct queue *q)
{
	if (q->change.queue)
		q->change.disk->ops->queue_close(q->change.queue);
	q->change.queue = NULL;
}

bool queue_changed(struct queue *q)
{
	if (turn_changing(&q->turn))
		return false;
	queue_change_drop(q);
	return true;
}

const struct queue_fault *queue_fault(const struct queue *q)
{
	if (!atomic_load_explicit(&q->faulted, memory_order_acquire))
		return NULL;
	return &q->fault;
}
