/* SPDX-License-Identifier: MIT */
#include "trace/record/apps.h"

#include <lttng/lttng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/clock.h"
#include "trace/record/proc.h"

#define NS_PER_S    1000000000u
#define REGISTER_NS (8 * (uint64_t)NS_PER_S)
#define PATIENT_NS  NS_PER_S

/*
 * LTTng-UST waits for a daemon on a word in this file, mapped read-only; the
 * daemon itself has it too, and may write to it.  There is one for all users
 * and one for each.
 */
#define WAIT_FILE "/lttng-ust-wait-"
#define WAIT_MAX  4

struct wait_file {
	char device[16];
	unsigned long inode;
};

/* The files of that name that a process waits on, at most WAIT_MAX. */
static unsigned wait_files(const char *maps, struct wait_file *files)
{
	char *line = NULL, perms[8];
	unsigned count = 0;
	size_t size = 0;
	FILE *f = fopen(maps, "re");

	if (!f)
		return 0;
	while (count < WAIT_MAX && getline(&line, &size, f) > 0) {
		struct wait_file *file = &files[count];

		if (strstr(line, WAIT_FILE) &&
		    sscanf(line, "%*s %7s %*s %15s %lu", perms, file->device,
			   &file->inode) == 3 &&
		    !strcmp(perms, "r--s"))
			count++;
	}
	free(line);
	fclose(f);
	return count;
}

/*
 * Whether our daemon can reach it: it waits on a file that we wait on, too.
 * What lives in a container, with a /dev/shm of its own, waits for another.
 */
static bool app_is_traced(int pid, const struct wait_file *ours, unsigned count)
{
	struct wait_file its[WAIT_MAX];
	unsigned n;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	n = wait_files(path, its);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < count; k++)
			if (its[i].inode == ours[k].inode &&
			    !strcmp(its[i].device, ours[k].device))
				return true;
	return false;
}

/* Or has ended. */
static bool app_is_stopped(int pid)
{
	char state;

	return record_proc_stat(pid, &state, NULL) || strchr("TtZX", state);
}

struct app_list {
	struct wait_file ours[WAIT_MAX];
	unsigned ours_count;
	int *pids;
	unsigned count, size;
};

static void app_add(int pid, void *data)
{
	struct app_list *list = data;
	int *more;

	if (!app_is_traced(pid, list->ours, list->ours_count))
		return;
	if (list->count == list->size) {
		more = reallocarray(list->pids, list->size * 2 + 64,
				    sizeof(*more));
		if (!more)
			return; /* those that we have will do */
		list->size = list->size * 2 + 64;
		list->pids = more;
	}
	list->pids[list->count++] = pid;
}

unsigned record_apps_find(int **pids)
{
	struct app_list list = { .pids = NULL };

	list.ours_count = wait_files("/proc/self/maps", list.ours);
	record_proc_each(app_add, &list);
	*pids = list.pids;
	return list.count;
}

bool record_apps_has(int pid)
{
	struct wait_file ours[WAIT_MAX];

	return app_is_traced(pid, ours, wait_files("/proc/self/maps", ours));
}

/*
 * How many of these the daemon does not know, and one of them in *pid; those
 * that have ended or are stopped and so cannot answer are left out.
 */
static unsigned apps_missing(struct lttng_handle *handle, const int *pids,
			     unsigned count, int *pid)
{
	struct lttng_event *known = NULL;
	unsigned missing = 0;
	int n = lttng_list_tracepoints(handle, &known);

	for (unsigned i = 0; n >= 0 && i < count; i++) {
		int k;

		for (k = 0; k < n && known[k].pid != pids[i]; k++)
			;
		if (k < n || app_is_stopped(pids[i]))
			continue;
		missing++;
		*pid = pids[i];
	}
	free(known);
	return missing;
}

/*
 * A daemon that has just started hears from the running processes one by
 * one.  Starting the session before they are known would lose their first
 * events.  After a daemon has ended, LTTng-UST sleeps for 5 s before it looks
 * for the next one.  Processes that start now wait for it by themselves.
 */
unsigned record_apps_wait(struct lttng_handle *handle, int only,
			  void (*waiting)(unsigned), int *pid)
{
	const struct timespec pause = { 0, 10000000 };
	uint64_t start = clock_now_ns(), waited = 0;
	int *all = NULL;
	const int *pids = &only;
	unsigned count = 1, missing;

	if (!only) {
		count = record_apps_find(&all);
		pids = all;
	}

	while ((missing = apps_missing(handle, pids, count, pid)) &&
	       waited < REGISTER_NS) {
		nanosleep(&pause, NULL);
		waited = clock_now_ns() - start;
		if (waiting && waited > PATIENT_NS) {
			waiting(missing);
			waiting = NULL;
		}
	}
	free(all);
	return missing;
}

void record_apps_leave(void)
{
	unsigned long from[WAIT_MAX], to[WAIT_MAX];
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned count = 0, i;
	char *line = NULL;
	size_t size = 0;

	while (f && count < WAIT_MAX && getline(&line, &size, f) > 0)
		if (strstr(line, WAIT_FILE) &&
		    sscanf(line, "%lx-%lx", &from[count], &to[count]) == 2)
			count++;
	free(line);
	if (f)
		fclose(f);
	for (i = 0; i < count; i++)
		munmap((void *)from[i], to[i] - from[i]);
}
