/* SPDX-License-Identifier: MIT */
/* What /proc tells of a process. */
#ifndef RECORD_PROC_H
#define RECORD_PROC_H

#include <stdbool.h>

/*
 * The state as ps(1) writes it ("R", "S", "Z" ...) and the parent, either may
 * be NULL.  -ESRCH: there is no such process.
 */
int record_proc_stat(int pid, char *state, int *parent);

/* Of which process `pid` is a thread: itself, mostly.  0: there is none. */
int record_proc_of(int pid);

/* Whether it runs: it is there, and not dead but for its parent's wait(2). */
bool record_proc_runs(int pid);

/*
 * Calls each(pid, data) for every process that can be seen.  Returns -errno
 * if there is no /proc.
 */
int record_proc_each(void (*each)(int pid, void *data), void *data);

#endif
