/* SPDX-License-Identifier: MIT */
/*
 * A queue: one ring with its event channel, its grants, its requests and its
 * storage queue, served by one thread.  Nothing of it is shared with other
 * queues, so nothing is locked per request.
 */
#ifndef BACKEND_QUEUE_H
#define BACKEND_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/patience.h"
#include "base/log.h"
#include "base/stats.h"
#include "base/why.h"
#include "disk/disk.h"
#include "grant/space.h"
#include "request/parse.h"
#include "ring/abi.h"
#include "trace/emit.h"
#include "xen/xen.h"

struct queue;

struct queue_setup {
	struct xen_host *host; /* borrowed */
	struct disk *disk;     /* borrowed */
	uint16_t domid;	       /* of the frontend */
	enum ring_abi abi;
	const uint32_t *ring_grefs; /* borrowed for the call */
	unsigned ring_pages;
	uint32_t evtchn_port; /* the frontend's */
	struct request_limits limits;
	enum grant_path grant_path;
	unsigned grant_keep_pages;
	struct grant_budget *grant_budget; /* borrowed, shared by all */
	unsigned poll_us;		   /* 0..PATIENCE_MAX_US */
	struct stats_queue *stats;	   /* borrowed; NULL: none */
	struct log_limit *limit; /* of its words, borrowed; NULL: one anew */
	struct ev_origin ev;
	/* An eventfd to write to at a fault, or after a change; borrowed. */
	int fault_fd;
};

/*
 * Map the ring, bind the channel, allocate for a full ring (XB-05).  The
 * thread does not run yet.  On failure nothing is left; *rule is set where the
 * frontend's grant or port is none (XB-03), and not where we are at fault.
 */
int queue_open(struct queue **out, const struct queue_setup *setup,
	       const char **rule, struct why *why);

/* Start the thread. */
int queue_start(struct queue *q, struct why *why);

/*
 * Stop taking requests, and do not wait for it.  With `abandon` what has not
 * been started fails: a frontend may leave hours of work behind.  Once.
 */
void queue_stop(struct queue *q, bool abandon);

/*
 * Stop, wait until all in flight are answered, join the thread (XSA-350),
 * unmap and unbind everything, free.  NULL is fine.
 */
void queue_close(struct queue *q);

/*
 * From the main thread.  The storage has another size: requests that are taken
 * from now on are checked by it.  Not while the storage is changed.
 */
void queue_resize(struct queue *q, uint64_t size_bytes);

/*
 * Change to other storage, from the main thread: prepare all queues of a
 * device, then start them or drop them all.  When a queue has done it, which
 * waits for what is in flight, its fault_fd is written to and queue_changed()
 * is true; by then the old storage's queue is closed.  `disk` is borrowed as
 * the one before was.
 */
int queue_change_prepare(struct queue *q, struct disk *disk,
			 uint64_t size_bytes, struct why *why);
void queue_change_start(struct queue *q);
void queue_change_drop(struct queue *q); /* prepared, or not even that */
bool queue_changed(struct queue *q);

struct queue_fault {
	const char *rule; /* identifier, or "" */
	struct why why;
};

/*
 * The fault that stopped the queue, or NULL.  From any thread; what it
 * points to stays until the queue closes.
 */
const struct queue_fault *queue_fault(const struct queue *q);

#endif
