/* SPDX-License-Identifier: MIT */
/*
 * Events as messages between the parties of a disk: what a sequence diagram
 * draws and what the text form lists.
 */
#ifndef VIZ_VIEWS_MESSAGE_H
#define VIZ_VIEWS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "viz/model/model.h"

enum lane {
	LANE_FRONTEND,
	LANE_STORE,
	LANE_RING, /* the shared ring and the event channel */
	LANE_BACKEND,
	LANE_DISK,
	LANES
};

extern const char *const lane_names[LANES];

#define MESSAGE_TEXT_MAX 96u

struct message {
	int64_t t_ns;
	enum lane from, to; /* equal: something a party does by itself */
	uint8_t kind;	    /* enum ev_kind */
	uint32_t times;	    /* how many events it stands for, from 1 */
	uint64_t skipped;   /* not 0: a gap, so many events are not shown */
	char text[MESSAGE_TEXT_MAX];
};

/*
 * The message of one event.  False for events that say what their neighbour
 * says, or nothing about the parties.
 */
bool message_make(const struct model *m, const struct log_rec *rec,
		  struct message *out);

struct messages {
	struct message *item;
	size_t n, room;
	int error; /* -ENOMEM sticks */
};

void messages_free(struct messages *l);

/* Append; the same thing once more only counts in the message before. */
void messages_add(struct messages *l, const struct message *msg);

/* Append a gap of `events` events, told by printf rules. */
void messages_gap(struct messages *l, int64_t t_ns, uint64_t events,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
