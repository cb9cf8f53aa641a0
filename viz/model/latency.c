/* SPDX-License-Identifier: MIT */
#include "viz/model/latency.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "viz/guard.h"

#define OPS MODEL_OPS

const char *const span_names[SPAN_COUNT] = {
	"ring wait", "prepare", "storage", "respond", "completion", "total",
};

const char *const span_meanings[SPAN_COUNT] = {
	"push to take",	   "take to submit",	  "submit to done",
	"done to produce", "produce to complete", "first to last",
};

static const enum stage ends[SPAN_COUNT][2] = {
	{ STAGE_PUSH, STAGE_TAKE },	   { STAGE_TAKE, STAGE_SUBMIT },
	{ STAGE_SUBMIT, STAGE_DONE },	   { STAGE_DONE, STAGE_PRODUCE },
	{ STAGE_PRODUCE, STAGE_COMPLETE }, { STAGE_PUSH, STAGE_COMPLETE },
};

int64_t span_of(const struct request *r, enum span span)
{
	if (span == SPAN_TOTAL)
		return request_total(r);
	return request_span(r, ends[span][0], ends[span][1]);
}

int64_t span_start(const struct request *r, enum span span)
{
	return span == SPAN_TOTAL ? 0 : r->t[ends[span][0]] - request_start(r);
}

/*
 * Bucket 0 is below 256 ns; then four buckets an octave, by the two bits
 * behind the highest one.
 */
unsigned latency_bucket(uint64_t ns)
{
	unsigned octave, b;

	if (ns < 256)
		return 0;
	octave = 63u - (unsigned)__builtin_clzll(ns);
	b = 1 + (octave - 8) * 4 + (unsigned)(ns >> (octave - 2) & 3);
	return b < LATENCY_BUCKETS ? b : LATENCY_BUCKETS - 1;
}

uint64_t latency_bucket_from(unsigned bucket)
{
	unsigned octave;

	if (!bucket)
		return 0;
	octave = 8 + (bucket - 1) / 4;
	return (4ull + (bucket - 1) % 4) << (octave - 2);
}

uint64_t latency_quantile(const uint64_t *sorted, size_t n, unsigned permille)
{
	size_t rank = (size_t)(((unsigned __int128)n * permille + 999) / 1000);

	return sorted[rank ? rank - 1 : 0];
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Requests by (device, op), as a list of heads and links. */
struct groups {
	uint32_t *head; /* devices x OPS */
	uint32_t *next; /* requests */
	uint64_t *value;
};

static int group(const struct model *m, uint32_t queue, struct groups *g)
{
	size_t heads = m->devices * OPS, i;

	g->head = malloc((heads + 1) * sizeof(*g->head));
	g->next = malloc((m->requests + 1) * sizeof(*g->next));
	g->value = malloc((m->requests + 1) * sizeof(*g->value));
	if (!g->head || !g->next || !g->value)
		return -ENOMEM;
	for (i = 0; i < heads; i++)
		g->head[i] = MODEL_NONE;
	for (i = m->requests; i-- > 0;) {
		const struct request *r = &m->request[i];
		uint32_t *head;

		if (!(r->flags & (REQUEST_RESPONDED | REQUEST_COMPLETED)) ||
		    r->flags & REQUEST_ORPHAN ||
		    (queue != MODEL_NONE && r->queue != queue))
			continue;
		head = &g->head[m->queue[r->queue].device * OPS +
				(r->op < OPS ? r->op : OPS - 1)];
		g->next[i] = *head;
		*head = (uint32_t)i;
	}
	return 0;
}

static void measure(const struct model *m, const struct groups *g,
		    uint32_t head, struct latency *row)
{
	size_t n = 0;
	uint32_t i;
	int64_t v;

	for (i = head; i != MODEL_NONE; i = g->next[i]) {
		v = span_of(&m->request[i], row->span);
		if (v < 0)
			continue;
		g->value[n++] = (uint64_t)v;
		row->bucket[latency_bucket((uint64_t)v)]++;
	}
	row->count = n;
	if (!n)
		return;
	guard_beat();
	qsort(g->value, n, sizeof(*g->value), by_value);
	row->min_ns = g->value[0];
	row->median_ns = latency_quantile(g->value, n, 500);
	row->p90_ns = latency_quantile(g->value, n, 900);
	row->p99_ns = latency_quantile(g->value, n, 990);
	row->max_ns = g->value[n - 1];
}

static int add_row(struct latencies *l, const struct latency *row)
{
	struct latency *grown;

	/* Grown by doubling at powers of two. */
	if (!(l->n & (l->n - 1))) {
		grown = realloc(l->row, (l->n ? l->n * 2 : 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->row = grown;
	}
	l->row[l->n++] = *row;
	return 0;
}

int latencies_make(const struct model *m, uint32_t device, uint32_t queue,
		   struct latencies *out)
{
	struct groups g = { NULL, NULL, NULL };
	struct latency row;
	uint32_t d, head;
	unsigned op, span;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = group(m, queue, &g);
	for (d = 0; !rc && d < m->devices; d++) {
		if (device != MODEL_NONE && d != device)
			continue;
		for (op = 0; op < OPS; op++) {
			head = g.head[d * OPS + op];
			if (head == MODEL_NONE)
				continue;
			for (span = 0; !rc && span < SPAN_COUNT; span++) {
				memset(&row, 0, sizeof(row));
				row.device = d;
				row.op = (uint8_t)op;
				row.span = span;
				measure(m, &g, head, &row);
				if (row.count)
					rc = add_row(out, &row);
			}
		}
	}
	free(g.head);
	free(g.next);
	free(g.value);
	return rc;
}

void latencies_free(struct latencies *l)
{
	free(l->row);
	memset(l, 0, sizeof(*l));
}
