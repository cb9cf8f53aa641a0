/* SPDX-License-Identifier: MIT */
/*
 * A guest of the desk: one connection to the host, the disks that it drives,
 * and the loop that serves them.  Everything here and below belongs to the
 * one thread that runs the loop, but for what belongs to a queue's own thread
 * (frontend/worker.h); frontend/bridge.h lets other threads in.
 */
#ifndef FRONTEND_GUEST_H
#define FRONTEND_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/asleep.h"
#include "base/why.h"
#include "xen/xen.h"

#define FRONT_DEVICES_MAX 32
#define FRONT_WAKES_MAX	  4

struct front_device;

/*
 * Someone who wants the loop's attention: a signalfd, an eventfd.  ready()
 * is called when the fd is readable, and has to read it or take it away
 * (fd = -1).
 */
struct front_wake {
	int fd;
	void (*ready)(struct front_wake *wake);
	void *opaque;
};

struct front_guest {
	struct xen_host *host; /* owned */
	char dir[256];	       /* of the desk, for sentences */
	uint16_t domid;
	bool gone; /* the desk is gone: nothing works any more */
	struct front_wake wakes[FRONT_WAKES_MAX];
	unsigned nwakes;
	int poke_fd; /* an eventfd: a queue's thread wants the loop to look */
	/*
	 * How often the owner was asked to stop.  Waits of a handshake end
	 * at the first, waits of a closing one at the second.
	 */
	unsigned interrupts;
	/*
	 * The backend's process, if it is known: no wait goes on once that
	 * sleeps, or goes in circles.
	 */
	struct asleep_watch backend;
	struct front_device *devices[FRONT_DEVICES_MAX];
	unsigned ndevices;
};

/*
 * Enter the desk in `dir` as domain `domid`.  0; or -errno with a sentence,
 * and then there is nothing to close.
 */
int front_guest_open(struct front_guest *g, const char *dir, uint16_t domid,
		     struct why *why);

/*
 * Let the loop wait for `fd` too; it stays the caller's.  At most
 * FRONT_WAKES_MAX, for the life of the guest.
 */
void front_guest_wake_on(struct front_guest *g, int fd,
			 void (*ready)(struct front_wake *wake), void *opaque);

/* Say in the trace that the program began or ended its work as this guest. */
void front_guest_started(const struct front_guest *g, const char *program);
void front_guest_ended(const struct front_guest *g, const char *program);

/* All devices are closed before. */
void front_guest_close(struct front_guest *g);

/*
 * Wait at most `timeout_ms` (0: not at all) for something to happen, and
 * serve what did: watches, responses, stalled devices.  0, or -ECONNRESET
 * once the desk is gone.  What happens to a device is told in the device.
 */
int front_guest_step(struct front_guest *g, int timeout_ms);

/*
 * Note what a call to the host returned: remembers that the desk is gone.
 * Returns `err` as it was given.
 */
int front_guest_result(struct front_guest *g, int err);

/* The sentence for a desk that is gone; returns -ECONNRESET. */
int front_guest_gone(struct front_guest *g, struct why *why);

#endif
