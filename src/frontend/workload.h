/* SPDX-License-Identifier: MIT */
/*
 * Load for one disk: reads and writes of one size, at random or in order, so
 * many at a time, counted and timed, and checked if that is wished.
 *
 * With `verify` every block carries a pattern (frontend/pattern.h), a table
 * in memory holds each block's generation, one operation at a time is in
 * flight on a block, and every read of a block that this run wrote is
 * compared.  After a run that wrote, all of these blocks are read once more:
 * a write that was lost or landed elsewhere is found even if no read of the
 * run came by.  A run that only reads checks each block against the seed of
 * the run that wrote it.
 *
 * A workload runs on its device's loop: start it, step the guest until it
 * has ended, then look at the report.
 */
#ifndef FRONTEND_WORKLOAD_H
#define FRONTEND_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/device.h"
#include "frontend/latency.h"

#define WORKLOAD_DEPTH_MAX 1024u
#define WORKLOAD_BS_MAX	   (32u << 20)
#define WORKLOAD_MEM_MAX   (1u << 30) /* depth times bs */

struct workload_options {
	bool reads, writes; /* at least one */
	bool random;	    /* else in order, around and around */
	bool verify;
	bool keep_going; /* on after a data mismatch */
	uint32_t bs_bytes;
	unsigned depth;
	uint64_t ops;	      /* 0: by runtime, or each block once */
	uint64_t runtime_ns;  /* 0: by ops */
	uint64_t off_bytes;   /* region of the disk */
	uint64_t size_bytes;  /* 0: to its end */
	uint64_t flush_every; /* writes between flushes; 0: none */
	uint64_t seed;
};

enum workload_kind {
	WORKLOAD_READ,
	WORKLOAD_WRITE,
	WORKLOAD_FLUSH,
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
	int first_error;     /* 0 or -errno; its sentence: */
	struct why first_why;
};

struct workload;

/*
 * Begin.  -EINVAL or -EROFS with a sentence: the options do not fit the
 * disk; -ENOMEM.  The device outlives the workload.
 */
int workload_start(struct front_device *d, const struct workload_options *opt,
		   struct workload **out, struct why *why);

/* Begin nothing more; what is in flight is waited for. */
void workload_stop(struct workload *w);

/* Nothing is in flight and nothing will begin. */
bool workload_ended(const struct workload *w);

/* From 0 to 1, of the part that runs now; `*rereading` tells which. */
double workload_progress(const struct workload *w, bool *rereading);

const struct workload_report *workload_report(const struct workload *w);

/* After it has ended, or after its device was closed. */
void workload_free(struct workload *w);

#endif
