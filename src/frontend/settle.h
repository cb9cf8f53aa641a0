/* SPDX-License-Identifier: MIT */
/*
 * What a frontend and its backend agree on: the limits that stand before the
 * backend's state 2, the keys that we write before our 3 (XB-03, XB-09 to
 * XB-13), the disk and the features that stand before its 4 (XB-02), and a
 * new size of the disk later (XB-18).
 *
 * Each function returns 0 or -errno with a sentence: -EPROTO, the backend
 * broke a rule; -EOPNOTSUPP, more is wanted than it offers.
 */
#ifndef FRONTEND_SETTLE_H
#define FRONTEND_SETTLE_H

#include "frontend/device.h"

int front_settle_limits(struct front_device *d, const struct front_transport *t,
			struct why *why);

/* Open the queues, and write their keys. */
int front_settle_share(struct front_device *d,
		       const struct front_device_options *opt, struct why *why);

int front_settle_geometry(struct front_device *d,
			  const struct front_transport *t, struct why *why);

/* And tell the queues what may be used. */
int front_settle_features(struct front_device *d,
			  const struct front_transport *t, struct why *why);

/* The backend wrote its state again while connected: is the size another? */
int front_settle_resize(struct front_device *d, struct why *why);

#endif
