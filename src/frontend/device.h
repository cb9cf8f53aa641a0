/* SPDX-License-Identifier: MIT */
/*
 * One virtual disk of a guest, from the frontend's side: the two directories
 * in the store, the xenbus state machine of Linux's blkfront, and the queues
 * that carry its I/O.
 *
 * A device lives on its guest's loop; of its queues the first does too, and
 * each other one has a thread (frontend/worker.h).  Once connected it ends in
 * one of three ways: the owner closes it; the backend closes it (state 5 or 6,
 * or its directory is gone); or something fails: a rule broken, no answer for
 * the time-out, the desk gone.  The last two are seen in front_device_ended().
 */
#ifndef FRONTEND_DEVICE_H
#define FRONTEND_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "frontend/guest.h"
#include "frontend/queue.h"
#include "frontend/transport.h"
#include "frontend/vdev.h"
#include "frontend/worker.h"
#include "trace/emit.h"
#include "xenbus/state.h"

#define FRONT_PATH_MAX 256

/* Bits of `info` (blkif.h VDISK_*). */
#define FRONT_INFO_CDROM     1u
#define FRONT_INFO_REMOVABLE 2u
#define FRONT_INFO_READONLY  4u

/* What the backend told and what both sides settled. */
struct front_settled {
	uint64_t sectors;      /* in unit_bytes; may change */
	uint32_t unit_bytes;   /* 512 as Linux counts, or sector_bytes */
	uint32_t sector_bytes; /* unit of alignment */
	uint32_t physical_bytes;
	uint32_t info; /* FRONT_INFO_* */
	bool flush;    /* feature-flush-cache */
	bool barrier;  /* feature-barrier */
	bool discard;  /* feature-discard; then, in bytes: */
	bool discard_secure;
	uint32_t discard_granularity;
	uint32_t discard_alignment;
	bool may_persist;	 /* offered */
	uint32_t max_indirect;	 /* segments offered */
	uint32_t max_ring_order; /* offered */
	uint32_t max_queues;	 /* offered */
	bool persistent;	 /* used, like all below */
	uint32_t segs_max;	 /* of a request; more than 11 are indirect */
	uint32_t ring_order;
	uint32_t queues;
	enum ring_abi abi;
};

enum front_phase {
	FRONT_NEW, /* its keys are read; not connected */
	FRONT_CONNECTED,
	FRONT_LEAVING, /* connected, but takes no new I/O */
	FRONT_CLOSED,
};

struct front_device {
	struct front_guest *guest; /* borrowed */
	struct ev_origin ev;	   /* queue is EV_QUEUE_NONE */
	uint32_t devid;
	char name[FRONT_VDEV_NAME_MAX];
	char path[FRONT_PATH_MAX];    /* /local/domain/D/device/vbd/DEVID */
	char backend[FRONT_PATH_MAX]; /* the backend's directory */
	uint16_t backend_id;
	char token[24]; /* of its watch */
	bool watched;
	bool fired;		/* its watch did; not yet looked */
	enum xenbus_state own;	/* as it stands in the store */
	enum xenbus_state peer; /* as last seen */
	enum front_phase phase;
	bool shut; /* takes no new I/O; queues' threads look at it: atomic */
	struct front_settled settled;
	struct front_queue queues[FRONT_QUEUES_MAX];
	unsigned nqueues; /* opened */
	struct front_worker workers[FRONT_QUEUES_MAX];
	unsigned nworkers;   /* opened */
	unsigned timeout_ms; /* of every wait for the backend */
	uint64_t ticked_ns;  /* when the queues' clocks were last looked at */
	uint64_t waited_ns;  /* for an answer, then */
	struct asleep_watch asleep; /* the guest's, for that wait */
	bool stalled;		    /* the operator was told */
	int error;		    /* why it ended; 0 while it did not */
	struct why why;
};

struct front_device_options {
	uint32_t devid;
	unsigned timeout_ms; /* for each wait; also for an answer to I/O */
	uint64_t id_seed;    /* request ids follow from it */
	struct front_transport transport;
};

/*
 * Find the disk in the store, bring a left-over state back to the beginning,
 * and connect.  0; or -errno with a sentence: -ENOENT no such disk,
 * -ETIMEDOUT the backend did not come along, -EPROTO it broke a rule, -EINTR
 * the owner was asked to stop, -EOPNOTSUPP the transport asks for more than
 * is offered, -ECONNRESET the desk is gone.  Then everything is undone.
 */
int front_device_open(struct front_device *d, struct front_guest *g,
		      const struct front_device_options *opt, struct why *why);

/*
 * End orderly: no new I/O, wait for what is in flight, states 5 and 6 with
 * the backend, then take back the grants and the port.  What the backend
 * never answered is given back with an error.  0; or the first thing that
 * did not go as it should, with a sentence; the device is closed anyway.
 */
int front_device_close(struct front_device *d, struct why *why);

/*
 * Start one operation in queue `n`, on that queue's thread.  0; or it was not
 * accepted and done() is not called: -EINVAL (alignment), -ENOSPC (beyond the
 * end), -EROFS, -EOPNOTSUPP (it was not offered), -ESHUTDOWN (the device has
 * ended).  front_device_kick() brings it to the ring.
 */
int front_device_submit(struct front_device *d, unsigned n,
			struct front_io *io);
void front_device_kick(struct front_device *d, unsigned n);

/* Call call(arg) on the thread of queue `n`; returns when it is done. */
void front_device_call(struct front_device *d, unsigned n,
		       void (*call)(void *arg), void *arg);

/* From any queue's thread: let the loop take a step. */
void front_device_poke(const struct front_device *d);

/* Why it ended by itself, with its sentence; 0 while it lives. */
int front_device_ended(const struct front_device *d, struct why *why);

/* Operations in flight or waiting for the ring. */
bool front_device_busy(struct front_device *d);

/* From any thread: a backend may resize the disk while it is used (XB-18). */
static inline uint64_t front_settled_bytes(const struct front_settled *s)
{
	return __atomic_load_n(&s->sectors, __ATOMIC_RELAXED) * s->unit_bytes;
}

static inline uint64_t front_device_bytes(const struct front_device *d)
{
	return front_settled_bytes(&d->settled);
}

/* ---- for the loop ------------------------------------------------------- */

/* The fd of the queue that the loop serves, or -1. */
int front_device_fd(const struct front_device *d);
/* It may have work that no fd tells of. */
bool front_device_again(const struct front_device *d);
void front_device_service(struct front_device *d);
/* Take note of what the queues' threads have to tell. */
void front_device_collect(struct front_device *d);
/* Its watch fired: look at the backend's state. */
void front_device_look(struct front_device *d);
/* Look at the clock: does the backend still answer? */
void front_device_tick(struct front_device *d, uint64_t now_ns);
/* The first failure is kept; all I/O is given back with it. */
void front_device_fail(struct front_device *d, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
