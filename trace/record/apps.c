/* SPDX-License-Identifier: MIT */
#include "trace/record/apps.h"

#include <ctype.h>
#include <dirent.h>
#include <lttng/lttng.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	char path[64], text[512], *state;
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return true;
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	/* The name before it may hold anything, also ")". */
	state = strrchr(text, ')');
	return !state || !state[1] || strchr("TtZX", state[2]);
}

unsigned record_apps_find(int **pids)
{
	unsigned count = 0, size = 0;
	int *list = NULL, *more;
	struct dirent *e;
	DIR *proc = opendir("/proc");

	while (proc && (e = readdir(proc))) {
		int pid = atoi(e->d_name);

		if (!isdigit((unsigned char)*e->d_name) || !app_is_traced(pid))
			continue;
		if (count == size) {
			size = size ? size * 2 : 64;
			more = reallocarray(list, size, sizeof(*list));
			if (!more)
				break; /* those that we have will do */
			list = more;
		}
		list[count++] = pid;
	}
	if (proc)
		closedir(proc);
	*pids = list;
	return count;
}

unsigned record_apps_missing(struct lttng_handle *handle, const int *pids,
			     unsigned count)
{
	struct lttng_event *known = NULL;
	unsigned missing = 0;
	int n = lttng_list_tracepoints(handle, &known);

	for (unsigned i = 0; n >= 0 && i < count; i++) {
		int k;

		for (k = 0; k < n && known[k].pid != pids[i]; k++)
			;
		missing += k == n && !app_is_stopped(pids[i]);
	}
	free(known);
	return missing;
}
