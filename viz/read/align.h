/* SPDX-License-Identifier: MIT */
/*
 * A trace taken in a guest and one taken where its backend runs, as if one
 * clock had recorded both.  What moves the guest's clock is the protocol's own
 * order: a request is pushed before it is taken (RG-24), and a response is
 * written before the frontend takes it (RG-26).  Both first moments are told
 * before the index is published that makes the second possible; those of
 * publishing and of reading an index are not used, since an event follows its
 * step, and the other side may be quicker.
 */
#ifndef VIZ_READ_ALIGN_H
#define VIZ_READ_ALIGN_H

#include "base/why.h"
#include "viz/read/log.h"

/*
 * Move the clock of `guest` to that of `host`, and put its records there;
 * host->aligned says by how much, and how well that is known.  The two names
 * are for sentences.
 *
 * 0; -EINVAL: they are not the two sides of anything; -ENOENT: it cannot be
 * told how the clocks stand; -ENOMEM, -EOVERFLOW.  After an error both logs
 * may be freed and nothing else.
 */
int align_logs(struct trace_log *host, struct trace_log *guest,
	       const char *host_name, const char *guest_name, struct why *why);

#endif
