/* SPDX-License-Identifier: MIT */
/* What a sequence tells: single requests, episodes, a saved notification. */
#ifndef VIZ_VIEWS_SEQUENCE_TELL_H
#define VIZ_VIEWS_SEQUENCE_TELL_H

#include "viz/model/episode.h"
#include "viz/views/rows.h"
#include "viz/views/view.h"

struct teller {
	const struct model *m;
	const struct model_device *d;
	struct selection sel;
	uint16_t queue; /* its number */
	struct rows *rows;
	uint32_t told_ops; /* operations of which a story was told */
	bool told_failed, told_refused, told_saved;
	uint64_t shown;	  /* records that stories took */
	uint64_t skipped; /* records between what was shown */
};

/* Is a record of the selected device and queue? */
bool teller_owns(const struct teller *c, const struct log_rec *rec);

/* All records of the selection in a range; `to` is not included. */
void tell_range(struct teller *c, uint32_t from, uint32_t to);

/* A heading with the time of its first record. */
void tell_heading(struct teller *c, uint32_t at, const char *what);

/* 0 or -ENOMEM. */
int tell_request(struct teller *c, const struct request *r);
int tell_episodes(struct teller *c, const struct episodes *e);

/* The first notification that was not needed, if there is one. */
void tell_saved(struct teller *c);

#endif
