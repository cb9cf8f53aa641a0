/* SPDX-License-Identifier: MIT */
/*
 * A queue for the benches: a frontend that keeps a ring as full as it may be
 * with the same requests, and at the other end one of two backends: a queue
 * of ringsided, over the desk's grants and event channels, or a bare loop over
 * the same ring and storage, which takes the guest's pages as they are, checks
 * nothing, and waits for nobody.
 *
 * The frontend costs the same in each case: its pages are granted once.
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "backend/queue.h"
#include "ring/front.h"

#define LOAD_ENTRIES_MAX 512u
#define LOAD_PAGES_MAX	 1024u /* of data, of one queue */
#define LOAD_DOMID	 1u

enum load_path { LOAD_BARE, LOAD_MAP, LOAD_COPY, LOAD_KEEP };

struct load_shape {
	unsigned order;	 /* of the ring's pages */
	unsigned queues; /* 1..LOAD_QUEUES_MAX */
	unsigned segs;	 /* of a request, each a page; above 11 indirect */
	bool write;
};

#define LOAD_QUEUES_MAX 4u

/* What both ends and the storage are made of; borrowed. */
struct load_world {
	struct xen_host *back; /* domain 0 */
	struct xen_host *front;
	struct disk *disk;
	struct grant_budget *budget;
	unsigned poll_us;
};

struct load_queue {
	const struct load_world *world;
	const struct load_shape *shape;
	enum load_path path;
	unsigned index;

	/* The frontend's. */
	struct ring_front ring;
	void *ring_pages;
	uint8_t *data, *lists;
	unsigned depth; /* requests in flight, at most */
	uint32_t gref[16 + LOAD_PAGES_MAX + LOAD_ENTRIES_MAX];
	unsigned grefs; /* of the ring, the data, the lists, in this order */
	uint8_t slot[LOAD_ENTRIES_MAX][RING_SLOT_MAX];
	struct xen_evtchn *evtchn;
	int port;
	pthread_t thread;
	atomic_bool stop;
	uint64_t done, errors;
	uint64_t cpu_ns; /* that the frontend took */

	/* The backend's: one of the two. */
	struct queue *queue;
	pthread_t bare;
	struct disk_queue *storage;
	struct disk_op op[LOAD_ENTRIES_MAX];
	struct iovec iov[LOAD_PAGES_MAX];
	atomic_bool bare_stop;
};

/* Both ends of one queue; the load does not run yet. */
int load_open(struct load_queue *q, const struct load_world *world,
	      const struct load_shape *shape, enum load_path path,
	      unsigned index, struct why *why);

int load_start(struct load_queue *q);
/* Until nothing is in flight any more. */
void load_stop(struct load_queue *q);

/* What was opened; a queue of zeroes is fine. */
void load_close(struct load_queue *q);

/* load_bare.c: the other backend. */
int load_bare_start(struct load_queue *q, struct why *why);
void load_bare_stop(struct load_queue *q);

#endif
