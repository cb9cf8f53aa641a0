/* SPDX-License-Identifier: MIT */
/* What `ringside record` tells the person, on stderr. */
#ifndef TOOL_RECORD_REPORT_H
#define TOOL_RECORD_REPORT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "trace/record/session.h"

#define RECORD_PROGRAM "ringside record"

struct record_result {
	double seconds;
	uint64_t subbuf_bytes, num_subbuf;
	struct record_losses losses;
	const char *whose; /* events these are; NULL: of processes */
	int pid;	   /* only this one was asked for; 0: all */
	int *running;	   /* processes at its end, running_count of them */
	unsigned running_count;
	bool failed; /* `why` says how */
	bool told;   /* and it has been said */
	struct why why;
};

enum record_verdict {
	RECORD_FINE,
	RECORD_FAILED,
	RECORD_NOTHING, /* no event came; the directory is of no use */
};

/* On a terminal, one line that is written over; else nothing. */
void record_report_status(const char *what, uint64_t ms, uint64_t bytes);

/* The same of what is sent to a host. */
void record_report_sent(const char *host, uint64_t ms);

/* A size as people write it: powers of two stay whole. */
const char *record_size_text(uint64_t bytes, char text[32]);

/* Takes that line away. */
void record_report_clear(void);

/* The same while running programs are waited for. */
void record_report_waiting(unsigned processes);

/* Says that `out` has less room, in bytes, than is needed to begin. */
void record_report_no_room(const char *out, uint64_t room, uint64_t need);

/*
 * That recording was stopped for want of room, of which there is less than
 * it needs, in bytes, is what failed in `res`.
 */
void record_report_full(struct record_result *res, const char *out,
			uint64_t room, uint64_t need, bool running);

/* Says what failed; once, however often it is called. */
void record_report_trouble(struct record_result *res);

/*
 * Reads the finished trace in `dir`, which the person calls `out`, and tells
 * what is in it and what is missing.  Ends early when *stop is not 0.
 */
enum record_verdict record_report(struct record_result *res, const char *out,
				  const char *dir,
				  const volatile sig_atomic_t *stop);

/*
 * The same of one snapshot, `name` in `out`.  Returns whether it can be read.
 */
bool record_report_snapshot(const char *out, const char *name, const char *dir,
			    const volatile sig_atomic_t *stop);

#endif
