/* SPDX-License-Identifier: MIT */
/*
 * Opens a trace that has just been written: counts it, and finds out whether
 * it can be read to its end.  LTTng itself does not tell when the disk was
 * full.
 */
#ifndef RECORD_CHECK_H
#define RECORD_CHECK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct record_summary {
	uint64_t events;
	uint64_t discarded;   /* events that the trace itself calls lost */
	uint64_t packets;     /* the same of whole packets */
	uint64_t overwritten; /* packets before the first ones of a snapshot */
	int64_t whole_ns;     /* from here on nothing was overwritten, and */
	int64_t end_ns;	      /* here is the last event; since the epoch */
	unsigned processes;   /* that emitted anything */
	unsigned killed;      /* of those, that ended without saying so */
	unsigned damaged;     /* of those, whose trace cannot be read on */
	char killed_name[64]; /* one of them, "NAME (process N)" */
	char damaged_name[64];
	bool complete; /* false: *stop ended it */
};

/*
 * The processes with a trace in `dir` that run now: *count of them, which the
 * caller frees; NULL if there are none.  Asked before the session is stopped,
 * so that a process that ends after it does not seem to have been killed.
 */
int *record_check_running(const char *dir, unsigned *count);

/*
 * Reads all of the trace in `dir`, which the session has closed.  The part of
 * a process that emitted nothing is removed, so is our own.  Ends early when
 * *stop (may be NULL) is not 0.  Calls counted (may be NULL) now and then
 * with the number of events so far.  -ENOMEM, -ENOENT (no babeltrace plugin).
 */
int record_check(const char *dir, const int *running, unsigned running_count,
		 const volatile sig_atomic_t *stop,
		 void (*counted)(uint64_t events), struct record_summary *sum);

#endif
