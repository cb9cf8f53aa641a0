/* SPDX-License-Identifier: MIT */
/*
 * nbd:URI: an export of an NBD server, and so whatever qemu-nbd or nbdkit
 * can read: qcow2, Ceph, S3.
 *
 * Each queue has a connection of its own, used by its thread alone.  The
 * connection by which the disk was opened and measured becomes the first
 * queue's, and comes back from the last one: a server that serves one client,
 * or ends after it, sees one.  More queues need a server for which a flush on
 * one connection covers the writes on all (NBD_FLAG_CAN_MULTI_CONN).
 *
 * A connection is lost when it breaks, or when the server is silent for
 * DISK_NBD_SILENCE_MS while operations wait for it.  These, and all that come
 * later, then fail with an errno (never again success), while a thread tries
 * to connect again once a second.  What comes after that is served.  Where
 * something can be written, the other queues let go of theirs too
 * (nbd_life.h).
 *
 * Queues are opened by a thread that others wait for too.  So the dials of a
 * disk's queues have a patience together (struct nbd_patience); one that has
 * not ended by then goes on, and its queue begins as one that is lost.
 *
 * RQ-43 across a loss: a write that was answered may have stood in the
 * cache of a server that is gone.  So if there were writes, on whichever
 * connection, that no flush had covered, the next flush of each queue fails
 * once with -EIO, as fsync(2) does for each file descriptor.
 *
 * RQ-43 without NBD_CMD_FLUSH: NBD has no word by which a server says that
 * its writes are durable; not to offer a flush says nothing of the kind.
 * Success could be a lie, so a flush is -EOPNOTSUPP, which is legal at any
 * time (RQ-44) and makes Linux's frontend go on without flushes and say so.
 * Only where nothing can be written it is 0.
 */
#ifndef DISK_NBD_H
#define DISK_NBD_H

#include <stdatomic.h>

#include "disk/disk.h"
#include "disk/nbd_dial.h"
#include "disk/nbd_life.h"

/* More than a server needs for a flush of all it has, on slow storage. */
#define DISK_NBD_SILENCE_MS 60000u

/* disk_open, queue_open, queue_close and close are one thread's. */
struct disk_nbd {
	struct disk d;
	struct nbd_want want; /* its texts are ours */
	struct nbd_conn spare;
	unsigned spare_born;
	struct nbd_life life;
	struct nbd_patience patience; /* of queues that are opened */
	unsigned silence_ms;
	unsigned queues; /* open ones */
	bool multi;
	atomic_uint lost; /* queues without a connection */
};

/*
 * `target` is "nbd:URI"; "nbd://..." is taken for a URI too.  Takes at most
 * DIAL_PATIENCE_MS and a little.  Errors and the sentence as disk_open;
 * opt->sector_bytes is set.
 */
int disk_nbd_open(const char *target, const struct disk_options *opt,
		  struct disk **out, struct why *why);

#endif
