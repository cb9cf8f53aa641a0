/* SPDX-License-Identifier: MIT */
/*
 * What a flight recorder keeps, written down: a trace of its own in a
 * directory of its own, named by its number and by what it was taken for.
 */
#ifndef RECORD_SNAPSHOT_H
#define RECORD_SNAPSHOT_H

#include <stdbool.h>

#include "base/why.h"

struct record;

/* What it is taken for. */
enum record_cause {
	RECORD_REFUSED, /* a request was refused by a rule */
	RECORD_ERROR,	/* one was answered with an error */
	RECORD_SLOW,	/* one took longer than a time */
	RECORD_DEATH,	/* a ringsided ended without program_stop */
	RECORD_ASKED,	/* somebody wants it */
	RECORD_CAUSES,
};

/* Its word, as in "1-error". */
const char *record_cause_word(enum record_cause cause);
bool record_snapshot_is_word(const char *word);

/*
 * Writes what the session holds into the new directory `path`, with a file
 * "snapshot" that has the lines `note` in it.  -ENODATA: it holds nothing.
 * After an error there is no such directory.
 */
int record_snapshot(const struct record *rec, const char *path,
		    const char *note, struct why *why);

#endif
