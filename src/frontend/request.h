/* SPDX-License-Identifier: MIT */
/*
 * One request of a frontend's queue, from the free table entry to the slot
 * and back: its pages, its id, and the checks of its response.
 */
#ifndef FRONTEND_REQUEST_H
#define FRONTEND_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/queue.h"

struct front_request {
	uint64_t id; /* unique among those in flight (RG-26) */
	uint64_t seq;
	struct front_io *io;	 /* NULL while free */
	struct front_page *data; /* its pages, granted, in their order */
	struct front_page *list; /* pages of segments, if it is indirect */
	uint32_t off_bytes;	 /* where its part begins in the io */
	uint32_t len_bytes;
	uint8_t op; /* as the response has to name it (RG-27) */
	uint16_t segments;
	uint16_t first_bytes; /* where the data begins in the first page */
	struct front_request *next_free;
};

/*
 * Ids: a sequence number and the table's index, mixed so that no bit of an
 * id means anything to the peer, and yet it is found without a search.
 */
uint64_t front_request_id(uint64_t key, uint64_t seq, unsigned index);
void front_request_id_split(uint64_t key, uint64_t id, uint64_t *seq,
			    unsigned *index);

/*
 * Write the next part of `io` into the free entry `r`: copy a write's data,
 * grant the pages, fill the slot.  Not pushed.  0; or nothing happened:
 * -ENOSPC, the grant table is full; -EAGAIN, too few pages are free.
 */
int front_request_put(struct front_queue *q, struct front_request *r,
		      struct front_io *io);

/*
 * Take the next response off the ring and check it; only after
 * ring_front_ready() counted it.  The grants of the request are taken back
 * and a read's data is copied.  0: *done is the io if this was its last
 * part, else NULL.  -EPROTO: a rule was broken, told in q->fault; the
 * request stays in flight.
 */
int front_request_take(struct front_queue *q, struct front_io **done);

#endif
