/* SPDX-License-Identifier: MIT */
/* One event as a message between two lanes, or a note on one, in words. */
#ifndef VIZ_VIEWS_MESSAGE_H
#define VIZ_VIEWS_MESSAGE_H

#include "viz/model/model.h"

enum lane {
	LANE_FRONTEND,
	LANE_STORE,
	LANE_RING, /* the shared ring and its event channel */
	LANE_BACKEND,
	LANE_DISK,
	LANE_COUNT
};

extern const char *const lane_names[LANE_COUNT];
extern const char *const lane_short_names[LANE_COUNT];

/* What a message is about: its look, never by colour alone. */
enum tone {
	TONE_STATE,  /* a xenbus state */
	TONE_STORE,  /* a key of the store */
	TONE_RING,   /* requests and responses in the ring */
	TONE_INDEX,  /* indices */
	TONE_NOTIFY, /* event channel */
	TONE_GRANT,
	TONE_DISK,
	TONE_LIFE, /* devices and queues come and go */
	TONE_BAD,  /* refused, failed, broken */
	TONE_COUNT
};

extern const char *const tone_names[TONE_COUNT]; /* one word, for classes */

#define MESSAGE_TEXT_MAX 200

struct message {
	uint8_t from, to; /* equal: a note on that lane */
	uint8_t tone;
	char text[MESSAGE_TEXT_MAX];
	/*
	 * Messages with equal `fold` and `many` may stand in one row, which
	 * then reads `many` with their number in it, and lists the items.
	 * `many` is NULL where each has something of its own to say.
	 */
	uint32_t fold;
	const char *many;
	char item[64];
};

void message_of(const struct model *m, uint32_t rec, struct message *out);

/* Words of the protocol: "Connected", "read", "okay"; "?" if it has none. */
const char *state_name(int64_t state);
const char *op_name(unsigned op);
/* Likewise, of one as the model counts them. */
const char *model_op_name(unsigned op);
const char *status_name(int status);
const char *actor_name(unsigned actor);

#endif
