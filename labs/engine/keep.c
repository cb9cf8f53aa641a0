/* SPDX-License-Identifier: MIT */
#include "labs/engine/keep.h"

#include <lttng/lttng.h>
#include <stdio.h>
#include <unistd.h>

#include "trace/record/daemon.h"

/* A recorder leaves a daemon alone that has another session. */
static void name_of(char name[64])
{
	snprintf(name, 64, RECORD_SESSION_PREFIX "%d", (int)getpid());
}

void keep_daemon(void)
{
	struct lttng_session_descriptor *desc;
	char name[64];
	int lock = record_daemon_lock(NULL);

	if (lock < 0)
		return;
	name_of(name);
	if (!record_daemon_ensure(NULL)) {
		desc = lttng_session_descriptor_create(name);
		if (desc)
			lttng_create_session_ext(desc);
		lttng_session_descriptor_destroy(desc);
	}
	record_daemon_unlock(lock);
}

void keep_end(void)
{
	char name[64];
	int lock = record_daemon_lock(NULL);

	if (lock < 0)
		return;
	name_of(name);
	lttng_destroy_session(name);
	record_daemon_leave();
	record_daemon_unlock(lock);
}
