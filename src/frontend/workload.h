/* SPDX-License-Identifier: MIT */
/*
 * Load for one disk: reads, writes, barriers, flushes and discards of one
 * size, at random or in order, so many at a time, counted and timed, and
 * checked if that is wished.
 *
 * The disk's queues share the work: of Q queues, queue N has every block
 * whose number is N modulo Q, with operations, random numbers and counters of
 * its own (frontend/workload_part.h), and runs them on its own thread.
 *
 * With `verify` every block carries a pattern (frontend/pattern.h), a table
 * in memory holds each block's generation, one operation at a time is in
 * flight on a block, and every read of a block that this run wrote is
 * compared.  After a run that wrote, when all queues are done, these blocks
 * are read once more: a write that was lost or landed elsewhere is found even
 * if no read of the run came by.  A run that only reads checks each block
 * against the seed of the run that wrote it.  So does a run of discards, at
 * its end, with the blocks that it did not discard; those it did have no
 * defined content, and are only counted: whether they read as zeroes.
 *
 * A workload belongs to its device's loop: start it, step the guest and then
 * the workload until it has ended, then look at the report.
 */
#ifndef FRONTEND_WORKLOAD_H
#define FRONTEND_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/device.h"
#include "frontend/latency.h"

#define WORKLOAD_DEPTH_MAX 1024u
#define WORKLOAD_BS_MAX	   (32u << 20)
#define WORKLOAD_MEM_MAX   (1u << 30) /* depth times bs times queues */

struct workload_options {
	bool reads, writes; /* at least one, or: */
	bool trims;	    /* only discards */
	bool random;	    /* else in order, around and around */
	bool verify;
	bool keep_going; /* on after a data mismatch */
	uint32_t bs_bytes;
	unsigned depth;		/* of each queue */
	uint64_t ops;		/* 0: by runtime, or each block once */
	uint64_t runtime_ns;	/* 0: by ops */
	uint64_t off_bytes;	/* region of the disk */
	uint64_t size_bytes;	/* 0: to its end */
	uint64_t flush_every;	/* writes between flushes; 0: none */
	uint64_t barrier_every; /* one write of so many is one; 0: none */
	uint64_t seed;
};

enum workload_kind {
	WORKLOAD_READ,
	WORKLOAD_WRITE,
	WORKLOAD_FLUSH,
	WORKLOAD_BARRIER, /* a write that is one */
	WORKLOAD_TRIM,
	WORKLOAD_KINDS
};

struct workload_count {
	uint64_t ops;		/* done, failed ones too */
	uint64_t bytes;		/* of those that succeeded */
	uint64_t error;		/* answered with status -1 */
	uint64_t eopnotsupp;	/* answered with status -2 */
	uint64_t lost;		/* never answered */
	struct latency latency; /* of those that succeeded */
};

struct workload_report {
	struct workload_count count[WORKLOAD_KINDS];
	uint64_t elapsed_ns;
	uint64_t checked;    /* blocks compared with what was written */
	uint64_t unchecked;  /* blocks read that this run had not written */
	uint64_t reread;     /* blocks read once more at the end */
	uint64_t mismatches; /* blocks that were not as written */
	uint64_t trimmed;    /* of those read at the end: discarded before */
	uint64_t zeroed;     /* of these: zeroes */
	int first_error;     /* 0 or -errno; its sentence: */
	struct why first_why;
};

struct workload;

/*
 * Begin.  -EINVAL, -EROFS or -EOPNOTSUPP with a sentence: the options do not
 * fit the disk, or it does not offer what they need; -ENOMEM.  The device
 * outlives the workload.
 */
int workload_start(struct front_device *d, const struct workload_options *opt,
		   struct workload **out, struct why *why);

/* After each step of the guest; false: it has ended. */
bool workload_step(struct workload *w);

/* Begin nothing more; what is in flight is waited for. */
void workload_stop(struct workload *w);

/*
 * From 0 to 1, of the part that runs now, `*rereading` tells which; and the
 * bytes moved so far.
 */
double workload_progress(const struct workload *w, bool *rereading,
			 uint64_t *bytes);

/* After it has ended, or after its device was closed. */
const struct workload_report *workload_report(struct workload *w);

/* After it has ended, or after its device was closed. */
void workload_free(struct workload *w);

#endif
