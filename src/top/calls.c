/* SPDX-License-Identifier: MIT */
#include "top/calls.h"

#include <string.h>

#include "top/columns.h"
#include "top/hist.h"
#include "top/json.h"

#define URING_NAME "io_uring"

static const char *const names[TIMING_CALLS] = {
	[TIMING_GNTDEV_MAP] = "gntdev_map",
	[TIMING_GNTDEV_MMAP] = "gntdev_mmap",
	[TIMING_GNTDEV_UNMAP] = "gntdev_unmap",
	[TIMING_GNTDEV_COPY] = "gntdev_copy",
	[TIMING_GNTDEV_ELSE] = "gntdev_else",
	[TIMING_EVTCHN_NOTIFY] = "evtchn_notify",
	[TIMING_EVTCHN_UNMASK] = "evtchn_unmask",
	[TIMING_EVTCHN_TAKE] = "evtchn_take",
	[TIMING_EVTCHN_ELSE] = "evtchn_else",
	[TIMING_URING_ENTER] = "io_uring_enter",
	[TIMING_PREAD] = "pread",
	[TIMING_PWRITE] = "pwrite",
	[TIMING_SYNC] = "fdatasync",
	[TIMING_FALLOCATE] = "fallocate",
	[TIMING_READ] = "read",
	[TIMING_WRITE] = "write",
	[TIMING_SOCKET] = "send_recv",
	[TIMING_MUNMAP] = "munmap",
	[TIMING_ELSE] = "else",
};

void top_calls_differ(const struct top_calls *before,
		      const struct top_calls *now, struct top_calls *d)
{
	unsigned i;

	d->seen = now->seen;
	for (i = 0; i < TIMING_KINDS; i++)
		top_hist_differ(&before->of[i], &now->of[i], &d->of[i]);
}

void top_calls_unseen(const struct timing_seen *seen, char *text, size_t size)
{
	bool devices = seen->gntdev && seen->evtchn;

	text[0] = '\0';
	if (devices && seen->uring)
		return;
	snprintf(text, size, "Not to be seen here: %s%s%s%s%s%s",
		 seen->gntdev ? "" : "/dev/xen/gntdev",
		 seen->gntdev || seen->evtchn ? "" : " and ",
		 seen->evtchn ? "" : "/dev/xen/evtchn",
		 devices ? "" : ", missing as on a desk",
		 devices || seen->uring ? "" : "; ",
		 seen->uring ? ""
			     : "io_uring, of which this kernel does not tell");
}

/* All disks' together, in the same interval. */
static uint64_t requests_in(const struct top_rates *r)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < r->nrows; i += 1 + r->rows[i].queues)
		n += r->rows[i].requests;
	return n;
}

static void calls_sum(const struct top_calls *c, struct timing_hist *sum)
{
	unsigned i, slot;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < TIMING_CALLS; i++) {
		sum->sum_ns += c->of[i].sum_ns;
		for (slot = 0; slot < TIMING_SLOTS; slot++)
			sum->slot[slot] += c->of[i].slot[slot];
	}
}

/* ---- the table ----------------------------------------------------------- */

static void row_print(FILE *to, const char *name, const struct timing_hist *h,
		      uint64_t requests)
{
	uint64_t n = top_hist_count(h);
	char count[TOP_CELL_MAX], mean[TOP_CELL_MAX], p99[TOP_CELL_MAX];
	char each[TOP_CELL_MAX] = "-", part[TOP_CELL_MAX] = "-";

	top_count_text(n, count);
	top_time_text(top_hist_mean_ns(h), mean);
	top_time_text(top_hist_quantile_ns(h, 0.99), p99);
	if (requests) {
		snprintf(each, sizeof(each), "%.2f",
			 (double)n / (double)requests);
		top_time_text((double)h->sum_ns / (double)requests, part);
	}
	fprintf(to, "%-14s %6s %8s %7s %7s %9s\n", name, count, each, mean, p99,
		part);
}

void top_calls_table(FILE *to, const struct top_rates *r,
		     const struct top_calls *c)
{
	uint64_t requests = requests_in(r);
	struct timing_hist sum;
	char text[200];
	unsigned i;

	fprintf(to, "%-14s %6s %8s %7s %7s %9s\n", "CALL", "N", "/REQUEST",
		"MEAN", "P99", "A REQUEST");
	for (i = 0; i < TIMING_CALLS; i++)
		if (top_hist_count(&c->of[i]))
			row_print(to, names[i], &c->of[i], requests);
	calls_sum(c, &sum);
	row_print(to, "together", &sum, requests);
	if (c->seen.uring) {
		fputc('\n', to);
		row_print(to, URING_NAME, &c->of[TIMING_URING], requests);
		fprintf(to, "  an operation, from submitted to completed\n");
	}
	top_calls_unseen(&c->seen, text, sizeof(text));
	if (text[0])
		fprintf(to, "\n%s\n", text);
}

/* ---- lines and JSON ------------------------------------------------------ */

static void line_print(FILE *to, const char *clock, const char *name,
		       const struct timing_hist *h)
{
	if (!top_hist_count(h))
		return;
	fprintf(to, "%-8s kernel     %-14s", clock, name);
	top_hist_line(to, h);
}

void top_calls_lines(FILE *to, const char *clock, const struct top_calls *c)
{
	unsigned i;

	for (i = 0; i < TIMING_CALLS; i++)
		line_print(to, clock, names[i], &c->of[i]);
	line_print(to, clock, URING_NAME, &c->of[TIMING_URING]);
}

/* What it took in sum, and of each request. */
static struct json_object *json_kind(const struct timing_hist *h,
				     const char *counted, uint64_t requests)
{
	struct json_object *o = top_hist_json(h, counted);

	top_json_put(o, "ns", h->sum_ns);
	json_object_object_add(
		o, "us_per_request",
		requests ? json_object_new_double((double)h->sum_ns / 1e3 /
						  (double)requests)
			 : NULL);
	return o;
}

static struct json_object *json_unseen(const struct timing_seen *seen)
{
	struct json_object *a = json_object_new_array();

	if (!seen->gntdev)
		json_object_array_add(a, json_object_new_string("gntdev"));
	if (!seen->evtchn)
		json_object_array_add(a, json_object_new_string("evtchn"));
	if (!seen->uring)
		json_object_array_add(a, json_object_new_string(URING_NAME));
	return a;
}

struct json_object *top_calls_json(const struct top_rates *r,
				   const struct top_calls *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *kinds = json_object_new_object();
	uint64_t requests = requests_in(r);
	struct timing_hist sum;
	unsigned i;

	top_json_put(o, "requests", requests);
	calls_sum(c, &sum);
	json_object_object_add(o, "together",
			       json_kind(&sum, "calls", requests));
	for (i = 0; i < TIMING_CALLS; i++)
		json_object_object_add(kinds, names[i],
				       json_kind(&c->of[i], "calls", requests));
	json_object_object_add(o, "calls", kinds);
	json_object_object_add(o, URING_NAME,
			       c->seen.uring ? json_kind(&c->of[TIMING_URING],
							 "operations", requests)
					     : NULL);
	json_object_object_add(o, "unseen", json_unseen(&c->seen));
	return o;
}
