/* SPDX-License-Identifier: MIT */
/*
 * The traced processes: which of those that run the session daemon does not
 * know yet.
 */
#ifndef RECORD_APPS_H
#define RECORD_APPS_H

struct lttng_handle;

/*
 * The running processes with LTTng-UST in them that our daemon can reach, as
 * far as this user may look: their number, and the process numbers in *pids,
 * which the caller frees.  Those of a container, which wait for a daemon of
 * their own, are left out.  0 and NULL if that cannot be found out.
 */
unsigned record_apps_find(int **pids);

/*
 * How many of these the daemon does not know, and one of them in *pid; those
 * that have ended or are stopped and so cannot answer are left out.
 */
unsigned record_apps_missing(struct lttng_handle *handle, const int *pids,
			     unsigned count, int *pid);

/*
 * A fork without exec has none of the threads that listen to a daemon, but
 * looks like the process that it is a fork of: from here on it does not, and
 * no recorder waits for it.
 */
void record_apps_leave(void);

#endif
