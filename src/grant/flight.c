/* SPDX-License-Identifier: MIT */
#include "grant/flight.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct grant_flight_slot {
	uint64_t seq; /* who came last */
	uint32_t gref;
	uint32_t uses; /* 0: the slot is free */
};

int grant_flight_open(struct grant_flight *f, uint32_t grefs_max)
{
	uint32_t slots = 2;

	/* At most half full, so that a free one is near. */
	while (slots < 2 * grefs_max)
		slots *= 2;
	f->slot = calloc(slots, sizeof(*f->slot));
	f->mask = slots - 1;
	return f->slot ? 0 : -ENOMEM;
}

void grant_flight_close(struct grant_flight *f)
{
	free(f->slot);
	f->slot = NULL;
}

/*
 * Where a gref belongs.  Grefs are dense numbers: left as they are they would
 * stand in long rows, and a removal goes to the end of its row.
 */
static uint32_t flight_home(const struct grant_flight *f, uint32_t gref)
{
	return (gref * 2654435761u >> 7) & f->mask;
}

/* Its slot, or the free one where it would be. */
static uint32_t flight_find(const struct grant_flight *f, uint32_t gref)
{
	uint32_t i = flight_home(f, gref);

	while (f->slot[i].uses && f->slot[i].gref != gref)
		i = (i + 1) & f->mask;
	return i;
}

bool grant_flight_add(struct grant_flight *f, uint32_t gref, uint64_t seq)
{
	struct grant_flight_slot *s = &f->slot[flight_find(f, gref)];
	bool shared = s->uses && s->seq != seq;

	s->gref = gref;
	s->seq = seq;
	s->uses++;
	return shared;
}

void grant_flight_remove(struct grant_flight *f, uint32_t gref)
{
	uint32_t hole = flight_find(f, gref), i = hole;

	assert(f->slot[hole].uses);
	if (--f->slot[hole].uses)
		return;
	/* Those after it whose way led over it move up. */
	for (;;) {
		uint32_t home;

		i = (i + 1) & f->mask;
		if (!f->slot[i].uses)
			break;
		home = flight_home(f, f->slot[i].gref);
		if (((i - home) & f->mask) < ((i - hole) & f->mask))
			continue;
		f->slot[hole] = f->slot[i];
		f->slot[i].uses = 0;
		hole = i;
	}
}
