/* SPDX-License-Identifier: MIT */
/*
 * From two samples to what happened between them: a row for each disk, and one
 * for each of its queues.  Nothing here reads a file or a clock.
 *
 * A disk that was not in the sample before, or has connected since, has
 * counted from 0 since it connected, and its rates are over that time.  So has
 * one of the same connection whose counters went back.
 */
#ifndef TOP_RATES_H
#define TOP_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "top/sample.h"

#define TOP_DISK_ROW (-1)

enum top_stuck {
	TOP_NOT_STUCK,
	TOP_STUCK_STOPPED, /* the daemon is */
	TOP_STUCK_UNTAKEN, /* requests in the ring, and none is taken */
	TOP_STUCK_SILENT,  /* requests in flight, and none is answered */
};

struct top_row {
	uint32_t domid, devid;
	char name[FRONT_VDEV_NAME_MAX];
	char target[256];
	int queue; /* from 0, or TOP_DISK_ROW: all of them */
	uint32_t queues;
	uint64_t size_bytes;

	/* Now. */
	uint64_t entries, in_flight, pending;
	enum top_stuck stuck;
	uint64_t still_ns;   /* that nothing was answered, or 0 */
	uint64_t untaken_ns; /* that pending ones were seen untaken, or 0 */

	/* Between the samples; all 0 where `known` is not set. */
	bool known;
	uint64_t ns;
	struct stats_queue d; /* differences; what is "now" is as it was */
	uint64_t requests, bytes, errors;
	double iops, bytes_s;
	double mean_ns, p50_ns, p99_ns; /* 0 where nothing was answered */

	struct stats_queue total; /* since it connected */
	uint64_t total_errors;
};

struct top_rates {
	unsigned nrows;
	struct top_row *rows; /* a disk's own, then its queues'; owned */
};

/*
 * `before` and `last`, the rates that ended with it, are NULL for the first
 * sample: then there are no differences.  A queue is stuck after `stuck_ns`.
 * 0 or -ENOMEM.
 */
int top_rates_make(const struct top_sample *before,
		   const struct top_sample *now, const struct top_rates *last,
		   uint64_t stuck_ns, struct top_rates *out);
void top_rates_free(struct top_rates *r);

/* Answers that were published without a notification. */
static inline uint64_t top_suppressed(const struct stats_queue *q)
{
	return q->pushes > q->notifies ? q->pushes - q->notifies : 0;
}

/* The time that the part `p` (0..1) of requests took at most; 0: none did. */
double top_latency_quantile(const uint64_t latency[STATS_LATENCIES], double p);

#endif
