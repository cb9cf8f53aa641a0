/* SPDX-License-Identifier: MIT */
#include "top/stages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "top/columns.h"
#include "top/hist.h"

#define BAR 5

static const struct {
	const char *name, *title, *help;
} stages[TIMING_STAGES] = {
	[TIMING_CHECK] = { "check", "CHECK",
			   "CHECK    from taken out of the ring to checked" },
	[TIMING_START] = { "start", "START",
			   "START    until the storage has it: its turn, its "
			   "pages" },
	[TIMING_STORAGE] = { "storage", "STORAGE",
			     "STORAGE  until the storage is done" },
	[TIMING_ANSWER] = { "answer", "ANSWER",
			    "ANSWER   until it is answered: its pages given "
			    "back" },
	[TIMING_TELL] = { "tell", "TELL",
			  "TELL     until the frontend was told, if it "
			  "wanted to be" },
	[TIMING_ALL] = { "all", "ALL", "ALL      from taken to answered" },
};

const char *top_stage_help(unsigned n)
{
	return n < TIMING_STAGES ? stages[n].help : NULL;
}

/* ---- differences --------------------------------------------------------- */

static const struct timing_stage_row *
find(const struct top_stages *s, uint32_t domid, uint32_t devid, unsigned stage)
{
	unsigned i;

	for (i = 0; i < s->count; i++) {
		const struct timing_stage_key *k = &s->rows[i].key;

		if (k->domid == domid && k->devid == devid && k->stage == stage)
			return &s->rows[i];
	}
	return NULL;
}

int top_stages_differ(const struct top_stages *before,
		      const struct top_stages *now, struct top_stages *d)
{
	unsigned i;

	memset(d, 0, sizeof(*d));
	d->rows = calloc(now->count ? now->count : 1, sizeof(*d->rows));
	if (!d->rows)
		return -ENOMEM;
	d->count = now->count;
	for (i = 0; i < now->count; i++) {
		const struct timing_stage_row *n = &now->rows[i], *was;

		was = find(before, n->key.domid, n->key.devid, n->key.stage);
		d->rows[i] = *n;
		if (was)
			top_hist_differ(&was->hist, &n->hist, &d->rows[i].hist);
	}
	return 0;
}

void top_stages_free(struct top_stages *s)
{
	free(s->rows);
	memset(s, 0, sizeof(*s));
}

/* All stages of a disk; what never was is empty. */
static void disk_stages(const struct top_row *disk, const struct top_stages *s,
			struct timing_hist of[TIMING_STAGES])
{
	unsigned i;

	memset(of, 0, TIMING_STAGES * sizeof(*of));
	for (i = 0; i < TIMING_STAGES; i++) {
		const struct timing_stage_row *row =
			find(s, disk->domid, disk->devid, i);

		if (row)
			of[i] = row->hist;
	}
}

/* ---- the table ----------------------------------------------------------- */

static uint64_t largest(const struct timing_hist *h)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < TIMING_SLOTS; i++)
		if (h->slot[i] > n)
			n = h->slot[i];
	return n;
}

/* A slot as its number, and a bar beside those of its column. */
static void slot_print(FILE *to, const struct timing_hist *h, unsigned slot)
{
	uint64_t most = largest(h), n = h->slot[slot];
	unsigned bar = most ? (unsigned)((n * BAR + most - 1) / most) : 0;
	char cell[TOP_CELL_MAX] = "";

	if (n)
		top_count_text(n, cell);
	fprintf(to, " %5s %-*.*s", cell, BAR, (int)bar, "#####");
}

static void slots_print(FILE *to, const struct timing_hist of[TIMING_STAGES])
{
	unsigned first = TIMING_SLOTS, last = 0, slot, i;
	char label[TOP_CELL_MAX];

	for (slot = 0; slot < TIMING_SLOTS; slot++)
		for (i = 0; i < TIMING_STAGES; i++)
			if (of[i].slot[slot]) {
				first = slot < first ? slot : first;
				last = slot;
			}
	for (slot = first; slot <= last; slot++) {
		top_time_text((double)timing_slot_from_ns(slot), label);
		fprintf(to, "%7s", label);
		for (i = 0; i < TIMING_STAGES; i++)
			slot_print(to, &of[i], slot);
		fputc('\n', to);
	}
}

/* What a line above the slots says. */
static void head_text(const struct timing_hist *h, unsigned line,
		      char cell[TOP_CELL_MAX])
{
	if (line == 0)
		top_count_text(top_hist_count(h), cell);
	else if (line == 1)
		top_time_text(top_hist_mean_ns(h), cell);
	else
		top_time_text(top_hist_quantile_ns(h, line == 2 ? 0.5 : 0.99),
			      cell);
}

static void heads_print(FILE *to, const struct top_row *disk,
			const struct timing_hist of[TIMING_STAGES])
{
	static const char *const heads[] = { "N", "MEAN", "P50", "P99" };
	char cell[TOP_CELL_MAX];
	unsigned i, line;

	snprintf(cell, sizeof(cell), "%u/%s", disk->domid, disk->name);
	fprintf(to, "%-7s", cell);
	for (i = 0; i < TIMING_STAGES; i++)
		fprintf(to, " %7s    ", stages[i].title);
	fputc('\n', to);
	for (line = 0; line < sizeof(heads) / sizeof(heads[0]); line++) {
		fprintf(to, "%7s", heads[line]);
		for (i = 0; i < TIMING_STAGES; i++) {
			head_text(&of[i], line, cell);
			fprintf(to, " %7s    ", cell);
		}
		fputc('\n', to);
	}
}

void top_stages_table(FILE *to, const struct top_rates *r,
		      const struct top_stages *s)
{
	struct timing_hist of[TIMING_STAGES];
	unsigned i;

	for (i = 0; i < r->nrows; i += 1 + r->rows[i].queues) {
		disk_stages(&r->rows[i], s, of);
		heads_print(to, &r->rows[i], of);
		slots_print(to, of);
		fputc('\n', to);
	}
}

/* ---- lines and JSON ------------------------------------------------------ */

void top_stages_lines(FILE *to, const char *clock, const struct top_rates *r,
		      const struct top_stages *s)
{
	struct timing_hist of[TIMING_STAGES];
	unsigned i, stage;

	for (i = 0; i < r->nrows; i += 1 + r->rows[i].queues) {
		const struct top_row *disk = &r->rows[i];
		char name[TOP_CELL_MAX];

		disk_stages(disk, s, of);
		snprintf(name, sizeof(name), "%u/%s", disk->domid, disk->name);
		for (stage = 0; stage < TIMING_STAGES; stage++) {
			if (!top_hist_count(&of[stage]))
				continue;
			fprintf(to, "%-8s %-10s %-8s", clock, name,
				stages[stage].name);
			top_hist_line(to, &of[stage]);
		}
	}
}

struct json_object *top_stages_json(const struct top_row *disk,
				    const struct top_stages *s)
{
	struct json_object *o = json_object_new_object();
	struct timing_hist of[TIMING_STAGES];
	unsigned i;

	disk_stages(disk, s, of);
	for (i = 0; i < TIMING_STAGES; i++)
		json_object_object_add(o, stages[i].name,
				       top_hist_json(&of[i], "requests"));
	return o;
}
