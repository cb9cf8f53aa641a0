/* SPDX-License-Identifier: MIT */
/*
 * What a grade is played on: a recording, a desk, and the student's ringsided,
 * each a process of its own, all in one scratch directory.
 */
#ifndef LABS_ENGINE_STAGE_H
#define LABS_ENGINE_STAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "labs/engine/build.h"
#include "trace/desc.h"

/* More than this no ringsided writes in good order: trace, log, statistics. */
#define STAGE_BYTES  (512ull << 20)
#define STAGE_FLOODS "it was stopped: it emitted or wrote without an end"

struct stage {
	struct arena *arena;	    /* borrowed, as are these three */
	const struct lab *lab;
	const struct build *build;
	const char *scratch;
	bool trust;
	const char *trace; /* scratch/trace */
	const char *desk;  /* scratch/desk */
	const char *log;   /* of the last ringsided */
	pid_t record, desk_pid, daemon; /* 0: not running */
	int record_in;	   /* closed, the recording ends */
	int record_out;
	unsigned daemons;  /* so many were started */
	const char *ended; /* how the last one ended, if not in order */
};

/* Fields up to `trust` are the caller's.  In this order: */

/* Begin to record; returns at once. */
int stage_record_begin(struct stage *s, enum ev_level level, struct why *why);
/* Until it records. */
int stage_record_wait(struct stage *s, struct why *why);
int stage_desk_start(struct stage *s, struct why *why);

/*
 * A ringsided with these options.  0; -ECHILD: the student's program is at
 * fault, and s->ended says how; else no stage can be made.
 */
int stage_daemon_start(struct stage *s, const struct words *options,
		       struct why *why);

/* True while it runs; else s->ended says how it ended. */
bool stage_daemon_lives(struct stage *s);

/* True if more was written than anybody needs. */
bool stage_floods(const struct stage *s);

/* In order; s->ended is set if it did not. */
void stage_daemon_stop(struct stage *s);

/* At once, with this said of it. */
void stage_daemon_kill(struct stage *s, const char *ended);

/* All of it; the recording is complete then. */
void stage_end(struct stage *s);

/* A script that is such a ringsided, for ringside-frontends.  0 or -errno. */
int stage_script_write(struct stage *s, const char *path, struct why *why);

/*
 * "it ended with SIGSEGV in back.c:57 (f)": from a status as of wait(2), and
 * the nth crash that the log tells of, from 0.
 */
const char *stage_end_words(struct stage *s, int status, const char *log,
			    unsigned nth);

#endif
