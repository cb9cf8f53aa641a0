/* SPDX-License-Identifier: MIT */
/*
 * What makes a flight recorder take a snapshot: events that LTTng looks for
 * in the traced processes themselves, with a filter, and tells of.  No event
 * is read or written for that.
 */
#ifndef RECORD_TRIGGER_H
#define RECORD_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "trace/record/snapshot.h"

/* With RECORD_DEATH, programs that begin and end are told of as well. */
struct record_notice {
	enum {
		NOTICE_REQUEST, /* `cause` says what about it */
		NOTICE_BEGIN,
		NOTICE_END,
	} what;
	enum record_cause cause;
	int pid;	  /* of a program */
	char program[32]; /* its name */
	char text[256];	  /* of a request: which, and what about it */
};

struct record_triggers;

/*
 * `causes` is a set, 1 << enum record_cause; a request is slow beyond
 * `slow_ms`.  The daemon runs; record_start() came before.
 */
int record_triggers_open(struct record_triggers **triggers, unsigned causes,
			 unsigned slow_ms, struct why *why);

/* The next that came, if any.  Does not wait. */
bool record_triggers_next(struct record_triggers *triggers,
			  struct record_notice *notice);

/* How many were lost on their way to us; *exactly: this is all of them. */
uint64_t record_triggers_lost(struct record_triggers *triggers, bool *exactly);

/* Takes triggers; NULL is nothing. */
void record_triggers_close(struct record_triggers *triggers);

/* Removes what recorders that were killed have left. */
void record_triggers_clean(void);

#endif
