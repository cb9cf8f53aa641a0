/* SPDX-License-Identifier: MIT */
/*
 * The catalogue as classes of libbabeltrace2: the same names, types and words
 * that LTTng writes, so that no reader tells the difference.
 */
#ifndef CTF_SCHEMA_H
#define CTF_SCHEMA_H

#include <babeltrace2/babeltrace.h>
#include <stdint.h>

#include "trace/desc.h"

/* Fields that stand before an event's own, in this order. */
enum ctf_head {
	CTF_HEAD_ACTOR,
	CTF_HEAD_DOMID,
	CTF_HEAD_DEVID,
	CTF_HEAD_QUEUE,
	CTF_HEAD_COUNT
};

struct ctf_schema {
	bt_trace_class *trace_class;
	bt_clock_class *clock_class;
	bt_stream_class *stream_class;
	bt_event_class *event_class[EV_KIND_COUNT]; /* borrowed */
};

/*
 * Streams of packets that tell their times and what was discarded between
 * them; the packet's context is the thread.  Times are CLOCK_MONOTONIC, which
 * began offset_ns after the epoch; it is LTTng's clock of this boot, and
 * traces of both have one time.  -ENOMEM.
 */
int ctf_schema_make(struct ctf_schema *schema, bt_self_component *self,
		    int64_t offset_ns);
void ctf_schema_free(struct ctf_schema *schema);

#endif
