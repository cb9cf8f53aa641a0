/* SPDX-License-Identifier: MIT */
/* Between the two halves of the injecting layer: the disk and its queues. */
#ifndef DISK_INJECT_QUEUE_H
#define DISK_INJECT_QUEUE_H

#include "disk/inject.h"
#include "disk/limit.h"

struct disk_inject {
	struct disk d;
	struct disk_ops ops; /* disk_inject_ops and what is the disk's */
	struct disk *inner;
	struct inject_rules rules;
	struct limit iops, bps;
	bool corrupts; /* a rule does */
};

extern const struct disk_ops disk_inject_ops; /* but close and measure */

/*
 * Write down in the operation what the rules do to it, and the error that it
 * is to end with; returns for how many ns it is held back.
 */
uint64_t inject_match(const struct inject_rules *rules, struct disk_op *op,
		      uint64_t *random);

/* The next number of a queue's generator, whose state is not 0. */
uint32_t inject_random(uint64_t *random);

#endif
