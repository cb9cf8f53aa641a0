/* SPDX-License-Identifier: MIT */
#include "top/batch.h"

#include <errno.h>
#include <time.h>

#include "top/columns.h"
#include "top/json.h"

/* Wide enough for all columns. */
#define WIDTH (TOP_LINE_MAX - 1)

/* ---- text ---------------------------------------------------------------- */

static void line_print(FILE *to, const char *first, const struct top_row *row,
		       const char *last)
{
	char line[TOP_LINE_MAX];

	top_line(row, WIDTH, line);
	fprintf(to, "%-8s %s  %s\n", first, line, last);
}

void top_batch_titles(FILE *to)
{
	line_print(to, "TIME", NULL, "STUCK");
}

void top_batch_text(FILE *to, const struct top_sample *now,
		    const struct top_rates *r, const struct top_inside *in)
{
	time_t t = time(NULL);
	char clock[16] = "", stuck[160];
	struct tm tm;
	unsigned i;

	if (localtime_r(&t, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	for (i = 0; i < r->nrows; i++) {
		const struct top_row *row = &r->rows[i];

		if (row->queue != TOP_DISK_ROW && row->queues < 2)
			continue;
		stuck[0] = '\0';
		if (row->queue == TOP_DISK_ROW)
			top_stuck_text(row, stuck, sizeof(stuck));
		line_print(to, clock, row, stuck[0] ? stuck : "-");
	}
	if (!r->nrows)
		fprintf(to, "%-8s %s\n", clock,
			now->daemon_pid ? "no disk is connected"
					: "no ringsided runs");
	if (in->stages)
		top_stages_lines(to, clock, r, in->stages);
	if (in->calls)
		top_calls_lines(to, clock, in->calls);
}

/* ---- JSON ---------------------------------------------------------------- */

/* Rates are null as long as there is one sample only. */
static void put_rate(struct json_object *to, const char *name, bool known,
		     double value)
{
	json_object_object_add(to, name,
			       known ? json_object_new_double(value) : NULL);
}

static struct json_object *json_latency(const struct top_row *r)
{
	struct json_object *o = json_object_new_object();
	bool known = r->known && r->requests;

	put_rate(o, "mean", known, r->mean_ns / 1e3);
	put_rate(o, "p50", known && r->p50_ns > 0, r->p50_ns / 1e3);
	put_rate(o, "p99", known && r->p99_ns > 0, r->p99_ns / 1e3);
	return o;
}

/* What was counted, between two samples or since it connected. */
static struct json_object *json_counts(const struct stats_queue *q)
{
	struct json_object *o = json_object_new_object();

	top_json_counts(o, q);
	top_json_put(o, "suppressed", top_suppressed(q));
	return o;
}

static const char *stuck_name(enum top_stuck stuck)
{
	switch (stuck) {
	case TOP_STUCK_STOPPED:
		return "stopped";
	case TOP_STUCK_UNTAKEN:
		return "untaken";
	case TOP_STUCK_SILENT:
		return "unanswered";
	default:
		return NULL;
	}
}

static void json_rates(struct json_object *o, const struct top_row *r)
{
	const char *stuck = stuck_name(r->stuck);

	top_json_put(o, "ring_entries", r->entries);
	top_json_put(o, "in_flight", r->in_flight);
	top_json_put(o, "pending", r->pending);
	json_object_object_add(o, "stuck",
			       stuck ? json_object_new_string(stuck) : NULL);
	put_rate(o, "unanswered_s", true, (double)r->still_ns / 1e9);
	put_rate(o, "untaken_s", true, (double)r->untaken_ns / 1e9);
	put_rate(o, "seconds", r->known, (double)r->ns / 1e9);
	put_rate(o, "iops", r->known, r->iops);
	put_rate(o, "bytes_per_s", r->known, r->bytes_s);
	json_object_object_add(o, "latency_us", json_latency(r));
	json_object_object_add(o, "counts",
			       r->known ? json_counts(&r->d) : NULL);
	json_object_object_add(o, "total", json_counts(&r->total));
}

static struct json_object *json_disk(const struct top_row *disk,
				     const struct top_inside *in)
{
	struct json_object *o = json_object_new_object();
	struct json_object *queues = json_object_new_array();
	uint32_t i;

	top_json_put(o, "domid", disk->domid);
	top_json_put(o, "devid", disk->devid);
	json_object_object_add(o, "name", json_object_new_string(disk->name));
	json_object_object_add(o, "target",
			       json_object_new_string(disk->target));
	top_json_put(o, "size_bytes", disk->size_bytes);
	json_rates(o, disk);
	for (i = 1; i <= disk->queues; i++) {
		struct json_object *queue = json_object_new_object();

		json_rates(queue, &disk[i]);
		json_object_array_add(queues, queue);
	}
	json_object_object_add(o, "queues", queues);
	if (in->stages)
		json_object_object_add(o, "stages",
				       top_stages_json(disk, in->stages));
	return o;
}

int top_batch_json(FILE *to, const struct top_sample *now,
		   const struct top_rates *r, const struct top_inside *in)
{
	struct json_object *o = json_object_new_object();
	struct json_object *disks = json_object_new_array();
	const char *text;
	struct timespec ts;
	unsigned i;

	clock_gettime(CLOCK_REALTIME, &ts);
	put_rate(o, "time", true, (double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
	json_object_object_add(o, "daemon_pid",
			       now->daemon_pid
				       ? json_object_new_uint64(now->daemon_pid)
				       : NULL);
	json_object_object_add(o, "stopped",
			       json_object_new_boolean(now->stopped));
	for (i = 0; i < r->nrows; i += 1 + r->rows[i].queues)
		json_object_array_add(disks, json_disk(&r->rows[i], in));
	json_object_object_add(o, "disks", disks);
	if (in->calls)
		json_object_object_add(o, "kernel",
				       top_calls_json(r, in->calls));
	text = json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		fprintf(to, "%s\n", text);
	json_object_put(o);
	return text ? 0 : -ENOMEM;
}
