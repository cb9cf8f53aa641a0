/* SPDX-License-Identifier: MIT */
/*
 * The part of a workload that one queue does: which blocks, what begins next,
 * and what came of it.  A part belongs to its queue's thread while it runs; it
 * tells the others what they have to know in a few atomic numbers.
 */
#ifndef FRONTEND_WORKLOAD_PART_H
#define FRONTEND_WORKLOAD_PART_H

#include "frontend/workload.h"

struct workload_op;

/* What all parts share. */
struct workload_shared {
	struct front_device *device;
	struct workload_options opt;
	uint64_t blocks; /* of the region */
	unsigned parts;
	uint64_t start_ns;
	bool stopping;	  /* atomic: nothing more is begun */
	unsigned running; /* atomic: parts that are not done */
};

struct workload_part {
	struct workload_shared *all; /* borrowed */
	unsigned n;		     /* its queue; first block of it */
	uint64_t blocks;	     /* block I is number I * parts + n */
	uint64_t ops_max;
	bool rereading;
	bool done;	   /* with the run, or the rereading */
	uint64_t begun;	   /* reads, writes and discards */
	uint64_t position; /* next block in order */
	uint64_t writes_since_flush;
	uint64_t writes_since_barrier;
	uint64_t random;
	uint32_t *gen; /* a block's generation, with verify */
	uint8_t *buffers;
	struct workload_op *ops;
	struct workload_op *free;
	unsigned in_flight;
	struct workload_report report;
	/* For who watches, atomic: */
	uint64_t told_ops;   /* of this run, or of the rereading */
	uint64_t told_bytes; /* of both */
};

/* The share of queue `n`.  0 or -ENOMEM. */
int workload_part_open(struct workload_part *p, struct workload_shared *all,
		       unsigned n);
void workload_part_close(struct workload_part *p);

/*
 * On the queue's thread: begin the run, or reading once more what it left.
 * When it is done `running` goes down by one, and the loop is poked.
 */
void workload_part_run(struct workload_part *p);
void workload_part_reread(struct workload_part *p);

#endif
