/* SPDX-License-Identifier: MIT */
#include "trace/ctf/packet.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_EVENTS 1024

struct ctf_stream {
	struct ctf_writer *writer;
	struct ctf_queue *ready;
	const struct ctf_schema *schema;
	bt_stream *stream;
	int tid;

	bool begun;	     /* and a packet has been written */
	uint64_t last_ns;    /* of the last event, or the last packet's end */
	uint64_t written_ns; /* end of the last packet that was written */
	uint64_t lost;	     /* before the packet at hand */

	bt_packet *packet; /* the one at hand, or NULL */
	uint64_t begin_ns;
	const bt_message *event[PACKET_EVENTS];
	size_t events;
};

/* ---- messages that are ready ----------------------------------------------
 */

/* Room for n more. */
static int reserve(struct ctf_queue *q, size_t n)
{
	const bt_message **more;
	size_t size = 2 * (q->count + n);

	if (q->count + n <= q->size)
		return 0;
	more = reallocarray(q->message, size, sizeof(*more));
	if (!more)
		return -ENOMEM;
	q->message = more;
	q->size = size;
	return 0;
}

/* Takes the message, for which there is room. */
static int push(struct ctf_queue *q, const bt_message *message)
{
	if (!message)
		return -ENOMEM;
	q->message[q->count++] = message;
	return 0;
}

uint64_t ctf_queue_take(struct ctf_queue *q, bt_message_array_const to,
			uint64_t capacity)
{
	uint64_t n = q->count - q->taken;

	if (n > capacity)
		n = capacity;
	if (n)
		memcpy(to, q->message + q->taken, n * sizeof(*to));
	q->taken += n;
	if (q->taken == q->count)
		q->taken = q->count = 0;
	return n;
}

void ctf_queue_free(struct ctf_queue *q)
{
	for (size_t i = q->taken; i < q->count; i++)
		bt_message_put_ref(q->message[i]);
	free(q->message);
}

/* ---- fields ---------------------------------------------------------------
 */

static int set_array(bt_field *fields, uint64_t *at,
		     const struct ev_field *field, const union ctf_value *value)
{
	const uint8_t *of = value->array.of;
	uint32_t count = value->array.count;
	bt_field *to =
		bt_field_structure_borrow_member_field_by_index(fields, *at);

	bt_field_integer_unsigned_set_value(to, count);
	to = bt_field_structure_borrow_member_field_by_index(fields, ++*at);
	if (bt_field_array_dynamic_set_length(to, count))
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		bt_field *element =
			bt_field_array_borrow_element_field_by_index(to, i);
		uint32_t number;
		int16_t sign;

		switch (field->type) {
		case EV_TYPE_I16:
			memcpy(&sign, of + i * sizeof(sign), sizeof(sign));
			bt_field_integer_signed_set_value(element, sign);
			break;
		case EV_TYPE_U8:
			bt_field_integer_unsigned_set_value(element, of[i]);
			break;
		default:
			memcpy(&number, of + i * sizeof(number),
			       sizeof(number));
			bt_field_integer_unsigned_set_value(element, number);
		}
	}
	return 0;
}

/* babeltrace wants numbers that the type can hold, and guests send any. */
static int set_scalar(bt_field *to, const struct ev_field *field,
		      const union ctf_value *value)
{
	uint64_t n = value->number;

	switch (field->type) {
	case EV_TYPE_STRING:
		return bt_field_string_set_value(to, value->text) ? -ENOMEM : 0;
	case EV_TYPE_I16:
		bt_field_integer_signed_set_value(to, (int16_t)n);
		return 0;
	case EV_TYPE_I32:
	case EV_TYPE_ENUM:
		bt_field_integer_signed_set_value(to, (int32_t)n);
		return 0;
	case EV_TYPE_BOOL:
		n = n != 0;
		break;
	case EV_TYPE_U8:
		n = (uint8_t)n;
		break;
	case EV_TYPE_U16:
		n = (uint16_t)n;
		break;
	case EV_TYPE_U32:
		n = (uint32_t)n;
		break;
	case EV_TYPE_U64:
		break;
	}
	bt_field_integer_unsigned_set_value(to, n);
	return 0;
}

static int fill(bt_field *fields, const struct ctf_event *event)
{
	const struct ev_desc *desc = &ev_descs[event->kind];
	const uint64_t head[CTF_HEAD_COUNT] = {
		[CTF_HEAD_ACTOR] = event->actor,
		[CTF_HEAD_DOMID] = event->domid,
		[CTF_HEAD_DEVID] = event->devid,
		[CTF_HEAD_QUEUE] = event->queue,
	};
	uint64_t at;
	int err = 0;

	for (at = 0; at < CTF_HEAD_COUNT; at++) {
		bt_field *to = bt_field_structure_borrow_member_field_by_index(
			fields, at);

		if (at == CTF_HEAD_ACTOR)
			bt_field_integer_signed_set_value(to, event->actor);
		else
			bt_field_integer_unsigned_set_value(to, head[at]);
	}
	for (size_t i = 0; !err && i < desc->fields; i++, at++) {
		const struct ev_field *field = &desc->field[i];

		if (field->array)
			err = set_array(fields, &at, field, &event->value[i]);
		else
			err = set_scalar(
				bt_field_structure_borrow_member_field_by_index(
					fields, at),
				field, &event->value[i]);
	}
	return err;
}

/* ---- packets --------------------------------------------------------------
 */

static int packet_begin(struct ctf_stream *s, uint64_t begin_ns)
{
	bt_field *context;

	s->packet = bt_packet_create(s->stream);
	if (!s->packet)
		return -ENOMEM;
	context = bt_packet_borrow_context_field(s->packet);
	bt_field_integer_signed_set_value(
		bt_field_structure_borrow_member_field_by_index(context, 0),
		s->tid);
	s->begin_ns = begin_ns;
	return 0;
}

static int push_stream_begin(struct ctf_stream *s)
{
	if (s->begun)
		return 0;
	s->begun = true;
	return push(s->ready, bt_message_stream_beginning_create(
				      s->ready->iterator, s->stream));
}

static int push_lost(struct ctf_stream *s, uint64_t end_ns)
{
	bt_message *message;

	if (!s->lost)
		return 0;
	message =
		bt_message_discarded_events_create_with_default_clock_snapshots(
			s->ready->iterator, s->stream, s->written_ns, end_ns);
	if (message)
		bt_message_discarded_events_set_count(message, s->lost);
	s->lost = 0;
	return push(s->ready, message);
}

/* The packet at hand is whole, and its messages are ready. */
static int packet_end(struct ctf_stream *s, uint64_t end_ns)
{
	struct ctf_queue *q = s->ready;
	int err = reserve(q, s->events + 4);

	if (!err)
		err = push_stream_begin(s);
	if (!err)
		err = push_lost(s, end_ns);
	if (!err)
		err = push(
			q,
			bt_message_packet_beginning_create_with_default_clock_snapshot(
				q->iterator, s->packet, s->begin_ns));
	if (err)
		return err;
	for (size_t i = 0; i < s->events; i++)
		push(q, s->event[i]);
	s->events = 0;
	err = push(q, bt_message_packet_end_create_with_default_clock_snapshot(
			      q->iterator, s->packet, end_ns));
	bt_packet_put_ref(s->packet);
	s->packet = NULL;
	s->written_ns = s->last_ns = end_ns;
	return err;
}

/* A packet without events, so that something stands before or behind a gap. */
static int packet_empty(struct ctf_stream *s, uint64_t at_ns)
{
	int err = packet_begin(s, at_ns);

	return err ? err : packet_end(s, at_ns);
}

int ctf_stream_gap(struct ctf_stream *s, uint64_t count)
{
	int err = 0;

	if (s->packet)
		err = packet_end(s, s->last_ns);
	else if (!s->begun)
		err = packet_empty(s, s->last_ns);
	s->lost += count;
	return err;
}

int ctf_stream_add(struct ctf_stream *s, const struct ctf_event *event)
{
	uint64_t t_ns = event->t_ns > s->last_ns ? event->t_ns : s->last_ns;
	bt_message *message;

	if (!s->packet && packet_begin(s, t_ns))
		return -ENOMEM;
	message =
		bt_message_event_create_with_packet_and_default_clock_snapshot(
			s->ready->iterator, s->schema->event_class[event->kind],
			s->packet, t_ns);
	if (!message)
		return -ENOMEM;
	s->event[s->events++] = message;
	s->last_ns = t_ns;
	if (fill(bt_event_borrow_payload_field(
			 bt_message_event_borrow_event(message)),
		 event))
		return -ENOMEM;
	/* One event alone behind a gap: so the gap ends at that. */
	if (s->lost || s->events == PACKET_EVENTS)
		return packet_end(s, t_ns);
	return 0;
}

int ctf_stream_end(struct ctf_stream *s, uint64_t end_ns)
{
	int err = 0;

	if (s->packet)
		err = packet_end(s, s->last_ns);
	else if (s->lost)
		err = packet_empty(s,
				   end_ns > s->last_ns ? end_ns : s->last_ns);
	if (!err)
		err = reserve(s->ready, 2);
	if (!err)
		err = push_stream_begin(s);
	if (!err)
		err = push(s->ready, bt_message_stream_end_create(
					     s->ready->iterator, s->stream));
	return err;
}

/* ---- a stream -------------------------------------------------------------
 */

int ctf_stream_tid(const struct ctf_stream *s)
{
	return s->tid;
}

struct ctf_writer *ctf_stream_writer(const struct ctf_stream *s)
{
	return s->writer;
}

struct ctf_stream *ctf_stream_make(struct ctf_writer *writer,
				   struct ctf_queue *ready,
				   const struct ctf_schema *schema,
				   bt_trace *trace, int tid, uint64_t start_ns)
{
	struct ctf_stream *s = calloc(1, sizeof(*s));
	char name[32];

	if (!s)
		return NULL;
	s->writer = writer;
	s->ready = ready;
	s->schema = schema;
	s->tid = tid;
	s->last_ns = start_ns;
	s->stream = bt_stream_create(schema->stream_class, trace);
	/*
	 * The file's name.  Without, sink.ctf.fs takes the same for a stream
	 * that begins when another has ended, and writes over that.
	 */
	snprintf(name, sizeof(name), "thread-%d", tid);
	if (s->stream && !bt_stream_set_name(s->stream, name))
		return s;
	bt_stream_put_ref(s->stream);
	free(s);
	return NULL;
}

void ctf_stream_free(struct ctf_stream *s)
{
	for (size_t i = 0; i < s->events; i++)
		bt_message_put_ref(s->event[i]);
	bt_packet_put_ref(s->packet);
	bt_stream_put_ref(s->stream);
	free(s);
}
