/* SPDX-License-Identifier: MIT */
/*
 * One recording session of LTTng: every process that emits the catalogue's
 * events, into one directory as CTF.
 *
 * Buffers belong to a process, not to the user: with shared buffers, one
 * process killed in the middle of an event stops everybody's ring for good,
 * and LTTng then waits for it forever.  When they are full, events are
 * discarded and counted.
 *
 * A flight recorder is another thing: nothing is written until a snapshot is
 * taken, and full buffers overwrite their oldest part.  Its buffers belong to
 * the user, since those of a process go with it, and how it ended is what one
 * wants to know.  So where a process was killed the session is made anew.
 */
#ifndef RECORD_SESSION_H
#define RECORD_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"
#include "trace/desc.h"
#include "trace/record/relay.h"

enum record_context {
	RECORD_CONTEXT_VPID = 1,
	RECORD_CONTEXT_VTID = 2,
	RECORD_CONTEXT_PROCNAME = 4,
};

struct record_options {
	/* Absolute, exists and is empty; with a relay, its name over there. */
	const char *dir;
	const struct record_relay *relay; /* connected; NULL: this machine */
	enum ev_level level;		  /* and what is more important */
	uint64_t subbuf_bytes; /* a power of two, a page or more; 0: chosen */
	uint64_t num_subbuf;   /* a power of two, 2 or more; 0: chosen */
	unsigned contexts;     /* of enum record_context */
	bool flight;	       /* keep the last moments; write none of them */
	pid_t pid;	       /* record this process alone; 0: all */
	/* Called with a number of processes if they keep us waiting; or NULL.
	 */
	void (*waiting)(unsigned processes);
	/* Called when LTTng has answered, and is waited for again; or NULL. */
	void (*answered)(void);
};

/*
 * As the daemon counts them.  It may miss those of a process that has ended;
 * what the trace itself says (record_check) counts, if it is more.
 */
struct record_losses {
	uint64_t events;  /* discarded because the buffers were full */
	uint64_t packets; /* whole sub-buffers that were overwritten */
};

struct record;

/*
 * Starts to record; a session daemon is started if none runs.  When it
 * returns, each traced process that already ran is recorded, and one that
 * starts is from its first event.  Gives *rec on 0.
 */
int record_start(struct record **rec, const struct record_options *opt,
		 struct why *why);

/*
 * Number of traced processes that ran before and have not answered within
 * eight seconds, and one of them in *pid: what they emit is missing until
 * they do.
 */
unsigned record_absent(const struct record *rec, int *pid);

/* The session's name. */
const char *record_name(const struct record *rec);

/*
 * Makes a flight recorder's session anew: what the buffers hold is gone.
 * After an error it can only be closed.
 */
int record_renew(struct record *rec, struct why *why);

/* Whether the session daemon still answers. */
bool record_alive(void);

/* Whether what is recorded still gets where it should. */
bool record_reaches(const struct record *rec);

/* The size of a sub-buffer in bytes and their number for each processor. */
void record_buffers(const struct record *rec, uint64_t *subbuf_bytes,
		    uint64_t *num_subbuf);

/*
 * Stops, waits until all events are in their files, and counts what was
 * lost.  -ETIMEDOUT: nothing has moved for ten seconds; the trace may lack
 * its end.  The session is to be closed whatever this returns.
 */
int record_stop(struct record *rec, struct record_losses *losses,
		struct why *why);

/*
 * Destroys the session and, if it was the last one of a daemon that a
 * recorder started, ends the daemon.  Takes rec; NULL is nothing.  -EIO: it
 * was not closed in order, and of a trace that is sent away the end may be
 * missing: LTTng tells at no other moment that a connection broke.
 */
int record_close(struct record *rec);

#endif
