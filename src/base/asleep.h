/* SPDX-License-Identifier: MIT */
/*
 * Will another program do anything more by itself?
 *
 * Who waits for an answer can only guess how long a slow machine takes.  But a
 * program that was looked at again and again, and of which no thread ran
 * between any two looks, waits for something itself; and one that has computed
 * for seconds without an answer goes in circles.  Neither depends on how fast
 * the machine is: a looker that is kept waiting looks less often, and what a
 * program computes is counted in its own time.
 *
 * A timer of that program that is longer than all the looks is not seen.
 */
#ifndef BASE_ASLEEP_H
#define BASE_ASLEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ASLEEP_LOOKS   30u	 /* in a row, without any thread having run */
#define ASLEEP_LOOK_NS 10000000u /* at least, between two looks */
#define ASLEEP_SPIN_MS 5000u	 /* of its own time, all threads together */
#define ASLEEP_TREE    16u	 /* processes */

enum asleep {
	ASLEEP_NO,     /* or not known: it is gone, or may not be looked at */
	ASLEEP_SLEEPS, /* no thread of it ran for ASLEEP_LOOKS looks */
	ASLEEP_SPINS   /* it computed for ASLEEP_SPIN_MS */
};

struct asleep_watch {
	pid_t pid[ASLEEP_TREE]; /* it, and what it has started */
	unsigned pids;		/* 0: nothing is looked at */
	uint64_t looked_ns;
	uint64_t runs;	/* times that a thread was switched */
	uint64_t ticks; /* of processor time, at the begin */
	bool begun;	/* both are known */
	unsigned looks; /* in a row that saw the same */
};

/* Process `pid` and all that descend from it by now; 0: nobody. */
void asleep_open(struct asleep_watch *w, pid_t pid);

/* A wait begins: what was seen before counts no more. */
void asleep_begin(struct asleep_watch *w);

/* To be called while one waits, as often as one likes; mostly costs a clock. */
enum asleep asleep_look(struct asleep_watch *w);

/* What it does, to be said of a program: "sleeps". */
const char *asleep_words(enum asleep how);

#endif
