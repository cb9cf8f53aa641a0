/* SPDX-License-Identifier: MIT */
/*
 * The life of a request, from the copy of its slot to its response: the one
 * place that knows which requests are in flight and what state each is in.
 *
 *   FREE -> TAKEN -> READY -> HELD -> STORED -> DONE -> FREE
 *            slot  |  checked  pages   with the  result
 *            copied|     ^     held    storage   known
 *                  +-> LISTED
 *                      an indirect request: its segments are to be read
 *
 * A refused request goes from TAKEN or LISTED to DONE at once.  Every one that
 * leaves FREE comes back to it by request_respond(), exactly once (RG-25).
 *
 * A table belongs to one queue and its thread.  It holds one entry per ring
 * slot, so it never runs out; nothing here allocates after it was opened.
 */
#ifndef REQUEST_REQUEST_H
#define REQUEST_REQUEST_H

#include <stdint.h>
#include <sys/uio.h>

#include "base/why.h"
#include "disk/disk.h"
#include "grant/space.h"
#include "request/parse.h"
#include "ring/back.h"
#include "trace/emit.h"

enum request_state {
	REQUEST_FREE,
	REQUEST_TAKEN,
	REQUEST_LISTED,
	REQUEST_READY,
	REQUEST_HELD,
	REQUEST_STORED,
	REQUEST_DONE,
};

struct request {
	struct disk_op io; /* first: the engine gives this back */
	enum request_state state;
	uint64_t seq; /* never repeats in a queue; from 1 */
	uint64_t id;
	uint32_t idx; /* free-running ring index of the request */
	uint8_t op;   /* as claimed; echoed in the response (RG-27) */
	enum ring_status status;
	bool refused;	   /* it broke a rule */
	uint8_t step;	   /* of the operations on the storage that it takes */
	uint64_t taken_ns; /* its owner's: when it was taken */
	struct request_checked checked;
	struct grant_use use;
	struct grant_seg list[RING_LIST_PAGES_MAX]; /* pages of segments */
	struct grant_seg *segs;			    /* pieces of data */
	struct iovec *iov;
	struct request *next; /* in the list of free ones, or its owner's */
};

/* Requests in the order they came, linked through `next`. */
struct request_fifo {
	struct request *head, *tail;
};

static inline void request_fifo_push(struct request_fifo *f, struct request *r)
{
	r->next = NULL;
	if (f->tail)
		f->tail->next = r;
	else
		f->head = r;
	f->tail = r;
}

/* There is one. */
static inline struct request *request_fifo_pop(struct request_fifo *f)
{
	struct request *r = f->head;

	f->head = r->next;
	if (!f->head)
		f->tail = NULL;
	return r;
}

struct request_table {
	struct request *slots;
	uint32_t entries;
	struct request *free;
	/* Room of all requests, request_segs_max() for each. */
	struct grant_seg *segs;
	struct iovec *iov;
	struct ring_segment *list; /* the private copy of one */
	uint64_t last_seq;
	struct ev_origin ev;
	struct request_limits limits;
	/* Counts over the queue's life. */
	uint64_t taken;
	uint64_t refused;
	uint64_t tolerated;
	uint64_t responded;
};

int request_table_open(struct request_table *t, uint32_t entries,
		       const struct request_limits *limits,
		       const struct ev_origin *ev, struct why *why);
void request_table_close(struct request_table *t);

/* The request whose disk_op an engine gave back. */
static inline struct request *request_of_io(struct disk_op *io)
{
	return (struct request *)(void *)io;
}

/*
 * Copy the next slot out of the ring and check it.  The result is READY, or
 * LISTED, or DONE if it breaks a rule: `refusal` then tells which, else its
 * rule is NULL.  Only after ring_back_ready() counted it.
 */
struct request *request_take(struct request_table *t, struct ring_back *ring,
			     struct request_refusal *refusal);

/* LISTED: describe the pages of its segments for grant_space_acquire(). */
struct grant_use *request_list_use(struct request *r);

/*
 * LISTED, and those pages are held, or could not be: copy the segments
 * (XSA-155) and check them.  The result is READY, or DONE as with
 * request_take(); without its pages it is DONE with no rule broken.  The pages
 * are the caller's to release.
 */
void request_list_read(struct request_table *t, struct request *r,
		       struct request_refusal *refusal);

/* READY with data: describe its pages for grant_space_acquire(). */
struct grant_use *request_use(struct request *r);

/* Its pages are held, and one of them by another request, too (GR-48). */
void request_shares(struct request_table *t, const struct request *r);

/* READY -> HELD, after its pages were acquired, or without data at once. */
void request_hold(struct request *r);

/*
 * HELD -> STORED: the next operation for the storage engine, which the
 * caller submits.
 */
struct disk_op *request_store(struct request_table *t, struct request *r);

/*
 * STORED -> DONE when the engine has given its operation back; or -> HELD if
 * there is a next step (the data of a flush or barrier).  True if DONE.
 */
bool request_stored(struct request_table *t, struct request *r);

/* READY or HELD -> DONE: it failed before it reached the storage. */
void request_fail(struct request *r, enum ring_status status);

/* True if pages were acquired for it and have to be released. */
static inline bool request_holds_pages(const struct request *r)
{
	return r->use.count && !r->use.error;
}

/*
 * DONE, and its pages are about to be released: only data that the storage
 * delivered goes to the guest.
 */
static inline void request_release_begin(struct request *r)
{
	r->use.failed = r->status != RING_STATUS_OKAY;
}

/* They were: data that did not reach the guest is an error. */
static inline void request_release_end(struct request *r)
{
	if (r->use.error)
		r->status = RING_STATUS_ERROR;
}

/*
 * DONE -> FREE: write its response (not yet published), took_ns after it was
 * taken.  Its pages were released before (GR-46).
 */
void request_respond(struct request_table *t, struct request *r,
		     struct ring_back *ring, uint64_t took_ns);

#endif
