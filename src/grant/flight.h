/* SPDX-License-Identifier: MIT */
/*
 * The grants that requests use now: whether a frontend gave one of them to two
 * requests at a time (GR-48).  Room for a fixed number; adding and removing
 * allocate nothing, and cost a look at one place unless a frontend chooses its
 * grants so that they fall together, which makes its own queue slower.
 */
#ifndef GRANT_FLIGHT_H
#define GRANT_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

struct grant_flight {
	struct grant_flight_slot *slot;
	uint32_t mask;
};

/* For `grefs_max` at a time.  0 or -ENOMEM. */
int grant_flight_open(struct grant_flight *f, uint32_t grefs_max);
void grant_flight_close(struct grant_flight *f);

/* Request `seq` uses `gref`: true if another one does already. */
bool grant_flight_add(struct grant_flight *f, uint32_t gref, uint64_t seq);
/* Once for each add. */
void grant_flight_remove(struct grant_flight *f, uint32_t gref);

#endif
