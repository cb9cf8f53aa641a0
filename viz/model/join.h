/* SPDX-License-Identifier: MIT */
/*
 * Which events belong to the same request.  The frontend counts its requests,
 * the backend counts its own; what joins the two is the free-running ring
 * index of the request on the way there, and of the response on the way back.
 */
#ifndef VIZ_MODEL_JOIN_H
#define VIZ_MODEL_JOIN_H

#include "viz/model/model.h"

/*
 * Indices and counts only ever grow, and a ring has a few hundred slots, so
 * small tables by the low bits hold everything that is in flight.  A count
 * may lag behind for long (a request that hangs), so those are chained.
 */
#define JOIN_BUCKETS   1024u
#define JOIN_SLOTS_MIN 1024u
#define JOIN_SLOTS_MAX 65536u

struct join {
	uint32_t slots;	  /* power of two, at least twice the ring */
	uint32_t *by_idx; /* request of a request index, or MODEL_NONE */
	uint32_t *by_rsp; /* the same of a response index */
	uint32_t by_bseq[JOIN_BUCKETS];
	uint32_t by_fseq[JOIN_BUCKETS];
	uint32_t in_flight_f, in_flight_b;
	uint32_t max_f, max_b;
	double area_f, area_b; /* in flight x ns */
	uint64_t pushed;       /* by the queue, when the ring was made */
	int64_t last_ns;
};

/* The queue's tables, made on its first event.  0 or -ENOMEM. */
int join_make(struct model_queue *q);
void join_free(struct model_queue *q);

/*
 * A ring of `entries` is made anew: room for it, and nothing is in flight any
 * more.  0 or -ENOMEM.
 */
int join_reset(struct join *j, uint32_t entries);

/* In flight under this index of a request, or of a response; else NULL. */
struct request *join_find_index(struct model *m, const uint32_t *table,
				const struct join *j, uint32_t idx, bool rsp);

/* The same by the backend's or the frontend's count. */
struct request *join_find_bseq(struct model *m, const struct join *j,
			       uint64_t seq);
struct request *join_find_fseq(struct model *m, const struct join *j,
			       uint64_t seq);

/* Make a request known under its count; unchain before the count changes. */
void join_chain_b(struct model *m, struct join *j, struct request *r);
void join_chain_f(struct model *m, struct join *j, struct request *r);
void join_unchain_b(struct model *m, struct join *j, struct request *r);

/* A request that begins with this record; NULL: no memory.  Moves the others.
 */
struct request *join_request_new(struct model *m, uint32_t queue, uint32_t rec);

/* A record belongs to it; STAGE_COUNT where it marks no stage. */
void join_touch(struct model *m, struct request *r, enum stage stage, int64_t t,
		uint32_t rec);

/* The same of a note by the backend, whose count of it is the field `seq`. */
void join_note(struct model *m, struct join *j, uint32_t rec,
	       enum log_field seq);

/* Requests in flight, seen from either side, change at a moment. */
void join_flight(struct join *j, int64_t t_ns, int front, int back);

#endif
