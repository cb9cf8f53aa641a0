/* SPDX-License-Identifier: MIT */
/*
 * The grants that requests use now (grant/flight.h), in a plain list: as many
 * slots as grants can be used at a time, looked through from the front.
 */
#include "grant/flight.h"

#include <errno.h>
#include <stdlib.h>

struct grant_flight_slot {
	uint64_t seq; /* the request that added it last */
	uint32_t gref;
	uint32_t uses; /* adds without their remove; 0: the slot is free */
};

int grant_flight_open(struct grant_flight *f, uint32_t grefs_max)
{
	f->slot = calloc(grefs_max, sizeof(*f->slot));
	f->mask = grefs_max; /* how many slots there are */
	return f->slot ? 0 : -ENOMEM;
}

void grant_flight_close(struct grant_flight *f)
{
	free(f->slot);
	f->slot = NULL;
}

/* The slot of `gref`, else the first that is free. */
static struct grant_flight_slot *slot_of(struct grant_flight *f, uint32_t gref)
{
	struct grant_flight_slot *unused = NULL;
	uint32_t i;

	for (i = 0; i < f->mask; i++) {
		if (f->slot[i].uses && f->slot[i].gref == gref)
			return &f->slot[i];
		if (!f->slot[i].uses && !unused)
			unused = &f->slot[i];
	}
	return unused;
}

bool grant_flight_add(struct grant_flight *f, uint32_t gref, uint64_t seq)
{
	struct grant_flight_slot *s = slot_of(f, gref);
	bool shared = false;

	/*
	 * TODO 1/2: Note in its slot that request `seq` uses `gref`, and set
	 * `shared` if another request uses it already (GR-48).  A request may
	 * name a grant twice: that is no sharing.
	 */
	shared = s->uses && s->seq != seq;
	s->gref = gref;
	s->seq = seq;
	s->uses++;
	/* SKELETON: (void)s; */
	/* SKELETON: (void)seq; */
	/* END 1 */
	return shared;
}

void grant_flight_remove(struct grant_flight *f, uint32_t gref)
{
	struct grant_flight_slot *s = slot_of(f, gref);

	/* TODO 2/2: One use of `gref` has ended. */
	s->uses--;
	/* SKELETON: (void)s; */
	/* END 2 */
}
