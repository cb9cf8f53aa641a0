/* SPDX-License-Identifier: MIT */
#include "trace/record/apps.h"

#include <lttng/lttng.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/record/proc.h"

/*
 * LTTng-UST waits for a daemon on a word in this file; the daemon itself has
 * it too, and may write to it.
 */
#define WAIT_FILE "/lttng-ust-wait-"

static bool app_is_traced(int pid)
{
	char path[64], *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && getline(&line, &size, f) > 0)
		found = strstr(line, WAIT_FILE) && strstr(line, " r--s ");
	free(line);
	fclose(f);
	return found;
}

/* Or has ended. */
static bool app_is_stopped(int pid)
{
	char state;

	return record_proc_stat(pid, &state, NULL) || strchr("TtZX", state);
}

struct app_list {
	int *pids;
	unsigned count, size;
};

static void app_add(int pid, void *data)
{
	struct app_list *list = data;
	int *more;

	if (!app_is_traced(pid))
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
	struct app_list list = { NULL, 0, 0 };

	record_proc_each(app_add, &list);
	*pids = list.pids;
	return list.count;
}

unsigned record_apps_missing(struct lttng_handle *handle, const int *pids,
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
