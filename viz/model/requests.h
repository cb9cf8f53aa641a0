/* SPDX-License-Identifier: MIT */
/* The events of a queue become requests, and counts of notifications. */
#ifndef VIZ_MODEL_REQUESTS_H
#define VIZ_MODEL_REQUESTS_H

#include "viz/model/model.h"

/* Take in one event, of a queue of the model.  0 or -ENOMEM. */
int requests_event(struct model *m, uint32_t queue, uint32_t rec);

#endif
