/* SPDX-License-Identifier: MIT */
/* Processes whose end a flight recorder wants to know of, and in what order. */
#ifndef RECORD_WATCH_H
#define RECORD_WATCH_H

#include <stdbool.h>

struct record_watch;

/* NULL: no memory. */
struct record_watch *record_watch_open(void);
void record_watch_close(struct record_watch *watch);

/* From now on; with the ringsideds and frontends that run already. */
void record_watch_running(struct record_watch *watch);
void record_watch_add(struct record_watch *watch, int pid, const char *name);

/* It says that it ends: nothing more is wanted of it. */
void record_watch_said_end(struct record_watch *watch, int pid);

/*
 * One that has ended without having said so, if there is one: its number,
 * and *name until the next call.  What it said may come half a second after
 * its end.  Else 0.
 */
int record_watch_dead(struct record_watch *watch, const char **name);

/* Whether one has ended, and what it said is waited for. */
bool record_watch_waits(const struct record_watch *watch);

#endif
