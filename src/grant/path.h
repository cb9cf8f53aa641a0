/* SPDX-License-Identifier: MIT */
/*
 * The ways from a gref to memory.  Each is a table of four functions over the
 * same space; grant/space.h says what acquire and release have to do.
 */
#ifndef GRANT_PATH_H
#define GRANT_PATH_H

#include "grant/flight.h"
#include "grant/space.h"

struct grant_path_ops {
	/* Allocate for pages_max; -errno with nothing left behind. */
	int (*open)(struct grant_space *s);
	void (*close)(struct grant_space *s);
	int (*acquire)(struct grant_space *s, struct grant_use **uses,
		       unsigned n);
	void (*release)(struct grant_space *s, struct grant_use **uses,
			unsigned n);
	bool (*idle)(struct grant_space *s); /* NULL: keeps nothing */
	bool tells_shared; /* acquire sets `shared` itself (GR-48) */
};

struct grant_space {
	struct grant_space_setup setup;
	const struct xen_gnttab_ops *gnttab;
	const struct grant_path_ops *path;
	struct grant_flight flight; /* GR-48, unless the path tells */
	void *own;		    /* the path's */
	unsigned kept;		    /* pages mapped for longer than a request */
	/* Room for one batch, setup.pages_max each. */
	uint32_t *grefs;
	int16_t *status;
};

extern const struct grant_path_ops grant_path_map;
extern const struct grant_path_ops grant_path_copy;
extern const struct grant_path_ops grant_path_persist;

#endif
