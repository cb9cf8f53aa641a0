/* SPDX-License-Identifier: MIT */
#include "trace/record/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "trace/record/apps.h"

#define WATCHED	 256 /* at a time */
#define GRACE_NS 500000000u

struct watched {
	int fd, pid;
	char name[32];
	uint64_t ended_ns; /* 0: it runs */
};

struct record_watch {
	struct watched of[WATCHED];
	unsigned count;
	char dead[32];
};

struct record_watch *record_watch_open(void)
{
	return calloc(1, sizeof(struct record_watch));
}

static void watch_remove(struct record_watch *w, unsigned i)
{
	if (w->of[i].fd >= 0)
		close(w->of[i].fd);
	w->of[i] = w->of[--w->count];
}

void record_watch_close(struct record_watch *w)
{
	while (w && w->count)
		watch_remove(w, 0);
	free(w);
}

void record_watch_add(struct record_watch *w, int pid, const char *name)
{
	int fd;

	for (unsigned i = 0; i < w->count; i++)
		if (w->of[i].pid == pid)
			return;
	if (pid == getpid() || w->count == WATCHED)
		return;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0 && errno != ESRCH)
		return;
	/* What has ended already may have said so. */
	w->of[w->count] = (struct watched){
		.fd = fd, .pid = pid, .ended_ns = fd < 0 ? clock_now_ns() : 0
	};
	snprintf(w->of[w->count].name, sizeof(w->of->name), "%s", name);
	w->count++;
}

/* The words of its command line, "a b", in text. */
static void command_line(int pid, char *text, size_t size)
{
	char path[64];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	f = fopen(path, "re");
	if (f) {
		n = fread(text, 1, size - 1, f);
		fclose(f);
	}
	for (size_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	text[n] = '\0';
}

void record_watch_running(struct record_watch *w)
{
	int *pids;
	unsigned count = record_apps_find(&pids);

	for (unsigned i = 0; i < count; i++) {
		char text[256], *program, *rest;

		command_line(pids[i], text, sizeof(text));
		program = strtok_r(text, " ", &rest);
		if (!program)
			continue;
		if (strrchr(program, '/'))
			program = strrchr(program, '/') + 1;
		if (!strcmp(program, "ringsided") ||
		    !strcmp(program, "nbdkit") ||
		    (!strcmp(program, "ringside") &&
		     !strncmp(rest, "front ", 6)))
			record_watch_add(w, pids[i], program);
	}
	free(pids);
}

void record_watch_said_end(struct record_watch *w, int pid)
{
	for (unsigned i = 0; i < w->count; i++)
		if (w->of[i].pid == pid) {
			watch_remove(w, i);
			return;
		}
}

int record_watch_dead(struct record_watch *w, const char **name)
{
	uint64_t now = clock_now_ns();

	for (unsigned i = 0; i < w->count; i++) {
		struct watched *it = &w->of[i];
		struct pollfd end = { .fd = it->fd, .events = POLLIN };
		int pid = it->pid;

		if (!it->ended_ns && poll(&end, 1, 0) == 1)
			it->ended_ns = now;
		if (!it->ended_ns || now - it->ended_ns < GRACE_NS)
			continue;
		memcpy(w->dead, it->name, sizeof(w->dead));
		*name = w->dead;
		watch_remove(w, i);
		return pid;
	}
	return 0;
}

bool record_watch_waits(const struct record_watch *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (w->of[i].ended_ns)
			return true;
	return false;
}
