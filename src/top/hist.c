/* SPDX-License-Identifier: MIT */
#include "top/hist.h"

#include <stdbool.h>

#include "top/columns.h"
#include "top/json.h"

uint64_t top_hist_count(const struct timing_hist *h)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < TIMING_SLOTS; i++)
		n += h->slot[i];
	return n;
}

void top_hist_differ(const struct timing_hist *before,
		     const struct timing_hist *now, struct timing_hist *d)
{
	unsigned i;

	for (i = 0; i < TIMING_SLOTS; i++) {
		if (now->slot[i] < before->slot[i])
			break;
		d->slot[i] = now->slot[i] - before->slot[i];
	}
	if (i < TIMING_SLOTS || now->sum_ns < before->sum_ns)
		*d = *now;
	else
		d->sum_ns = now->sum_ns - before->sum_ns;
}

double top_hist_mean_ns(const struct timing_hist *h)
{
	uint64_t n = top_hist_count(h);

	return n ? (double)h->sum_ns / (double)n : 0;
}

double top_hist_quantile_ns(const struct timing_hist *h, double p)
{
	double want = (double)top_hist_count(h) * p, below = 0;
	unsigned i;

	for (i = 0; i < TIMING_SLOTS; i++) {
		double n = (double)h->slot[i];
		double from = (double)timing_slot_from_ns(i);

		if (n > 0 && below + n >= want)
			return from +
			       ((double)timing_slot_from_ns(i + 1) - from) *
				       (want - below) / n;
		below += n;
	}
	return 0;
}

void top_hist_line(FILE *to, const struct timing_hist *h)
{
	char cell[TOP_CELL_MAX];
	unsigned i;

	fprintf(to, "%8llu", (unsigned long long)top_hist_count(h));
	top_time_text(top_hist_mean_ns(h), cell);
	fprintf(to, " %7s", cell);
	top_time_text(top_hist_quantile_ns(h, 0.5), cell);
	fprintf(to, " %7s", cell);
	top_time_text(top_hist_quantile_ns(h, 0.99), cell);
	fprintf(to, " %7s ", cell);
	for (i = 0; i < TIMING_SLOTS; i++) {
		if (!h->slot[i])
			continue;
		top_time_text((double)timing_slot_from_ns(i), cell);
		fprintf(to, " %s:%llu", cell, (unsigned long long)h->slot[i]);
	}
	fputc('\n', to);
}

static void put_us(struct json_object *to, const char *name, bool known,
		   double ns)
{
	json_object_object_add(to, name,
			       known ? json_object_new_double(ns / 1e3) : NULL);
}

struct json_object *top_hist_json(const struct timing_hist *h, const char *name)
{
	struct json_object *o = json_object_new_object();
	struct json_object *buckets = json_object_new_array();
	uint64_t n = top_hist_count(h);
	unsigned i;

	top_json_put(o, name, n);
	put_us(o, "mean_us", n, top_hist_mean_ns(h));
	put_us(o, "p50_us", n, top_hist_quantile_ns(h, 0.5));
	put_us(o, "p99_us", n, top_hist_quantile_ns(h, 0.99));
	for (i = 0; i < TIMING_SLOTS; i++) {
		struct json_object *pair;

		if (!h->slot[i])
			continue;
		pair = json_object_new_array();
		json_object_array_add(
			pair, json_object_new_uint64(timing_slot_from_ns(i)));
		json_object_array_add(pair, json_object_new_uint64(h->slot[i]));
		json_object_array_add(buckets, pair);
	}
	json_object_object_add(o, "buckets", buckets);
	return o;
}
