/* SPDX-License-Identifier: MIT */
/*
 * One turn of a queue:
 *
 *   reap     what the storage has finished
 *   take     new requests: copy, check, map in one batch, submit
 *   kick     start the storage operations, one system call
 *   answer   unmap in one batch, write responses, publish, notify by RG-30
 *
 * and when a turn finds nothing: look for a while, if nothing is in flight and
 * requests have lately come soon; then final check (RG-31), unmask, sleep on
 * the event channel, the storage and the stop signal.
 */
#include "backend/queue.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/channel.h"
#include "base/clock.h"
#include "base/log.h"
#include "grant/ring.h"
#include "grant/space.h"
#include "request/request.h"
#include "ring/back.h"

/* After this time without work, grants are given back. */
#define IDLE_MS 5000

struct queue {
	struct xen_host *host;
	struct disk *disk;
	struct disk_queue *storage;
	struct xen_gnttab *gnttab;
	struct grant_space *grants;
	struct xen_map ring_map;
	struct ring_back ring;
	struct channel channel;
	struct patience patience;
	uint64_t idle_ns; /* since when it waits for requests alone, or 0 */
	struct request_table table;
	struct ev_origin ev;
	struct log_limit limit;

	/* Room for one turn, `entries` each. */
	struct request **done; /* to be answered */
	unsigned ndone;
	struct request **batch;
	struct grant_use **uses;
	struct disk_op **reaped;

	uint64_t pushes; /* pushes with responses in them */
	int fault_fd;
	int stop_fd;
	bool running;
	bool keeping; /* grants may be kept that could be given back */
	bool halted;  /* takes no more; the thread's own */
	atomic_bool stop;
	atomic_bool faulted;
	struct queue_fault fault;
	pthread_t thread;
};

/* ---- one turn ----------------------------------------------------------- */

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

static unsigned queue_reap(struct queue *q)
{
	unsigned i, n;

	n = q->disk->ops->reap(q->storage, q->reaped, q->ring.entries);
	for (i = 0; i < n; i++) {
		struct request *r = request_of_io(q->reaped[i]);

		if (request_stored(&q->table, r))
			q->done[q->ndone++] = r;
		else
			q->disk->ops->submit(q->storage,
					     request_store(&q->table, r));
	}
	return n;
}

static void queue_submit(struct queue *q, struct request *r)
{
	request_hold(r);
	q->disk->ops->submit(q->storage, request_store(&q->table, r));
}

static void queue_refusal_log(struct queue *q, const struct request *r,
			      const struct request_refusal *refusal)
{
	if (log_limit_pass(&q->limit))
		log_warn("domain %u device %u queue %u: request %llu refused "
			 "by rule %s: %s",
			 q->ev.domid, q->ev.devid, q->ev.queue,
			 (unsigned long long)r->seq, refusal->rule,
			 refusal->detail);
}

/* Map the pages of a batch and hand it to the storage. */
static void queue_batch_start(struct queue *q, unsigned n)
{
	unsigned i;

	if (!n)
		return;
	for (i = 0; i < n; i++)
		q->uses[i] = request_use(q->batch[i]);
	grant_space_acquire(q->grants, q->uses, n);
	for (i = 0; i < n; i++) {
		struct request *r = q->batch[i];

		if (!r->use.error) {
			queue_submit(q, r);
			continue;
		}
		if (log_limit_pass(&q->limit))
			log_warn("domain %u device %u queue %u: request %llu "
				 "failed: its pages could not be mapped",
				 q->ev.domid, q->ev.devid, q->ev.queue,
				 (unsigned long long)r->seq);
		request_fail(r, RING_STATUS_ERROR);
		q->done[q->ndone++] = r;
	}
}

static unsigned queue_take(struct queue *q)
{
	int ready = ring_back_ready(&q->ring);
	unsigned i, n = 0;

	if (ready < 0) {
		queue_halt(q, "RG-20", ready,
			   "the frontend's req_prod claims "
			   "more requests than the ring holds");
		return 0;
	}
	for (i = 0; i < (unsigned)ready; i++) {
		struct request_refusal refusal;
		struct request *r = request_take(&q->table, &q->ring, &refusal);

		if (refusal.rule) {
			queue_refusal_log(q, r, &refusal);
			q->done[q->ndone++] = r;
		} else if (r->checked.pieces) {
			q->batch[n++] = r;
		} else {
			queue_submit(q, r); /* a flush without data */
		}
	}
	queue_batch_start(q, n);
	return (unsigned)ready;
}

static void queue_answer(struct queue *q)
{
	unsigned i, held = 0;

	if (!q->ndone)
		return;
	for (i = 0; i < q->ndone; i++)
		if (request_holds_pages(q->done[i])) {
			request_release_begin(q->done[i]);
			q->uses[held++] = &q->done[i]->use;
		}
	grant_space_release(q->grants, q->uses, held);
	for (i = 0; i < q->ndone; i++) {
		request_release_end(q->done[i]);
		request_respond(&q->table, q->done[i], &q->ring);
	}
	q->ndone = 0;
	q->pushes++;
	if (ring_back_push(&q->ring) && channel_notify(&q->channel) < 0)
		queue_halt(q, "", -EPIPE, "the host took no notification");
}

static unsigned queue_turn(struct queue *q)
{
	unsigned work = queue_reap(q);

	if (!q->halted && !atomic_load_explicit(&q->stop, memory_order_relaxed))
		work += queue_take(q);
	if (work)
		q->disk->ops->kick(q->storage);
	queue_answer(q);
	return work;
}

/* ---- the thread --------------------------------------------------------- */

static uint64_t queue_in_flight(const struct queue *q)
{
	return q->table.taken - q->table.responded;
}

/* Sleep until there may be work.  Returns 1 if a notification was taken. */
static int queue_sleep(struct queue *q, bool stopping)
{
	struct pollfd fd[3] = {
		{ .fd = q->disk->ops->fd(q->storage), .events = POLLIN },
		{ .fd = stopping ? -1 : q->stop_fd, .events = POLLIN },
		{ .fd = stopping || q->halted ? -1 : channel_fd(&q->channel),
		  .events = POLLIN },
	};
	int taken = 0, n;

	n = poll(fd, 3, q->keeping ? IDLE_MS : -1);
	if (n < 0 && errno != EINTR)
		abort(); /* only a program error can bring this */
	if (!n)
		q->keeping = grant_space_idle(q->grants);
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
 * Nothing is in flight: look for requests as long as they have lately taken
 * to come.  No notification is asked for meanwhile.  True if one has come.
 */
static bool queue_poll(struct queue *q)
{
	uint64_t now = clock_now_ns(), from = now;
	uint64_t until = now + patience_ns(&q->patience);
	bool found = false;

	q->idle_ns = from;
	if (until == from)
		return false;
	while (!found && now < until) {
		if (atomic_load_explicit(&q->stop, memory_order_relaxed))
			break;
		queue_relax();
		found = ring_back_peek(&q->ring);
		now = clock_now_ns();
	}
	ev_queue_poll(&q->ev, now - from, found);
	return found;
}

/*
 * queue_turn(); if it finds the request that the queue has waited for, that
 * wait is learned.  What the turn itself takes is no part of it.
 */
static unsigned queue_next_turn(struct queue *q)
{
	uint64_t begin = q->idle_ns ? clock_now_ns() : 0;
	unsigned work = queue_turn(q);

	if (work && q->idle_ns) {
		patience_learn(&q->patience, begin - q->idle_ns);
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
			worked = q->keeping = true;
			continue;
		}
		stopping = atomic_load(&q->stop);
		if (stopping && !queue_in_flight(q))
			break;
		if (!stopping && !q->halted) {
			if (q->patience.max_ns && !q->idle_ns &&
			    !queue_in_flight(q) && queue_poll(q))
				continue;
			if (ring_back_final_check(&q->ring))
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

static int queue_rooms_alloc(struct queue *q, struct why *why)
{
	uint32_t n = q->ring.entries;

	q->done = calloc(n, sizeof(*q->done));
	q->batch = calloc(n, sizeof(*q->batch));
	q->uses = calloc(n, sizeof(*q->uses));
	q->reaped = calloc(n, sizeof(*q->reaped));
	if (!q->done || !q->batch || !q->uses || !q->reaped)
		return why_set(why, -ENOMEM, "no memory for a ring of %u", n);
	return 0;
}

static int queue_grants_open(struct queue *q, const struct queue_setup *setup,
			     struct why *why)
{
	const struct grant_space_setup grants = {
		.host = setup->host,
		.gnttab = q->gnttab,
		.domid = setup->domid,
		.path = setup->grant_path,
		.uses_max = q->ring.entries,
		.segs_max = RING_SEGS_MAX,
		.keep_pages = setup->grant_keep_pages,
		.budget = setup->grant_budget,
		.ev = q->ev,
	};

	return grant_space_open(&q->grants, &grants, why);
}

int queue_open(struct queue **out, const struct queue_setup *setup,
	       struct why *why)
{
	const struct xen_ops *ops = setup->host->ops;
	struct queue *q = calloc(1, sizeof(*q));
	uint32_t order;
	int err;

	if (!q)
		return why_set(why, -ENOMEM, "no memory for a queue");
	q->host = setup->host;
	q->disk = setup->disk;
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
	if (err)
		goto fail;
	ring_back_init(&q->ring, q->ring_map.addr, setup->ring_pages,
		       setup->abi, &q->ev);
	order = (uint32_t)__builtin_ctz(setup->ring_pages);
	ev_ring_map(&q->ev, order, q->ring.entries, setup->ring_grefs,
		    setup->ring_pages);

	err = queue_rooms_alloc(q, why);
	if (!err)
		err = request_table_open(&q->table, q->ring.entries,
					 &setup->limits, &q->ev, why);
	if (!err)
		err = queue_grants_open(q, setup, why);
	if (!err)
		err = q->disk->ops->queue_open(q->disk, q->ring.entries,
					       &q->storage, why);
	if (!err)
		err = channel_open(&q->channel, setup->host, setup->domid,
				   setup->evtchn_port, &q->ev, why);
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
	ev_queue_start(&q->ev, q->ring.entries);
	return 0;
}

void queue_close(struct queue *q)
{
	if (!q)
		return;
	if (q->running) {
		atomic_store(&q->stop, true);
		eventfd_write(q->stop_fd, 1);
		pthread_join(q->thread, NULL);
		ev_queue_stop(&q->ev, q->table.taken, q->table.responded,
			      q->channel.sent, q->pushes - q->channel.sent);
	}
	channel_close(&q->channel);
	if (q->storage)
		q->disk->ops->queue_close(q->storage);
	grant_space_close(q->grants);
	request_table_close(&q->table);
	if (q->ring_map.addr) {
		grant_ring_unmap(q->gnttab, q->host, &q->ev, &q->ring_map);
		ev_ring_unmap(&q->ev, q->ring.entries);
	}
	if (q->gnttab)
		q->host->ops->gnttab.close(q->gnttab);
	if (q->stop_fd >= 0)
		close(q->stop_fd);
	free(q->done);
	free(q->batch);
	free(q->uses);
	free(q->reaped);
	free(q);
}

const struct queue_fault *queue_fault(const struct queue *q)
{
	if (!atomic_load_explicit(&q->faulted, memory_order_acquire))
		return NULL;
	return &q->fault;
}
