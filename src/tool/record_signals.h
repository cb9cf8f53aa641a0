/* SPDX-License-Identifier: MIT */
/* What signals tell the recorder. */
#ifndef TOOL_RECORD_SIGNALS_H
#define TOOL_RECORD_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct record_signals {
	/* How often it was told to stop; by SIGHUP that counts once. */
	volatile sig_atomic_t stops;
	volatile sig_atomic_t stop_signal, stop_from_tty; /* the first time */
	volatile sig_atomic_t asked; /* for a snapshot, by SIGUSR1 */
	/* Since when it waits for LTTng; 0: it does not. */
	volatile uint64_t lttng_since_ns;
};

extern struct record_signals record_signals;

/*
 * -errno if that cannot be.  SIGUSR1 is caught by a flight recorder alone,
 * and SIGHUP unless it is ignored.
 */
int record_signals_catch(bool flight);

/*
 * It begins to wait for LTTng, or has been answered and waits again; and it
 * waits no longer.
 */
void record_signals_lttng(void);
void record_signals_lttng_end(void);

/* Until a signal, a child's end or the time. */
void record_signals_wait(int ms);

#endif
