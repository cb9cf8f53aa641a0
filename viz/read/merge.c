/* SPDX-License-Identifier: MIT */
#include "viz/read/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Fields that are strings get the numbers they have here. */
static void rename_strings(struct trace_log *log, const struct log_rec *rec,
			   const uint32_t *number)
{
	const struct ev_desc *desc = &ev_descs[rec->kind];
	uint32_t *w = &log->word[rec->words];
	unsigned i, word = 0;

	for (i = 0; i < desc->fields; i++) {
		if (desc->field[i].type == EV_TYPE_STRING)
			w[word] = number[w[word]];
		word += log_field_width(&desc->field[i]);
	}
}

static int strings_merge(struct strings *to, const struct strings *from,
			 uint32_t **out)
{
	uint32_t *number = malloc((from->n + 1) * sizeof(*number)), i;
	int rc = number ? 0 : -ENOMEM;

	for (i = 0; !rc && i < from->n; i++) {
		const char *s = strings_get(from, i);

		rc = strings_add(to, s, strlen(s), &number[i]);
	}
	*out = number;
	return rc;
}

/* Both are in the order of time. */
static int records_merge(struct trace_log *log, const struct trace_log *other,
			 uint32_t words_before, const uint32_t *number)
{
	size_t n = log->n + other->n, i = 0, k = 0, at;
	struct log_rec *rec;

	if (n > UINT32_MAX)
		return -EOVERFLOW;
	rec = malloc((n + 1) * sizeof(*rec));
	if (!rec)
		return -ENOMEM;
	for (at = 0; at < n; at++) {
		if (k == other->n ||
		    (i < log->n && log->rec[i].t_ns <= other->rec[k].t_ns)) {
			rec[at] = log->rec[i++];
			continue;
		}
		rec[at] = other->rec[k++];
		rec[at].words += words_before;
		rename_strings(log, &rec[at], number);
	}
	free(log->rec);
	log->rec = rec;
	log->n = n;
	log->room = n + 1;
	return 0;
}

/* An array stands at an offset from its record, so blocks can be moved. */
static int words_merge(struct trace_log *log, const struct trace_log *other)
{
	size_t room = log->words + other->words;
	uint32_t *word;

	if (room > UINT32_MAX)
		return -EOVERFLOW;
	if (!room)
		return 0;
	word = realloc(log->word, room * sizeof(*word));
	if (!word)
		return -ENOMEM;
	if (other->words)
		memcpy(word + log->words, other->word,
		       other->words * sizeof(*word));
	log->word = word;
	log->words = log->words_room = room;
	return 0;
}

static int losses_merge(struct trace_log *log, const struct trace_log *other)
{
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < other->losses; i++)
		rc = log_append_loss(log, &other->loss[i]);
	log_place_losses(log);
	return rc;
}

int log_merge(struct trace_log *log, const struct trace_log *other)
{
	uint32_t words_before = (uint32_t)log->words, *number;
	int rc = strings_merge(&log->strings, &other->strings, &number);

	if (!rc)
		rc = words_merge(log, other);
	if (!rc)
		rc = records_merge(log, other, words_before, number);
	if (!rc)
		rc = losses_merge(log, other);
	free(number);
	log->snapshot |= other->snapshot;
	log->live |= other->live;
	log->cut |= other->cut;
	log->other_events += other->other_events;
	log->unknown_events += other->unknown_events;
	log->unknown_fields += other->unknown_fields;
	log->missing_fields += other->missing_fields;
	return rc;
}
