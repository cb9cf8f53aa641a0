/* SPDX-License-Identifier: MIT */
/*
 * One request's story: the records of the log that tell it, its own events
 * and those that carried it, namely the publishing and reading of the index
 * that passed it and the notification that announced it.
 */
#ifndef VIZ_MODEL_STORY_H
#define VIZ_MODEL_STORY_H

#include "viz/model/model.h"

struct story {
	uint32_t *rec; /* ascending */
	size_t n, room;
};

/* 0 or -ENOMEM; story_free() in any case. */
int story_make(const struct model *m, const struct request *r,
	       struct story *out);
void story_free(struct story *s);

int story_add(struct story *s, uint32_t rec);

#endif
