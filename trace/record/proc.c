/* SPDX-License-Identifier: MIT */
#include "trace/record/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int record_proc_stat(int pid, char *state, int *parent)
{
	char path[64], text[512], *end, s;
	size_t len;
	FILE *f;
	int p;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return -ESRCH;
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	/* "PID (NAME) STATE PARENT", and the name may hold anything. */
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1, " %c %d", &s, &p) != 2)
		return -ESRCH;
	if (state)
		*state = s;
	if (parent)
		*parent = p;
	return 0;
}

int record_proc_of(int pid)
{
	char path[64], line[128];
	int of = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %d", &of) == 1)
			break;
	if (f)
		fclose(f);
	return of;
}

bool record_proc_runs(int pid)
{
	char state;

	/* Of many that have long ended, this is asked often. */
	if (kill(pid, 0) && errno == ESRCH)
		return false;
	return !record_proc_stat(pid, &state, NULL) && state != 'Z' &&
	       state != 'X';
}

int record_proc_each(void (*each)(int pid, void *data), void *data)
{
	struct dirent *e;
	DIR *proc = opendir("/proc");

	if (!proc)
		return -errno;
	while ((e = readdir(proc)))
		if (isdigit((unsigned char)*e->d_name))
			each(atoi(e->d_name), data);
	closedir(proc);
	return 0;
}
