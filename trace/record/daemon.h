/* SPDX-License-Identifier: MIT */
/*
 * LTTng's session daemon.  A recorder uses the one that runs, found by
 * lttng-tools' own rules, or starts one.  A daemon that recorders started is
 * stopped by the last of them, when no session is left; one that anybody
 * else started is never stopped.
 *
 * Several recorders may begin and end at once: what looks at the daemon and
 * then acts on it holds the lock.
 */
#ifndef RECORD_DAEMON_H
#define RECORD_DAEMON_H

#include "base/why.h"

/* A session is named with this and the recorder's process number. */
#define RECORD_SESSION_PREFIX "ringside-"

/*
 * Takes the lock of this user's daemon; waits for it.  Returns a descriptor
 * for record_daemon_unlock, or -errno.
 */
int record_daemon_lock(struct why *why);
void record_daemon_unlock(int lock);

/*
 * Makes sure that a session daemon runs, with the lock held.  -ENOENT: LTTng
 * is not installed; other errors: it did not start.
 */
int record_daemon_ensure(struct why *why);

/*
 * Removes sessions and triggers whose recorder was killed; the number of
 * sessions of anybody that are left, or negative if the daemon does not tell.
 */
int record_daemon_clean(void);

/*
 * With the lock held: cleans, and stops the daemon if a recorder started it
 * and no session is left.
 */
void record_daemon_leave(void);

#endif
