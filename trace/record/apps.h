/* SPDX-License-Identifier: MIT */
/*
 * The traced processes: those that run, and the wait until the session daemon
 * knows them.
 */
#ifndef RECORD_APPS_H
#define RECORD_APPS_H

#include <stdbool.h>

struct lttng_handle;

/*
 * The running processes with LTTng-UST in them that our daemon can reach, as
 * far as this user may look: their number, and the process numbers in *pids,
 * which the caller frees.  Those of a container, which wait for a daemon of
 * their own, are left out.  0 and NULL if that cannot be found out.
 */
unsigned record_apps_find(int **pids);

/* Whether this process is one of them. */
bool record_apps_has(int pid);

/*
 * Waits for those that run, or for process `only` where that is not 0, until
 * the daemon knows them, eight seconds at most; how many it then does not know,
 * and one of them in *pid, but for those that have ended or are stopped and so
 * cannot answer.  Where it takes long, waiting (may be NULL) is called with
 * their number.
 */
unsigned record_apps_wait(struct lttng_handle *handle, int only,
			  void (*waiting)(unsigned), int *pid);

/*
 * A fork without exec has none of the threads that listen to a daemon, but
 * looks like the process that it is a fork of: from here on it does not, and
 * no recorder waits for it.
 */
void record_apps_leave(void);

#endif
