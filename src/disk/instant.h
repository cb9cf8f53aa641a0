/* SPDX-License-Identifier: MIT */
/*
 * The queue of an engine that has its answer at once (null, mem, inline):
 * reap does the operations, in the order they came, and hands them back.
 */
#ifndef DISK_INSTANT_H
#define DISK_INSTANT_H

#include "disk/disk.h"

/*
 * What such an engine provides: does a read, write or discard that
 * disk_op_begin() let pass, and sets op->error if it fails.
 */
typedef void disk_instant_do(struct disk *d, struct disk_op *op);

/*
 * `perform` is called by reap, in the queue's own thread.  One reap does the
 * `portions`th part of what there is: where operations take time, the guest
 * works on the answers to the first while the rest are done.
 */
int disk_instant_open(struct disk *d, disk_instant_do *perform,
		      unsigned portions, struct disk_queue **out,
		      struct why *why);
void disk_instant_close(struct disk_queue *q);
void disk_instant_submit(struct disk_queue *q, struct disk_op *op);
void disk_instant_kick(struct disk_queue *q);
unsigned disk_instant_reap(struct disk_queue *q, struct disk_op **done,
			   unsigned max);
int disk_instant_fd(struct disk_queue *q);
struct disk *disk_instant_disk(const struct disk_queue *q);

#endif
