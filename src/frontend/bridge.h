/* SPDX-License-Identifier: MIT */
/*
 * One disk for many threads: a frontend's loop on a thread of its own, and
 * blocking calls that hand their operation over to it and sleep until it is
 * done.  This is what an NBD server with worker threads needs.
 */
#ifndef FRONTEND_BRIDGE_H
#define FRONTEND_BRIDGE_H

#include <stdint.h>

#include "base/why.h"
#include "frontend/device.h"

struct front_bridge;

#define FRONT_BRIDGE_QUIT 'Q'

struct front_bridge_options {
	const char *program; /* for the trace */
	const char *dir;     /* of the desk */
	uint16_t domid;
	struct front_device_options device; /* one queue */
	/*
	 * A socket, or -1.  FRONT_BRIDGE_QUIT on it asks to close the disk in
	 * order, while calls of front_bridge_io() may still come and fail.
	 * When its other end closes, the handshake is given up, or everything
	 * in flight is: someone has no patience left.
	 */
	int stop_fd;
	/*
	 * Called once, from the loop's thread, if the disk ends by itself.
	 * `why` is only valid in the call.
	 */
	void (*ended)(void *opaque, const struct why *why);
	/* The same when it was closed because stop_fd asked; NULL: in order. */
	void (*closed)(void *opaque, const struct why *why);
	void *opaque;
};

/*
 * Connect; returns when that is done or has failed (front_device_open() has
 * the errors).  `dir` is borrowed for the call, `program` for the bridge's
 * life.
 */
int front_bridge_start(const struct front_bridge_options *opt,
		       struct front_bridge **out, struct why *why);

/* What the handshake settled; only the size may change. */
const struct front_settled *front_bridge_settled(const struct front_bridge *b);

/*
 * Read into, or write from, `buf`, or flush; returns when it is done: 0 or
 * what front_device_submit() and struct front_io say.  From any thread but
 * the loop's.
 */
int front_bridge_io(struct front_bridge *b, enum ring_op op, void *buf,
		    uint32_t len_bytes, uint64_t off_bytes);

/*
 * Close the disk and free the bridge; no call of front_bridge_io() may be
 * going on.  0, or the closing's failure with a sentence; 0 also if the disk
 * had ended by itself, since that was told before.
 */
int front_bridge_stop(struct front_bridge *b, struct why *why);

#endif
