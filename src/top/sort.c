/* SPDX-License-Identifier: MIT */
#include "top/sort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[TOP_SORTS] = { "disk",	 "iops", "mib",
					      "latency", "ring", "errors" };

/* A disk, and what it is sorted by. */
struct place {
	const struct top_row *row;
	double key;
	unsigned n; /* among those with the same key */
};

const char *top_sort_name(enum top_sort by)
{
	return names[by];
}

int top_sort_parse(const char *text, enum top_sort *by)
{
	unsigned i;

	for (i = 0; i < TOP_SORTS; i++)
		if (!strcmp(text, names[i]) ||
		    (text[0] == names[i][0] && !text[1])) {
			*by = (enum top_sort)i;
			return 0;
		}
	return -EINVAL;
}

static double key_of(const struct top_row *r, enum top_sort by)
{
	switch (by) {
	case TOP_SORT_IOPS:
		return r->iops;
	case TOP_SORT_BYTES:
		return r->bytes_s;
	case TOP_SORT_LATENCY:
		return r->mean_ns;
	case TOP_SORT_RING:
		return r->entries ? (double)r->in_flight / (double)r->entries
				  : 0;
	case TOP_SORT_ERRORS:
		return (double)(r->total_errors + r->total.refused);
	default:
		return 0;
	}
}

static int place_order(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->key < y->key)
		return 1;
	if (x->key > y->key)
		return -1;
	return x->n < y->n ? -1 : x->n > y->n;
}

int top_sort(struct top_rates *r, enum top_sort by, bool reverse)
{
	struct top_row *rows = calloc(r->nrows + 1, sizeof(*rows));
	struct place *places = calloc(r->nrows + 1, sizeof(*places));
	unsigned i, n = 0, to = 0;

	if (!rows || !places) {
		free(rows);
		free(places);
		return -ENOMEM;
	}
	for (i = 0; i < r->nrows; i += 1 + r->rows[i].queues) {
		places[n] = (struct place){ &r->rows[i],
					    key_of(&r->rows[i], by), n };
		n++;
	}
	qsort(places, n, sizeof(*places), place_order);
	for (i = 0; i < n; i++) {
		const struct top_row *disk =
			places[reverse ? n - 1 - i : i].row;

		memcpy(&rows[to], disk, (1 + disk->queues) * sizeof(*rows));
		to += 1 + disk->queues;
	}
	free(places);
	free(r->rows);
	r->rows = rows;
	return 0;
}
