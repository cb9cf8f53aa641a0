/* SPDX-License-Identifier: MIT */
/* The order of disks; their queues stay with them. */
#ifndef TOP_SORT_H
#define TOP_SORT_H

#include "top/rates.h"

enum top_sort {
	TOP_SORT_DISK, /* by number upwards; all others downwards */
	TOP_SORT_IOPS,
	TOP_SORT_BYTES,
	TOP_SORT_LATENCY,
	TOP_SORT_RING,
	TOP_SORT_ERRORS, /* and refusals, since it connected */
	TOP_SORTS
};

/* What --sort calls it; its first letter is its key. */
const char *top_sort_name(enum top_sort by);

/* By its name, or its first letter.  0 or -EINVAL. */
int top_sort_parse(const char *text, enum top_sort *by);

/* 0 or -ENOMEM, and then the order is as it was. */
int top_sort(struct top_rates *r, enum top_sort by, bool reverse);

#endif
