/* SPDX-License-Identifier: MIT */
/*
 * Feature switches: what is offered to frontends of all that this backend can
 * do.  They are set by the configuration file for all disks and by keys in the
 * store for one (ringsided(8)); a switch that is on offers no more than the
 * daemon's limits and the disk allow.
 */
#ifndef BACKEND_FEATURES_H
#define BACKEND_FEATURES_H

#include <stdbool.h>

#include "base/log.h"
#include "base/why.h"
#include "grant/space.h"
#include "xenbus/device.h"
#include "xenbus/negotiate.h"

struct features {
	bool persistent;
	bool indirect;
	bool barrier;
	bool flush;
	bool discard;
	bool multi_queue;
	bool ring_order; /* rings of several pages */
	/* For frontends that do not reuse their grants: map or copy. */
	enum grant_path path;
};

/* All on, and mapped. */
extern const struct features features_default;

/* yes, true, on, 1 or no, false, off, 0; -EINVAL for anything else. */
int features_yes(const char *word, bool *out);

/*
 * Set the switch `name`: a word as above, or for "grants" keep, map or copy.
 * -EINVAL with a sentence that names what is wrong; nothing changed then.
 */
int features_set(struct features *f, const char *name, const char *value,
		 struct why *why);

/*
 * Set what keys in the store say for one disk: those in the directory
 * `ringside` of the backend's.  One that is wrong is logged and ignored.
 */
void features_read(struct features *f, struct xenbus_device *d,
		   struct log_limit *limit);

/* True if `key`, below a disk's directory, is one of these or above them. */
bool features_key(const char *key);

/* True if both switch the same. */
bool features_same(const struct features *a, const struct features *b);

/* Take out of an offer what is switched off. */
void features_apply(const struct features *f, struct negotiate_offer *o);

#endif
