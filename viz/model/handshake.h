/* SPDX-License-Identifier: MIT */
/*
 * How both sides of a device moved through their xenbus states, and which
 * keys each wrote, read and settled in which state.
 */
#ifndef VIZ_MODEL_HANDSHAKE_H
#define VIZ_MODEL_HANDSHAKE_H

#include "viz/model/model.h"

#define HANDSHAKE_STATES 9u /* EV_STATE_UNKNOWN to RECONFIGURED */

enum side { SIDE_FRONTEND, SIDE_BACKEND, SIDE_COUNT };
extern const char *const side_names[SIDE_COUNT];

enum step_kind {
	STEP_MOVE, /* from one state to another */
	STEP_SEEN, /* the peer was seen in state `to` */
	STEP_WRITE,
	STEP_READ,
	STEP_ABSENT, /* read, and nothing was there */
	STEP_SETTLE,
	STEP_FAULT, /* key is the rule, value the detail */
};

struct step {
	uint8_t kind; /* enum step_kind */
	uint8_t side;
	uint8_t from, to; /* states; of others than moves where it stood */
	uint32_t number;  /* of moves and sights, in order, from 1 */
	uint32_t rec;
	int64_t t_ns;
	const char *key; /* borrowed of the log */
	const char *value;
	uint64_t settled;
};

struct handshake {
	struct step *step;
	size_t n, room;
	bool visited[SIDE_COUNT][HANDSHAKE_STATES];
	/*
	 * A side that was not recorded has no steps of its own, as a real
	 * guest: of it is known only in which states its peer saw it.
	 */
	bool recorded[SIDE_COUNT];
	bool seen[SIDE_COUNT][HANDSHAKE_STATES];
	unsigned moves;
};

/* The other one. */
static inline enum side side_peer(uint8_t side)
{
	return side == SIDE_FRONTEND ? SIDE_BACKEND : SIDE_FRONTEND;
}

/* A key's name behind the directory of its device. */
const char *key_name(const char *path, uint32_t devid);

/* Of one device.  0 or -ENOMEM; handshake_free() in any case. */
int handshake_make(const struct model *m, const struct model_device *d,
		   struct handshake *out);
void handshake_free(struct handshake *h);

#endif
