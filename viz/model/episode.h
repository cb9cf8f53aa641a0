/* SPDX-License-Identifier: MIT */
/*
 * A queue's life as episodes: each begins when nothing is in flight and ends
 * when nothing is any more.  Episodes of the same kind repeat each other, so
 * a picture shows one of them and says how often it happened.
 */
#ifndef VIZ_MODEL_EPISODE_H
#define VIZ_MODEL_EPISODE_H

#include "viz/model/model.h"

#define EPISODE_OPS   MODEL_OPS
#define EPISODE_KINDS (5u << 16)

struct episode {
	uint32_t first; /* its first request, an index into model.request */
	uint32_t requests;
	uint32_t rec_from;	  /* its records: from here ... */
	uint32_t rec_to;	  /* ... up to here, not included */
	uint32_t op[EPISODE_OPS]; /* how many of each operation */
	uint32_t failed, refused, open;
	int64_t from_ns, to_ns;
	uint64_t min_ns, max_ns; /* of its requests' totals */
	/* Equal for episodes that look alike; below EPISODE_KINDS. */
	uint32_t kind;
};

struct episodes {
	struct episode *ep;
	size_t n, room;
};

/* Those of one queue, in order.  0 or -ENOMEM; episodes_free() anyway. */
int episodes_make(const struct model *m, uint32_t queue, struct episodes *out);
void episodes_free(struct episodes *e);

#endif
