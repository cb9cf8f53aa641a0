/* SPDX-License-Identifier: MIT */
/*
 * What a grade runs on: a recording, a desk, and the student's ringsided,
 * each a process of its own, all in one scratch directory.
 */
#ifndef LABS_ENGINE_SITE_H
#define LABS_ENGINE_SITE_H

#include <stdbool.h>
#include <sys/types.h>

#include "labs/engine/build.h"
#include "trace/desc.h"

/* More than this no ringsided writes in good order: trace, log, statistics. */
#define SITE_BYTES  (512ull << 20)
#define SITE_FLOODS "it was stopped: it emitted or wrote without an end"

struct site {
	struct arena *arena; /* borrowed, as are these three */
	const struct lab *lab;
	const struct build *build;
	const char *scratch;
	bool trust;
	int (*tool)(int argc, char **argv); /* as in struct grade_options */
	const char *trace;		    /* scratch/trace */
	const char *desk;		    /* scratch/desk */
	const char *log;		    /* of the last ringsided */
	pid_t record, desk_pid, daemon;	    /* 0: not running */
	int record_out;			    /* what the recorder tells */
	unsigned daemons;		    /* so many were started */
	const char *ended; /* how the last one ended, if not in order */
};

/* Fields up to `tool` are the caller's.  In this order: */

/* Begin to record; returns at once. */
int site_record_begin(struct site *s, enum ev_level level, struct why *why);
/* Until it records. */
int site_record_wait(struct site *s, struct why *why);
int site_desk_start(struct site *s, struct why *why);

/*
 * A ringsided with these options.  0; -ECHILD: the student's program is at
 * fault, and s->ended says how; else no site can be made.
 */
int site_daemon_start(struct site *s, const struct words *options,
		      struct why *why);

/* True while it runs; else s->ended says how it ended. */
bool site_daemon_lives(struct site *s);

/* True if more was written than anybody needs. */
bool site_floods(const struct site *s);

/* In order; s->ended is set if it did not. */
void site_daemon_stop(struct site *s);

/* At once, with this said of it. */
void site_daemon_kill(struct site *s, const char *ended);

/* It hangs: the same, and in which of the student's lines, if in any. */
void site_daemon_hung(struct site *s, const char *ended);

/*
 * ", in back.c:57 (f)": where the nth crash that the log tells of was, if it
 * was in the student's file; else "".
 */
const char *site_hang_place(struct site *s, const char *log, unsigned nth);

/*
 * All of it.  With `whole` the trace can be read when this returns 0, and is
 * not to be trusted after -EIO with a sentence (`why` may be NULL without
 * `whole`).  LTTng is busy for a while yet: that is waited for by
 * site_record_close().
 */
int site_end(struct site *s, bool whole, struct why *why);
void site_record_close(struct site *s);

/* A script that is such a ringsided, for ringside-frontends.  0 or -errno. */
int site_script_write(struct site *s, const char *path, struct why *why);

/*
 * "it ended with SIGSEGV in back.c:57 (f)": from a status as of wait(2), and
 * the nth crash that the log tells of, from 0.
 */
const char *site_end_words(struct site *s, int status, const char *log,
			   unsigned nth);

#endif
