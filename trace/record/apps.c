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

int record_apps_missing(struct lttng_handle *handle)
{
	struct lttng_event *known = NULL;
	struct dirent *e;
	int count, missing = 0;
	DIR *proc;

	count = lttng_list_tracepoints(handle, &known);
	if (count < 0)
		return 0;
	proc = opendir("/proc");
	while (proc && (e = readdir(proc))) {
		int pid = atoi(e->d_name), i;

		if (!isdigit((unsigned char)*e->d_name) ||
		    !app_is_traced(pid) || app_is_stopped(pid))
			continue;
		for (i = 0; i < count && known[i].pid != pid; i++)
			;
		missing += i == count;
	}
	if (proc)
		closedir(proc);
	free(known);
	return missing;
}
