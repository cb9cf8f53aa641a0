/* SPDX-License-Identifier: MIT */
/*
 * The events of a trace as they were read: one typed record each, in the
 * order of time, packed into two arrays so that five million of them take
 * a few hundred MB and no allocation of their own.
 *
 * A record's fields stand in `words`, in the order of the catalogue: two
 * words for a u64, else one; a string is its number in `strings`; an array
 * is an offset and a count, its elements stand behind the last field.
 * log_get() and its kin know this, and nobody else.
 */
#ifndef VIZ_READ_LOG_H
#define VIZ_READ_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "trace/desc.h"
#include "viz/read/fields.h"
#include "viz/read/strings.h"

#define LOG_QUEUE_NONE 0xffffu
#define LOG_EVER       INT64_MIN

struct log_rec {
	int64_t t_ns;	/* since the epoch of the trace's clock */
	uint32_t words; /* where its fields begin */
	uint32_t devid;
	uint16_t domid;
	uint16_t queue; /* LOG_QUEUE_NONE: the device as a whole */
	uint8_t kind;	/* enum ev_kind */
	uint8_t actor;	/* enum ev_actor */
};

/* The tracer dropped something between two moments. */
struct log_loss {
	int64_t from_ns, to_ns; /* equal to each other where it is not known */
	uint64_t count;		/* 0: not known how many */
	bool packets;		/* whole packets; else events */
	bool overwritten;	/* they were old: from_ns is LOG_EVER */
	size_t before;		/* the record that follows the gap */
};

struct trace_log {
	struct log_rec *rec;
	size_t n, room;
	uint32_t *word;
	size_t words, words_room;
	struct strings strings;
	struct log_loss *loss;
	size_t losses, losses_room;
	uint64_t lost_events;  /* where counted */
	uint64_t lost_packets; /* the same, but for overwritten ones */
	/* A flight recorder's: it begins and ends in the midst of things. */
	bool snapshot;
	/* As lttng-relayd let it be seen live; is a snapshot, too. */
	bool live;

	/* What was in the trace and not in the catalogue. */
	uint64_t other_events;	 /* of other providers */
	uint64_t unknown_events; /* of ours, by an unknown name */
	uint64_t unknown_fields; /* classes of fields, not occurrences */
	uint64_t missing_fields; /* the catalogue has them, the trace not */

	/*
	 * One sentence: how a guest's trace was put on this one's clock; empty
	 * if there is none.  Both traces were there between the two times.
	 */
	char aligned[sizeof(((struct why *)0)->text)];
	int64_t common_from_ns, common_to_ns;

	/* One sentence: how the trace is damaged; empty if it is sound. */
	char damage[sizeof(((struct why *)0)->text)];
	bool cut; /* what could be read was read; some could not */
};

int log_init(struct trace_log *log);
void log_free(struct trace_log *log);

/*
 * A new record with all fields zero, and its words; the pointers hold until
 * the next call.  0, -ENOMEM, or -EOVERFLOW: more than this can count.
 */
int log_append(struct trace_log *log, enum ev_kind kind, struct log_rec **rec,
	       uint32_t **words);

/* Room for an array field's elements; `field` is its position. */
int log_append_array(struct trace_log *log, struct log_rec *rec, unsigned field,
		     uint32_t count, uint32_t **elements);

int log_append_loss(struct trace_log *log, const struct log_loss *loss);

/* When all records are in order: finds the place of each loss, and sorts them.
 */
void log_place_losses(struct trace_log *log);

/* Where a field stands in its record's words: the layout of all records. */
unsigned log_field_width(const struct ev_field *field);
unsigned log_field_word(enum ev_kind kind, unsigned field);
unsigned log_kind_words(enum ev_kind kind);

/*
 * A field's value, sign-extended where its type is signed.  The record must
 * be of the kind the field belongs to.
 */
static inline int64_t log_get(const struct trace_log *log,
			      const struct log_rec *rec, enum log_field f)
{
	const struct log_place *place = &log_places[f];
	const uint32_t *w = &log->word[rec->words + place->word];

	return place->wide	  ? (int64_t)(w[0] | (uint64_t)w[1] << 32)
	       : place->is_signed ? (int64_t)(int32_t)w[0]
				  : (int64_t)w[0];
}

const char *log_text(const struct trace_log *log, const struct log_rec *rec,
		     enum log_field f);

/* An array's elements; *count is 0 if it has none. */
const uint32_t *log_array(const struct trace_log *log,
			  const struct log_rec *rec, enum log_field f,
			  uint32_t *count);

#endif
