/* SPDX-License-Identifier: MIT */
/*
 * One turn of a queue, without the thread that takes one after the other:
 *
 *   reap     what the storage has finished
 *   take     new requests: copy, check; indirect ones: read their segments
 *   start    those that may: map in one batch, submit
 *   kick     start the storage operations, one system call
 *   answer   unmap in one batch, write responses, publish, notify by RG-30
 *
 * Nothing here waits, allocates or locks.
 *
 * A change of storage (turn->change) is done between two turns: from when it
 * is seen no requests are taken, those that were taken are still served by
 * the old storage, and when none is left the two change places.
 */
#ifndef BACKEND_TURN_H
#define BACKEND_TURN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/channel.h"
#include "backend/queue.h"
#include "base/log.h"
#include "grant/space.h"
#include "request/request.h"
#include "ring/back.h"

/* Why no more can be taken from this ring; `text` is NULL as long as it can. */
struct turn_fault {
	const char *rule; /* identifier, or "" */
	int err;	  /* -errno */
	const char *text;
};

/* Storage to change to; and when that is done, what it was changed from. */
struct turn_storage {
	struct disk *disk; /* borrowed */
	struct disk_queue *queue;
	uint64_t size_bytes;
};

struct turn {
	struct disk *disk; /* borrowed */
	struct disk_queue *storage;
	/*
	 * Others write these two.  The size of the storage, below which
	 * requests are checked from the next turn on; and storage to change
	 * to, which is set while this is NULL, and the turn's until then.
	 */
	_Atomic uint64_t size_bytes;
	_Atomic(struct turn_storage *) change;
	bool changed; /* for its owner to take note of, and to clear */
	bool abandon; /* what has not been started fails */
	struct grant_space *grants;
	struct channel *channel; /* borrowed */
	struct ring_back ring;
	struct request_table table;
	struct ev_origin ev;
	struct log_limit *limit; /* of words about it, borrowed */
	struct log_limit own_limit;
	struct turn_fault fault;
	uint64_t pushes;      /* with responses in them */
	uint64_t taken_ns;    /* when requests were last taken, or 0 */
	uint64_t answered_ns; /* when any were last answered, or 0 */
	uint64_t busy_ns;     /* when the first of those in flight came */
	uint64_t indirect;    /* requests with segments in pages */
	struct stats_queue *stats;
	struct stats_queue own_stats; /* where nobody wants them */

	struct request_fifo waiting; /* taken and not started yet */
	unsigned pages_max, pages;   /* of data, held now */
	unsigned storing;	     /* requests that the storage has */
	struct request *barrier;     /* before which nothing else starts */

	/* Room for one turn, as many as entries of the ring each. */
	struct request **done; /* to be answered */
	unsigned ndone;
	struct request **batch;
	struct request **listed; /* segments to be read */
	unsigned nlisted;
	struct grant_use **uses;
	struct disk_op **reaped;
};

/*
 * Allocate for a full ring at `ring_pages`, which is mapped.  `gnttab` and
 * `channel` are borrowed; the channel may be opened later, before the first
 * turn.  On failure what there is goes with turn_close().
 */
int turn_open(struct turn *t, const struct queue_setup *setup,
	      struct xen_gnttab *gnttab, struct channel *channel,
	      void *ring_pages, struct why *why);

/* Nothing is in flight.  What was never opened is fine. */
void turn_close(struct turn *t);

/*
 * Do what there is to do; new requests only if `take`, and never after a
 * fault.  Returns how much there was: after 0, wait.
 */
unsigned turn_run(struct turn *t, bool take);

/*
 * The queue is about to end: what the storage holds back may go on at once, or
 * fails where nobody wants it (turn->abandon).
 */
static inline void turn_hurry(struct turn *t)
{
	if (t->disk->ops->hurry)
		t->disk->ops->hurry(t->storage, t->abandon);
}

/* A change of storage is still to be done. */
static inline bool turn_changing(const struct turn *t)
{
	return atomic_load_explicit(&t->change, memory_order_acquire);
}

/* Bring what is counted elsewhere into the statistics. */
void turn_publish(struct turn *t);

/* Requests taken and not answered. */
static inline uint64_t turn_in_flight(const struct turn *t)
{
	return t->table.taken - t->table.responded;
}

#endif
