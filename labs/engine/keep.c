/* SPDX-License-Identifier: MIT */
#include "labs/engine/keep.h"

#include <lttng/lttng.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/record/daemon.h"

/* In the environment: the process that has the session. */
#define KEPT "RINGSIDE_LAB_KEPT"

/* A recorder leaves a daemon alone that has another session. */
static void name_of(char name[64])
{
	snprintf(name, 64, RECORD_SESSION_PREFIX "%d", (int)getpid());
}

static void session_make(void)
{
	struct lttng_session_descriptor *desc;
	char name[64];

	name_of(name);
	desc = lttng_session_descriptor_create(name);
	if (desc)
		lttng_create_session_ext(desc);
	lttng_session_descriptor_destroy(desc);
}

static void again(const char *what, int argc, char **argv)
{
	char **w = calloc((size_t)argc + 4, sizeof(*w));
	int i;

	if (!w)
		return;
	w[0] = (char *)(uintptr_t) "ringside";
	w[1] = (char *)(uintptr_t) "lab";
	w[2] = (char *)(uintptr_t)what;
	for (i = 1; i < argc; i++)
		w[i + 2] = argv[i];
	execv("/proc/self/exe", w);
	free(w);
}

void keep_daemon(const char *what, int argc, char **argv)
{
	const char *kept = getenv(KEPT);
	char number[16];
	bool was_there;
	int lock;

	snprintf(number, sizeof(number), "%d", (int)getpid());
	if (kept && !strcmp(kept, number))
		return; /* it is this process that made the session */
	lock = record_daemon_lock(NULL);
	if (lock < 0)
		return;
	was_there = lttng_session_daemon_alive() == 1;
	if (!record_daemon_ensure(NULL))
		session_make();
	record_daemon_unlock(lock);
	setenv(KEPT, number, 1);
	if (!was_there)
		again(what, argc, argv);
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
