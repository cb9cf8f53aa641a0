/* SPDX-License-Identifier: MIT */
#include "top/rates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS (sizeof(struct stats_queue) / sizeof(uint64_t))

/* ---- differences -------------------------------------------------------- */

/* What does not only grow, and so has no difference. */
static void keep_what_is_now(struct stats_queue *d,
			     const struct stats_queue *now)
{
	d->in_flight = now->in_flight;
	d->kept_pages = now->kept_pages;
	d->pending = now->pending;
	d->still_ns = now->still_ns;
}

/* False if a counter went back: it began anew. */
static bool queue_differ(const struct stats_queue *before,
			 const struct stats_queue *now, struct stats_queue *d)
{
	struct stats_queue old = *before;
	const uint64_t *a = (const uint64_t *)&old;
	const uint64_t *b = (const uint64_t *)now;
	uint64_t *to = (uint64_t *)d;
	size_t i;

	keep_what_is_now(&old, now);
	for (i = 0; i < NUMBERS; i++) {
		if (b[i] < a[i])
			return false;
		to[i] = b[i] - a[i];
	}
	keep_what_is_now(d, now);
	return true;
}

/* The same connection in the sample before. */
static const struct top_disk *disk_before(const struct top_sample *before,
					  const struct top_disk *d)
{
	const struct stats_header *h = &d->file.header;
	unsigned i;

	for (i = 0; before && i < before->ndisks; i++) {
		const struct stats_header *o = &before->disks[i].file.header;

		if (o->domid == h->domid && o->devid == h->devid)
			return o->pid == h->pid && o->since_ns == h->since_ns &&
					       o->queues == h->queues
				       ? &before->disks[i]
				       : NULL;
	}
	return NULL;
}

/* ---- a row --------------------------------------------------------------- */

static uint64_t sum_of(const uint64_t ops[STATS_OPS])
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < STATS_OPS; i++)
		sum += ops[i];
	return sum;
}

double top_latency_quantile(const uint64_t latency[STATS_LATENCIES], double p)
{
	double all = 0, below = 0, want;
	unsigned i;

	for (i = 0; i < STATS_LATENCIES; i++)
		all += (double)latency[i];
	want = all * p;
	for (i = 0; i < STATS_LATENCIES && all > 0; i++) {
		double n = (double)latency[i];
		double from = (double)stats_latency_from_ns(i), to = from;

		/* Evenly spread in its slot, as far as anybody knows. */
		if (i + 1 < STATS_LATENCIES)
			to = (double)stats_latency_from_ns(i + 1);
		if (n > 0 && below + n >= want)
			return from + (to - from) * (want - below) / n;
		below += n;
	}
	return 0;
}

static void row_rates(struct top_row *r)
{
	double seconds = (double)r->ns / 1e9;

	r->requests = sum_of(r->d.requests);
	r->bytes = sum_of(r->d.bytes);
	r->errors = sum_of(r->d.errors);
	if (r->ns) {
		r->iops = (double)r->requests / seconds;
		r->bytes_s = (double)r->bytes / seconds;
	}
	if (r->requests)
		r->mean_ns =
			(double)sum_of(r->d.waited_ns) / (double)r->requests;
	r->p50_ns = top_latency_quantile(r->d.latency, 0.5);
	r->p99_ns = top_latency_quantile(r->d.latency, 0.99);
}

static struct top_row row_begin(const struct top_disk *d, int queue)
{
	const struct stats_header *h = &d->file.header;
	struct top_row r = { .domid = h->domid,
			     .devid = h->devid,
			     .queue = queue,
			     .queues = h->queues,
			     .size_bytes = h->size_bytes,
			     .entries = h->ring_entries };

	memcpy(r.name, d->name, sizeof(r.name));
	memcpy(r.target, h->target, sizeof(r.target));
	return r;
}

/* Since when something stands still, from that to now, or 0. */
static uint64_t lasting(uint64_t since_ns, uint64_t now_ns)
{
	return since_ns && now_ns > since_ns ? now_ns - since_ns : 0;
}

/*
 * Requests that were taken are answered, refused or in flight.  None was
 * between two samples that both saw some in the ring.
 */
static uint64_t untaken_ns(const struct top_row *r,
			   const struct stats_queue *old,
			   const struct top_row *last)
{
	if (!r->known || !old || !old->pending || !r->pending || r->requests ||
	    r->d.refused || old->in_flight != r->in_flight)
		return 0;
	return r->ns + (last ? last->untaken_ns : 0);
}

static enum top_stuck stuck_how(const struct top_row *r, uint64_t stuck_ns,
				bool stopped)
{
	if (stopped)
		return TOP_STUCK_STOPPED;
	if (r->still_ns >= stuck_ns && r->in_flight)
		return TOP_STUCK_SILENT;
	if (r->untaken_ns >= stuck_ns && r->pending)
		return TOP_STUCK_UNTAKEN;
	return TOP_NOT_STUCK;
}

static struct top_row queue_row(const struct top_disk *d,
				const struct top_disk *old, unsigned n,
				bool known, const struct top_row *last)
{
	struct top_row r = row_begin(d, (int)n);
	const struct stats_queue *q = &d->file.queue[n];
	const struct stats_queue *was = old ? &old->file.queue[n] : NULL;

	r.total = *q;
	r.total_errors = sum_of(q->errors);
	r.in_flight = q->in_flight;
	r.pending = q->pending;
	r.still_ns = lasting(q->still_ns, d->at_ns);
	r.known = known;
	if (!known)
		return r;
	r.ns = old ? d->at_ns - old->at_ns
		   : lasting(d->file.header.since_ns, d->at_ns);
	if (was && !queue_differ(was, q, &r.d)) {
		was = NULL;
		r.ns = lasting(d->file.header.since_ns, d->at_ns);
	}
	if (!was)
		r.d = *q;
	row_rates(&r);
	r.untaken_ns = untaken_ns(&r, was, last);
	return r;
}

/* ---- a disk -------------------------------------------------------------- */

static void longest(uint64_t *to, uint64_t ns)
{
	if (ns > *to)
		*to = ns;
}

/* What its queues are together; stuck as the first that is. */
static struct top_row disk_row(const struct top_disk *d,
			       const struct top_row *queue)
{
	struct top_row r = row_begin(d, TOP_DISK_ROW);
	uint32_t i;

	r.entries *= r.queues;
	for (i = 0; i < r.queues; i++) {
		const struct top_row *q = &queue[i];

		top_counters_add(&r.d, &q->d);
		top_counters_add(&r.total, &q->total);
		r.in_flight += q->in_flight;
		r.pending += q->pending;
		r.total_errors += q->total_errors;
		r.known |= q->known;
		longest(&r.ns, q->ns);
		longest(&r.still_ns, q->still_ns);
		longest(&r.untaken_ns, q->untaken_ns);
		if (!r.stuck)
			r.stuck = q->stuck;
	}
	row_rates(&r);
	return r;
}

static const struct top_row *row_last(const struct top_rates *last,
				      const struct top_disk *d, int queue)
{
	unsigned i;

	for (i = 0; last && i < last->nrows; i++) {
		const struct top_row *r = &last->rows[i];

		if (r->domid == d->file.header.domid &&
		    r->devid == d->file.header.devid && r->queue == queue)
			return r;
	}
	return NULL;
}

int top_rates_make(const struct top_sample *before,
		   const struct top_sample *now, const struct top_rates *last,
		   uint64_t stuck_ns, struct top_rates *out)
{
	unsigned i, n = 0;
	uint32_t j;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < now->ndisks; i++)
		n += 1 + now->disks[i].file.header.queues;
	out->rows = calloc(n ? n : 1, sizeof(*out->rows));
	if (!out->rows)
		return -ENOMEM;
	for (i = 0; i < now->ndisks; i++) {
		const struct top_disk *d = &now->disks[i];
		const struct top_disk *old = disk_before(before, d);
		struct top_row *own = &out->rows[out->nrows];

		for (j = 0; j < d->file.header.queues; j++) {
			own[j + 1] = queue_row(d, old, j, before != NULL,
					       row_last(last, d, (int)j));
			own[j + 1].stuck =
				stuck_how(&own[j + 1], stuck_ns, now->stopped);
		}
		own[0] = disk_row(d, own + 1);
		out->nrows += 1 + d->file.header.queues;
	}
	return 0;
}

void top_rates_free(struct top_rates *r)
{
	free(r->rows);
	memset(r, 0, sizeof(*r));
}
