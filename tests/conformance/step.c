/* SPDX-License-Identifier: MIT */
#include "tests/conformance/step.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/asleep.h"
#include "tests/conformance/world.h"

#define THREADS_MAX 128u
#define ASKED	    32u
#define STEPS_MAX   5000000u

struct thread {
	pid_t tid;
	unsigned long woken;
};

/* ---- which thread -------------------------------------------------------- */

/* How often it went to sleep by itself; 0 if that cannot be seen. */
static unsigned long times_slept(pid_t pid, pid_t tid)
{
	static const char key[] = "\nvoluntary_ctxt_switches:";
	char path[64], text[4096], *at;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid,
		 (int)tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	at = strstr(text, key);
	return at ? strtoul(at + sizeof(key) - 1, NULL, 10) : 0;
}

static unsigned threads_take(pid_t pid, struct thread *out, unsigned count)
{
	struct dirent *e;
	char path[64];
	DIR *task;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	task = opendir(path);
	while (task && count < THREADS_MAX && (e = readdir(task))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		out[count].tid = atoi(e->d_name);
		out[count].woken = times_slept(pid, out[count].tid);
		count++;
	}
	if (task)
		closedir(task);
	return count;
}

/* It may be a script that started a program that started ringsided. */
static unsigned all_take(struct thread out[THREADS_MAX])
{
	struct asleep_watch tree;
	unsigned count = 0, i;

	asleep_open(&tree, world_daemon());
	for (i = 0; i < tree.pids; i++)
		count = threads_take(tree.pid[i], out, count);
	return count;
}

/* The one that is woken by each of many requests. */
static pid_t thread_find(struct ring *r)
{
	struct thread before[THREADS_MAX], after[THREADS_MAX];
	const struct req q = { .op = FLUSH };
	unsigned long most = ASKED / 2;
	unsigned n = all_take(before), m, i, k;
	pid_t found = 0;

	for (i = 0; i < ASKED; i++) {
		served(r, &q, 0);
		settle(r);
	}
	m = all_take(after);
	for (i = 0; i < n; i++)
		for (k = 0; k < m; k++) {
			if (before[i].tid != after[k].tid ||
			    after[k].woken - before[i].woken < most)
				continue;
			most = after[k].woken - before[i].woken;
			found = after[k].tid;
		}
	return found;
}

/* ---- its steps ----------------------------------------------------------- */

/* Wait for its stop; what signal it got meanwhile, 0: none.  -1: it is gone. */
static int stop_wait(pid_t thread)
{
	int status;

	if (waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status))
		return -1;
	if (status >> 16 || WSTOPSIG(status) == SIGTRAP)
		return 0;
	return WSTOPSIG(status);
}

pid_t step_begin(struct ring *r)
{
	pid_t thread = thread_find(r);

	if (!thread || ptrace(PTRACE_SEIZE, thread, NULL, NULL))
		return 0;
	if (!ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) &&
	    stop_wait(thread) >= 0)
		return thread;
	ptrace(PTRACE_DETACH, thread, NULL, NULL);
	return 0;
}

bool step_until_changed(pid_t thread, const struct ring *r, unsigned which)
{
	uint32_t was = index_get(r, which);
	unsigned i;
	int sig = 0;

	for (i = 0; i < STEPS_MAX && index_get(r, which) == was; i++) {
		if (ptrace(PTRACE_SINGLESTEP, thread, NULL, (long)sig))
			return false;
		sig = stop_wait(thread);
		if (sig < 0)
			return false;
	}
	return index_get(r, which) != was;
}

void step_end(pid_t thread)
{
	ptrace(PTRACE_DETACH, thread, NULL, NULL);
}
