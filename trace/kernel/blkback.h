/* SPDX-License-Identifier: MIT */
/*
 * From what was seen of Linux's xen-blkback (raw.h) to events of the
 * catalogue: it follows each request, as the backend in the kernel does not
 * say of itself which one it works for.  No system call, no BPF in here.
 *
 * The backend's own structures are known by their addresses.  What was in
 * flight when recording began has no number, and is not told.
 */
#ifndef KERNEL_BLKBACK_H
#define KERNEL_BLKBACK_H

#include "trace/ctf/writer.h"
#include "trace/kernel/raw.h"

struct blkback;

/* Called with each event, in the order of time.  What is not 0 is an error. */
typedef int (*blkback_event_fn)(const struct ctf_event *event, void *user);

/* NULL: no memory. */
struct blkback *blkback_new(blkback_event_fn each, void *user);

/*
 * `raw` and `len` bytes behind it, in the order of time.  0, also where it
 * means nothing to us; -ENOMEM, or what `each` returned.
 */
int blkback_take(struct blkback *b, const struct raw_head *raw, size_t len);

/* Some are missing from here on: nothing is concluded from what was not seen.
 */
void blkback_lost(struct blkback *b);

void blkback_free(struct blkback *b);

#endif
