/* SPDX-License-Identifier: MIT */
/*
 * Events of one stream become packets, and packets messages.  CTF tells how
 * many events were discarded by a running count at the end of each packet, so
 * sink.ctf.fs wants a message of discarded events between two packets, from
 * the end of the one to the *end* of the next: a packet is held back until
 * it is whole.
 */
#ifndef CTF_PACKET_H
#define CTF_PACKET_H

#include <babeltrace2/babeltrace.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/ctf/schema.h"
#include "trace/ctf/writer.h"

/* Messages that the sink may have, in order. */
struct ctf_queue {
	bt_self_message_iterator *iterator; /* they are made with this */
	const bt_message **message;
	size_t count, size;
	size_t taken; /* of them */
};

/* Moves at most `capacity` messages from the queue; their number. */
uint64_t ctf_queue_take(struct ctf_queue *queue, bt_message_array_const to,
			uint64_t capacity);
void ctf_queue_free(struct ctf_queue *queue);

/* Borrows all it is given.  NULL: no memory. */
struct ctf_stream *ctf_stream_make(struct ctf_writer *writer,
				   struct ctf_queue *ready,
				   const struct ctf_schema *schema,
				   bt_trace *trace, int tid, uint64_t start_ns);
void ctf_stream_free(struct ctf_stream *stream);

int ctf_stream_tid(const struct ctf_stream *stream);
struct ctf_writer *ctf_stream_writer(const struct ctf_stream *stream);

/* All of these: 0 or -ENOMEM. */
int ctf_stream_add(struct ctf_stream *stream, const struct ctf_event *event);
int ctf_stream_gap(struct ctf_stream *stream, uint64_t count);
int ctf_stream_end(struct ctf_stream *stream, uint64_t end_ns);

#endif
