/* SPDX-License-Identifier: MIT */
/*
 * How long each stage took, for each device and operation: exact quantiles
 * of all requests, and a histogram with buckets of a fixed ratio.
 */
#ifndef VIZ_MODEL_LATENCY_H
#define VIZ_MODEL_LATENCY_H

#include "viz/model/model.h"

enum span {
	SPAN_RING,     /* push -> take: waiting in the ring */
	SPAN_PREPARE,  /* take -> submit: checks, mapping of grants */
	SPAN_STORAGE,  /* submit -> done */
	SPAN_RESPOND,  /* done -> produce: unmapping, response */
	SPAN_COMPLETE, /* produce -> complete: waking the frontend */
	SPAN_TOTAL,    /* the first moment seen to the last */
	SPAN_COUNT
};

extern const char *const span_names[SPAN_COUNT];
/* "push to take" and so on. */
extern const char *const span_meanings[SPAN_COUNT];

/* A span of a request in ns, or -1 where one end was not seen. */
int64_t span_of(const struct request *r, enum span span);

/* When it begins, in ns since the request's start; of one that was seen. */
int64_t span_start(const struct request *r, enum span span);

/* Buckets of a quarter of an octave from 256 ns to about 1 min. */
#define LATENCY_BUCKETS 112u
uint64_t latency_bucket_from(unsigned bucket); /* its lower bound, ns */
unsigned latency_bucket(uint64_t ns);

struct latency {
	uint32_t device; /* index into model.device */
	uint8_t op;	 /* enum ev_op */
	enum span span;
	uint64_t count;
	uint64_t min_ns, median_ns, p90_ns, p99_ns, max_ns;
	uint32_t bucket[LATENCY_BUCKETS];
};

struct latencies {
	struct latency *row; /* by device, op, span; none with count 0 */
	size_t n;
};

/*
 * Over all answered requests; of one device unless `device` is MODEL_NONE, and
 * of one queue of it unless `queue` is.  0 or -ENOMEM.  latencies_free() in
 * any case.
 */
int latencies_make(const struct model *m, uint32_t device, uint32_t queue,
		   struct latencies *out);
void latencies_free(struct latencies *l);

/*
 * The nearest-rank quantile of sorted values: the smallest one such that at
 * least `permille` of 1000 are not above it.  n > 0.
 */
uint64_t latency_quantile(const uint64_t *sorted, size_t n, unsigned permille);

#endif
