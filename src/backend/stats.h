/* SPDX-License-Identifier: MIT */
/* The daemon's side of base/stats.h: the file of one device. */
#ifndef BACKEND_STATS_H
#define BACKEND_STATS_H

#include "base/stats.h"
#include "base/why.h"

struct stats;

/*
 * Make the file of a device in `dir`.  `header` is filled in but for magic
 * and sizes.  NULL with a sentence if it cannot be made; a device works
 * without.
 */
struct stats *stats_open(const char *dir, const struct stats_header *header,
			 struct why *why);

/*
 * Remove what an earlier daemon left in `dir`, and say that this one runs;
 * only where no other does.  If it cannot be said, each device will tell.
 */
void stats_begin(const char *dir);

/* It ends; its devices have ended. */
void stats_end(const char *dir);

/* The counters of queue `n`, for its thread. */
struct stats_queue *stats_queue(struct stats *s, unsigned n);

/* Take its name away; the counters stay in memory until stats_close(). */
void stats_hide(struct stats *s);

/* The storage has another size, or is another.  NULL is fine. */
void stats_storage(struct stats *s, uint64_t size_bytes, const char *target);

/* NULL is fine. */
void stats_close(struct stats *s);

#endif
