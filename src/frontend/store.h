/* SPDX-License-Identifier: MIT */
/*
 * The keys of a device: every one that the frontend reads or writes passes
 * here and is an event.
 */
#ifndef FRONTEND_STORE_H
#define FRONTEND_STORE_H

#include <stdint.h>

#include "frontend/device.h"

#define FRONT_NAME_MAX	32
#define FRONT_VALUE_MAX 64

/* One key to be written. */
struct front_key {
	char name[FRONT_NAME_MAX];
	char value[FRONT_VALUE_MAX];
};

/* "Connected (4)" and so on: as people and xenbus.h call it. */
const char *front_state_name(enum xenbus_state state);

/* The value of DIR/KEY, malloced; NULL with errno (ENOENT: absent). */
char *front_store_read(struct front_device *d, const char *dir,
		       const char *key);

/*
 * A number that the backend wrote (XB-08).  0; -ENOENT if it is absent, and
 * then *out and `why` stay as they were; -EPROTO with a sentence that names
 * key, value and range.
 */
int front_store_number(struct front_device *d, const char *key, uint64_t min,
		       uint64_t max, uint64_t *out, struct why *why);

/*
 * Write all keys of ours at once, in one transaction, and remove what an
 * earlier frontend wrote of its rings and we do not (XB-10, XB-12).
 */
int front_store_commit(struct front_device *d, const struct front_key *keys,
		       unsigned n, struct why *why);

/* Move our own state (XB-06). */
int front_store_switch(struct front_device *d, enum xenbus_state to,
		       struct why *why);

/* Our own state as it stands, without an opinion: XENBUS_UNKNOWN if none. */
enum xenbus_state front_store_own(struct front_device *d);

/*
 * Read the backend's state afresh into d->peer; absent or nonsense is
 * XENBUS_UNKNOWN.  Emits state_seen when it changed.
 */
void front_store_look(struct front_device *d);

#endif
