/* SPDX-License-Identifier: MIT */
/*
 * "EVENT field=value field>=value": which records of a log are meant, and what
 * is asked about them.  Names are the catalogue's, and values of an enum its
 * words, so that a wrong one is an error before anything runs.
 */
#ifndef LABS_ENGINE_PATTERN_H
#define LABS_ENGINE_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "labs/engine/arena.h"
#include "trace/desc.h"
#include "viz/read/log.h"
#include "viz/text.h"

enum pattern_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_HAS };

/* Fields that every event carries; the catalogue's own count from 0. */
enum { FIELD_ACTOR = -4, FIELD_DOMID, FIELD_DEVID, FIELD_QUEUE };

/* field OP value; OP_HAS ("~"): a string that has this in it. */
struct pattern_cond {
	int field;
	enum pattern_op op;
	int64_t value;
	const char *text; /* instead of it, for a string field */
};

/* EVENT with conditions. */
struct pattern {
	enum ev_kind kind;
	struct pattern_cond *cond;
	unsigned conds;
	const char *text; /* as it was written */
};

/*
 * All of what follows `from` in `w` that belongs to a pattern: the name of an
 * event, and conditions.  *end is the first word that does not.  What the
 * result points to is the arena's.  0, or -EINVAL with a sentence.
 */
int pattern_parse(struct arena *a, const struct words *w, unsigned from,
		  unsigned *end, struct pattern *out, struct why *why);

/* Position of a field, or one of those of all events.  0 or -ENOENT. */
int pattern_field_find(enum ev_kind kind, const char *name, int *field);

/* "=", "!=", ... and whether `a OP b`. */
const char *pattern_op_text(enum pattern_op op);
bool pattern_op_holds(enum pattern_op op, int64_t a, int64_t b);

/*
 * Splits "key OP value" at the first operator: *key and *value are the arena's.
 * -EINVAL: there is none.
 */
int pattern_op_split(struct arena *a, const char *word, char **key,
		     enum pattern_op *op, char **value);

/* The field's value; of a string its number in the log, of an array the
 * first. */
int64_t pattern_field(const struct trace_log *log, const struct log_rec *rec,
		      int field);

/* As a person reads it: a word of the enum, yes or no, [1 2 3]. */
void pattern_field_text(const struct trace_log *log, const struct log_rec *rec,
			int field, struct text *out);

bool pattern_matches(const struct trace_log *log, const struct log_rec *rec,
		     const struct pattern *p);

#endif
