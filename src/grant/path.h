/* SPDX-License-Identifier: MIT */
/*
 * The ways from a gref to memory.  Each is a table of functions over the same
 * space, which grant/space.c calls; grant/space.h says what acquire and release
 * have to do.  A batch has at least one use.  space.c itself looks after grants
 * that are shared (`flight`, and `shared` in a use), unless a path tells them
 * itself, and sets each `count` to 0 after a release, which a path leaves
 * alone.
 */
#ifndef GRANT_PATH_H
#define GRANT_PATH_H

#include "grant/flight.h"
#include "grant/space.h"

struct grant_path_ops {
	/*
	 * Allocate what batches of setup.uses_max uses and setup.pages_max
	 * pages need; -errno with nothing left behind.
	 */
	int (*open)(struct grant_space *s);
	void (*close)(struct grant_space *s);
	/*
	 * Sets `error` in each use and, where that is 0, `data` in each of its
	 * segs.  0, or -errno if the host failed; then, too, a use is held
	 * where its `error` is 0.
	 */
	int (*acquire)(struct grant_space *s, struct grant_use **uses,
		       unsigned n);
	/* Only of uses that were acquired with `error` 0. */
	void (*release)(struct grant_space *s, struct grant_use **uses,
			unsigned n);
	bool (*idle)(struct grant_space *s); /* NULL: keeps nothing */
	bool tells_shared; /* acquire sets `shared` itself (GR-48) */
};

struct grant_space {
	struct grant_space_setup setup;
	const struct xen_gnttab_ops *gnttab; /* for setup.gnttab */
	const struct grant_path_ops *path;
	struct grant_flight flight; /* GR-48, unless the path tells */
	void *own;		    /* the path's */
	unsigned kept;		    /* pages mapped for longer than a request */
	/*
	 * Room for the calls of one batch, setup.pages_max entries each; the
	 * path's, from call to call.
	 */
	uint32_t *grefs;
	int16_t *status;
};

extern const struct grant_path_ops grant_path_map;
extern const struct grant_path_ops grant_path_copy;
extern const struct grant_path_ops grant_path_persist;

#endif
