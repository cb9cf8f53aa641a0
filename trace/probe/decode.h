/* SPDX-License-Identifier: MIT */
/* From what a BPF program wrote to an event of the catalogue. */
#ifndef PROBE_DECODE_H
#define PROBE_DECODE_H

#include <stdint.h>

#include "trace/ctf/writer.h"
#include "trace/probe/event.h"

/*
 * The event, which borrows texts and arrays from data.  -EBADMSG where data
 * do not hold what the kind has.
 */
int probe_decode(const struct probe_event *from, const uint8_t *data,
		 struct ctf_event *event);

#endif
