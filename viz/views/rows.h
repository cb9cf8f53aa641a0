/* SPDX-License-Identifier: MIT */
/*
 * What a sequence diagram is made of: rows, in order.  A view picks records
 * and says in words what it left out; rows_fold() then makes the messages,
 * and stands runs of the same in one row.
 */
#ifndef VIZ_VIEWS_ROWS_H
#define VIZ_VIEWS_ROWS_H

#include "viz/model/model.h"
#include "viz/text.h"
#include "viz/views/message.h"

enum row_kind {
	ROW_MESSAGE,
	ROW_SECTION, /* a heading; times count anew from here */
	ROW_REPEAT,  /* what happened again, and how often */
	ROW_GAP,     /* what is not shown */
	ROW_LOSS,    /* what the tracer lost */
};

#define ROW_TEXT_MAX 480

struct row {
	uint8_t kind;	  /* enum row_kind */
	uint8_t from, to; /* enum lane */
	uint8_t tone;
	uint32_t times; /* events in it */
	uint32_t rec;	/* its first record, or MODEL_NONE */
	int64_t t_ns;	/* of the first of them */
	int64_t last_ns;
	char text[ROW_TEXT_MAX];
};

struct pick {
	uint32_t rec; /* MODEL_NONE: a row of words */
	uint8_t kind;
	int64_t t_ns;
	char *words; /* owned */
};

struct rows {
	struct pick *pick;
	size_t picks, picks_room;
	struct row *row;
	size_t n, room;
	int error; /* the first failure sticks */
};

void rows_free(struct rows *r);

/* A record of the log.  Picks come in the order of the picture. */
void rows_pick(struct rows *r, uint32_t rec);

/* Words: a heading, a repetition, a gap. */
void rows_say(struct rows *r, enum row_kind kind, int64_t t_ns, const char *fmt,
	      ...) __attribute__((format(printf, 4, 5)));

/*
 * Make rows of all picks, with what was lost between them; of a `whole` device
 * also what was lost before the first and after the last.  Records that say
 * what their neighbour says are left out.  0 or -errno.
 */
int rows_fold(struct rows *r, const struct model *m, bool whole);

/* Keep `max` rows; the last one then says how many messages are missing. */
void rows_cap(struct rows *r, size_t max);

/* Messages in all rows. */
uint64_t rows_messages(const struct rows *r);

/* True for an event whose neighbour says the same: the key `state`, ... */
bool rows_redundant(const struct model *m, uint32_t rec);

#endif
