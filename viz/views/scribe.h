/* SPDX-License-Identifier: MIT */
/*
 * Between the files that put events into words: who speaks, and the words as
 * they grow.  Nobody else includes this.
 */
#ifndef VIZ_VIEWS_SCRIBE_H
#define VIZ_VIEWS_SCRIBE_H

#include "viz/text.h"
#include "viz/views/message.h"

struct scribe {
	const struct model *m;
	const struct trace_log *log;
	const struct log_rec *rec;
	struct message *out;
};

/* A message from the speaker's lane to another, or the other way round. */
enum way { WAY_OUT, WAY_IN, WAY_NOTE };

void say(struct scribe *s, enum way way, enum lane other, enum tone tone,
	 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/*
 * How several of these read, with %s for their number, and which part of
 * each is listed; not called for what is never folded.
 */
void folds(struct scribe *s, const char *many, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Fields of the record. */
static inline int64_t get(const struct scribe *s, enum log_field f)
{
	return log_get(s->log, s->rec, f);
}

static inline uint32_t get32(const struct scribe *s, enum log_field f)
{
	return (uint32_t)log_get(s->log, s->rec, f);
}

static inline const char *str(const struct scribe *s, enum log_field f)
{
	return log_text(s->log, s->rec, f);
}

/* The same number for both sides of a request where they are joined. */
uint64_t seq_of(const struct scribe *s, enum log_field f);

/* One for each layer; they say nothing of events that are not theirs. */
void tell_grant(struct scribe *s);
void tell_evtchn(struct scribe *s);
void tell_ring(struct scribe *s);
void tell_requests(struct scribe *s);
void tell_disk(struct scribe *s);

#endif
