/* SPDX-License-Identifier: MIT */
#include "viz/read/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

unsigned log_field_width(const struct ev_field *field)
{
	return field->array || field->type == EV_TYPE_U64 ? 2 : 1;
}

unsigned log_field_word(enum ev_kind kind, unsigned field)
{
	unsigned i, word = 0;

	for (i = 0; i < field; i++)
		word += log_field_width(&ev_descs[kind].field[i]);
	return word;
}

unsigned log_kind_words(enum ev_kind kind)
{
	return log_field_word(kind, (unsigned)ev_descs[kind].fields);
}

int log_init(struct trace_log *log)
{
	int rc;

	memset(log, 0, sizeof(*log));
	rc = log_fields_find();
	if (rc)
		return rc;
	return strings_init(&log->strings);
}

void log_free(struct trace_log *log)
{
	free(log->rec);
	free(log->word);
	free(log->loss);
	strings_free(&log->strings);
	memset(log, 0, sizeof(*log));
}

static int words_room(struct trace_log *log, size_t more)
{
	size_t room = log->words_room ? log->words_room : 16384;
	uint32_t *word;

	if (log->words + more > UINT32_MAX)
		return -EOVERFLOW;
	if (log->words + more <= log->words_room)
		return 0;
	while (room < log->words + more)
		room *= 2;
	word = realloc(log->word, room * sizeof(*word));
	if (!word)
		return -ENOMEM;
	log->word = word;
	log->words_room = room;
	return 0;
}

int log_append(struct trace_log *log, enum ev_kind kind, struct log_rec **rec,
	       uint32_t **words)
{
	/* The layout is asked for once an event: keep it. */
	static uint8_t counts[EV_KIND_COUNT];
	static bool counted;
	unsigned i;
	int rc;

	if (!counted) {
		for (i = 0; i < EV_KIND_COUNT; i++)
			counts[i] = (uint8_t)log_kind_words(i);
		counted = true;
	}
	/* Elsewhere records are counted in 32 bits. */
	if (log->n == UINT32_MAX)
		return -EOVERFLOW;
	if (log->n == log->room) {
		size_t room = log->room ? log->room * 2 : 4096;
		struct log_rec *grown;

		grown = realloc(log->rec, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		log->rec = grown;
		log->room = room;
	}
	rc = words_room(log, counts[kind]);
	if (rc)
		return rc;
	*rec = &log->rec[log->n++];
	memset(*rec, 0, sizeof(**rec));
	(*rec)->kind = (uint8_t)kind;
	(*rec)->words = (uint32_t)log->words;
	*words = log->word + log->words;
	memset(*words, 0, counts[kind] * sizeof(**words));
	log->words += counts[kind];
	return 0;
}

int log_append_array(struct trace_log *log, struct log_rec *rec, unsigned field,
		     uint32_t count, uint32_t **elements)
{
	uint32_t *w;
	int rc;

	rc = words_room(log, count);
	if (rc)
		return rc;
	w = &log->word[rec->words + log_field_word(rec->kind, field)];
	w[0] = (uint32_t)log->words - rec->words;
	w[1] = count;
	*elements = log->word + log->words;
	log->words += count;
	return 0;
}

int log_append_loss(struct trace_log *log, const struct log_loss *loss)
{
	if (log->losses == log->losses_room) {
		size_t room = log->losses_room ? log->losses_room * 2 : 16;
		struct log_loss *grown;

		grown = realloc(log->loss, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		log->loss = grown;
		log->losses_room = room;
	}
	log->loss[log->losses++] = *loss;
	if (loss->overwritten)
		return 0;
	if (loss->packets)
		log->lost_packets += loss->count;
	else
		log->lost_events += loss->count;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct log_loss *x = a, *y = b;

	return (x->before > y->before) - (x->before < y->before);
}

/* The first record from a time on. */
static size_t record_from(const struct trace_log *log, int64_t t_ns)
{
	size_t from = 0, to = log->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (log->rec[mid].t_ns < t_ns)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

void log_place_losses(struct trace_log *log)
{
	size_t i;

	for (i = 0; i < log->losses; i++)
		log->loss[i].before = record_from(log, log->loss[i].to_ns);
	if (log->losses)
		qsort(log->loss, log->losses, sizeof(*log->loss), by_place);
}

const char *log_text(const struct trace_log *log, const struct log_rec *rec,
		     enum log_field f)
{
	return strings_get(&log->strings,
			   log->word[rec->words + log_places[f].word]);
}

const uint32_t *log_array(const struct trace_log *log,
			  const struct log_rec *rec, enum log_field f,
			  uint32_t *count)
{
	const uint32_t *w = &log->word[rec->words + log_places[f].word];

	*count = w[1];
	return &log->word[rec->words + w[0]];
}
