/* SPDX-License-Identifier: MIT */
#include "top/columns.h"

#include <stdio.h>
#include <string.h>

#define MIB 1048576.0

void top_number_text(double n, char cell[TOP_CELL_MAX])
{
	static const char units[] = " kMGT";
	unsigned unit = 0;

	/* Where it would be rounded up to four digits, the next one. */
	while (n >= 999.5 && unit < 4) {
		n /= 1000;
		unit++;
	}
	if (!unit)
		snprintf(cell, TOP_CELL_MAX,
			 n > 0 && n < 9.95 ? "%.1f" : "%.0f", n);
	else
		snprintf(cell, TOP_CELL_MAX, "%.*f%c", n < 99.95 ? 1 : 0, n,
			 units[unit]);
}

void top_count_text(uint64_t n, char cell[TOP_CELL_MAX])
{
	if (n < 1000)
		snprintf(cell, TOP_CELL_MAX, "%u", (unsigned)n);
	else
		top_number_text((double)n, cell);
}

void top_time_text(double ns, char cell[TOP_CELL_MAX])
{
	static const char *const units[] = { "us", "ms", "s" };
	double t = ns / 1e3;
	unsigned unit = 0;

	if (ns <= 0) {
		strcpy(cell, "-");
		return;
	}
	while (t >= 999.5 && unit < 2) {
		t /= 1000;
		unit++;
	}
	snprintf(cell, TOP_CELL_MAX, "%.*f%s", t < 99.95 ? 1 : 0, t,
		 units[unit]);
}

/* How often a second, where that is known. */
static void rate_text(const struct top_row *r, uint64_t n,
		      char cell[TOP_CELL_MAX])
{
	if (!r->known)
		strcpy(cell, "-");
	else
		top_number_text(r->ns ? (double)n * 1e9 / (double)r->ns : 0,
				cell);
}

static void disk_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	if (r->queue == TOP_DISK_ROW)
		snprintf(cell, TOP_CELL_MAX, "%u/%s", r->domid, r->name);
	else
		snprintf(cell, TOP_CELL_MAX, "  queue %d", r->queue);
}

static void ring_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	snprintf(cell, TOP_CELL_MAX, "%llu/%llu",
		 (unsigned long long)r->in_flight,
		 (unsigned long long)r->entries);
}

static void iops_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	rate_text(r, r->requests, cell);
}

static void mib_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	if (!r->known)
		strcpy(cell, "-");
	else
		top_number_text(r->bytes_s / MIB, cell);
}

static void mean_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	top_time_text(r->mean_ns, cell);
}

static void p50_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	top_time_text(r->p50_ns, cell);
}

static void p99_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	top_time_text(r->p99_ns, cell);
}

static void sent_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	rate_text(r, r->d.notifies, cell);
}

static void saved_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	rate_text(r, top_suppressed(&r->d), cell);
}

static void woken_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	rate_text(r, r->d.wakeups, cell);
}

static void spurious_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	rate_text(r, r->d.spurious, cell);
}

static void errors_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	top_number_text((double)r->total_errors, cell);
}

static void refused_text(const struct top_row *r, char cell[TOP_CELL_MAX])
{
	top_number_text((double)r->total.refused, cell);
}

/* 80 columns without P50, which needs 87. */
const struct top_column top_columns[] = {
	{ "DISK", "domain and virtual disk, and its queues if there are more",
	  10, 0, disk_text },
	{ "RING", "requests in flight, of how many the ring holds", 7, 1,
	  ring_text },
	{ "IOPS", "requests answered a second, well or not", 6, 2, iops_text },
	{ "MiB/s", "data of those answered well", 6, 3, mib_text },
	{ "MEAN", "time from taken to answered", 6, 4, mean_text },
	{ "P50", "half of the requests took no longer", 6, 12, p50_text },
	{ "P99", "99 of 100 took no longer", 6, 5, p99_text },
	{ "SENT", "notifications sent to the frontend a second", 5, 8,
	  sent_text },
	{ "SAVED", "answers published without one a second", 5, 9, saved_text },
	{ "WOKEN", "notifications from the frontend a second", 5, 10,
	  woken_text },
	{ "SPUR", "of these, for nothing", 5, 11, spurious_text },
	{ "ERR", "requests answered with an error since it connected", 4, 6,
	  errors_text },
	{ "REF", "requests that broke a rule since it connected", 4, 7,
	  refused_text },
};

const unsigned top_ncolumns = sizeof(top_columns) / sizeof(top_columns[0]);

/* The highest rank for which all up to it fit. */
static int rank_fitting(int width)
{
	int rank, used = -1;
	unsigned i;

	for (rank = 0; rank < (int)top_ncolumns; rank++) {
		for (i = 0; top_columns[i].rank != rank;)
			i++;
		used += top_columns[i].width + 1;
		if (used > width)
			break;
	}
	return rank - 1;
}

void top_line(const struct top_row *row, int width, char line[TOP_LINE_MAX])
{
	int rank = rank_fitting(width), at = 0;
	unsigned i;

	line[0] = '\0';
	for (i = 0; i < top_ncolumns; i++) {
		const struct top_column *c = &top_columns[i];
		char cell[TOP_CELL_MAX];

		if (c->rank > rank)
			continue;
		if (row)
			c->text(row, cell);
		else
			snprintf(cell, sizeof(cell), "%s", c->title);
		/* The first to the left, numbers to the right. */
		at += snprintf(line + at, (size_t)(TOP_LINE_MAX - at), "%s%*s",
			       at ? " " : "", i ? c->width : -c->width, cell);
	}
}

void top_stuck_text(const struct top_row *disk, char *text, size_t size)
{
	char name[24] = "";
	const struct top_row *r = disk + 1;

	text[0] = '\0';
	while (r <= disk + disk->queues && !r->stuck)
		r++;
	if (r > disk + disk->queues)
		return;
	if (disk->queues > 1)
		snprintf(name, sizeof(name), "queue %d: ", r->queue);
	if (r->stuck == TOP_STUCK_STOPPED)
		snprintf(text, size, "the process of ringsided is stopped");
	else if (r->stuck == TOP_STUCK_UNTAKEN)
		snprintf(text, size,
			 "%s%llu requests in the ring, none taken for %.0f s",
			 name, (unsigned long long)r->pending,
			 (double)r->untaken_ns / 1e9);
	else
		snprintf(text, size,
			 "%s%llu requests in flight, none answered for %.0f s",
			 name, (unsigned long long)r->in_flight,
			 (double)r->still_ns / 1e9);
}
