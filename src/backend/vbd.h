/* SPDX-License-Identifier: MIT */
/*
 * A virtual block device, assembled from the layers: its place in the store,
 * its storage, and while a frontend is connected its queues.
 *
 * Everything here runs in the main thread.  The order of its life is decided
 * by handshake_next(); this file does what it says.
 */
#ifndef BACKEND_VBD_H
#define BACKEND_VBD_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/features.h"
#include "base/log.h"
#include "base/why.h"
#include "disk/disk.h"
#include "disk/inject_parse.h"
#include "grant/space.h"
#include "xenbus/device.h"
#include "xenbus/negotiate.h"

struct queue;
struct stats;

/* How all vbds of a daemon are served. */
struct vbd_config {
	struct negotiate_offer offer; /* at most */
	struct features features;     /* of it; the store may say otherwise */
	struct disk_options disk;
	struct inject_rules inject;
	bool sector_units; /* sectors are counted in sector-size, not 512 */
	unsigned grant_keep_pages; /* a queue keeps, with those that do */
	struct grant_budget *grant_budget;
	unsigned poll_us; /* a queue polls at most, before it sleeps */
	const char *stats_dir;
	bool all;	   /* take vbds whatever their script is */
	unsigned grace_ms; /* for a frontend to close when asked to */
};

struct vbd {
	struct xenbus_device dev;
	const struct vbd_config *config; /* borrowed */
	int fault_fd;			 /* borrowed, given to the queues */
	/* Its storage, medium.c's: */
	struct disk *disk;	      /* NULL if it could not be opened */
	struct why disk_why;	      /* then: why */
	struct disk *next_disk;	      /* to which the queues change, or NULL */
	struct negotiate_offer able;  /* what this disk can have */
	struct features features;     /* the daemon's, or this disk's own */
	struct negotiate_offer offer; /* of `able`, what is switched on */
	struct negotiate_disk facts;
	uint64_t told_bytes; /* the size that the frontend knows */
	char *params;	     /* the last one looked at, or NULL */
	const char *effect;  /* the same, or "" if that did not do */
	bool params_written; /* by the toolstack, and not looked at */
	bool untold;	     /* the frontend is to be told of a size */
	bool unanswered;     /* the toolstack, of `effect` */
	uint64_t measure_ns; /* when to look at the size again; 0: never */
	struct stats *stats; /* of this connection, or NULL */
	struct queue *queues[NEGOTIATE_QUEUES_MAX];
	unsigned nqueues;
	bool connected;
	bool faulted;
	bool dirty;	     /* something of it changed in the store */
	bool dead;	     /* nothing is left: to be freed */
	bool stale;	     /* see struct handshake_view */
	bool anew;	     /* the directory may be another disk's now */
	bool unclaimed;	     /* another backend drives it, and stays */
	uint64_t overdue_ns; /* when its grace is over; 0: none runs */
	uint64_t remove_ns;  /* when to remove its directory; 0: never */
	uint64_t claim_ns;   /* when to claim it again; 0: it is ours */
	uint64_t retry_ns;   /* when to try a refused step again; 0: none */
	uint64_t rest_ns;    /* no step before this; 0: at any time */
	struct log_limit limit;
	/* Of each queue; they outlive it, for frontends connect again. */
	struct log_limit queue_limit[NEGOTIATE_QUEUES_MAX];
	struct log_limit life; /* for words about connections */
	struct vbd *next;
};

/*
 * Take on the device at `path`.  -ENOENT: it is not whole yet, or not ours
 * to serve (its script is another's).  Storage that cannot be opened is told
 * to the toolstack in the store, and the vbd exists nevertheless.
 */
int vbd_open(struct vbd **out, struct xen_host *host, const char *path,
	     uint16_t domid, uint32_t devid, const struct vbd_config *config,
	     int fault_fd, struct why *why);

/* Ends its queues and frees it; writes nothing to the store. */
void vbd_free(struct vbd *v);

/*
 * Look at the store and do everything that is due; `stopping` if the daemon
 * ends.  0; -errno if the store itself failed; -ELOOP if after a while there
 * was still something due.
 */
int vbd_step(struct vbd *v, bool stopping);

/* A queue may have stopped on a fault, or changed its storage: look. */
void vbd_queues_poll(struct vbd *v);

#endif
