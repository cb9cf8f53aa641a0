/* SPDX-License-Identifier: MIT */
#include "base/asleep.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define FILE_MAX 4096

/* What is seen of all threads of a program. */
struct sight {
	uint64_t runs, ticks;
	bool awake; /* one of them runs, or waits for the disk */
};

static bool file_take(const char *path, char text[FILE_MAX])
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return false;
	n = fread(text, 1, FILE_MAX - 1, f);
	text[n] = '\0';
	fclose(f);
	return n > 0;
}

/* ---- which processes ----------------------------------------------------- */

static pid_t parent_of(pid_t pid)
{
	char path[64], text[FILE_MAX], *end;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	/* The name, which stands in (), may hold anything. */
	if (!file_take(path, text) || !(end = strrchr(text, ')')) ||
	    sscanf(end, ") %*c %d", &parent) != 1)
		return 0;
	return parent;
}

/* One step of the way down: children of those that are known. */
static bool tree_step(struct asleep_watch *w)
{
	unsigned had = w->pids, i;
	DIR *proc = opendir("/proc");
	struct dirent *e;

	while (proc && w->pids < ASLEEP_TREE && (e = readdir(proc))) {
		pid_t pid, parent;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		pid = atoi(e->d_name);
		parent = parent_of(pid);
		for (i = 0; i < w->pids && w->pid[i] != pid; i++)
			;
		if (i < w->pids)
			continue;
		for (i = 0; i < w->pids && w->pid[i] != parent; i++)
			;
		if (i < w->pids)
			w->pid[w->pids++] = pid;
	}
	if (proc)
		closedir(proc);
	return w->pids > had;
}

/* ---- what they do -------------------------------------------------------- */

/* "PID (NAME) S ...": the 14th and the 15th word are ticks. */
static bool stat_take(const char *dir, char *state, uint64_t *ticks)
{
	char path[320], text[FILE_MAX], *end;
	unsigned long user, kernel;

	snprintf(path, sizeof(path), "%s/stat", dir);
	if (!file_take(path, text) || !(end = strrchr(text, ')')) ||
	    sscanf(end, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		   state, &user, &kernel) != 3)
		return false;
	*ticks = user + kernel;
	return true;
}

static bool switches_take(const char *dir, struct sight *s)
{
	char path[320], text[FILE_MAX], *at;

	snprintf(path, sizeof(path), "%s/status", dir);
	if (!file_take(path, text))
		return false;
	for (at = text; (at = strstr(at, "_ctxt_switches:"));) {
		at += sizeof("_ctxt_switches:") - 1;
		s->runs += strtoul(at, NULL, 10);
	}
	return true;
}

static bool thread_take(const char *dir, struct sight *s)
{
	uint64_t ticks;
	char state;

	if (!stat_take(dir, &state, &ticks) || !switches_take(dir, s))
		return false;
	s->awake |= state != 'S' && state != 'Z';
	return true;
}

static bool process_take(pid_t pid, struct sight *s)
{
	char path[64], dir[320], state;
	struct dirent *e;
	uint64_t ticks;
	bool good;
	DIR *task;

	/* Also what threads have used that are no more. */
	snprintf(dir, sizeof(dir), "/proc/%d", (int)pid);
	good = stat_take(dir, &state, &ticks);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	task = good ? opendir(path) : NULL;
	if (!task)
		return false;
	s->ticks += ticks;
	while (good && (e = readdir(task))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", path, e->d_name);
		good = thread_take(dir, s);
	}
	closedir(task);
	return good;
}

static bool sight_take(const struct asleep_watch *w, struct sight *s)
{
	unsigned i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < w->pids; i++)
		if (!process_take(w->pid[i], s))
			return false;
	return w->pids > 0;
}

void asleep_open(struct asleep_watch *w, pid_t pid)
{
	memset(w, 0, sizeof(*w));
	if (pid <= 0)
		return;
	w->pid[w->pids++] = pid;
	while (tree_step(w))
		;
	asleep_begin(w);
}

void asleep_begin(struct asleep_watch *w)
{
	w->looked_ns = clock_now_ns();
	w->looks = 0;
	w->begun = false;
}

/* What was seen is compared with, from now on. */
static void sight_keep(struct asleep_watch *w, const struct sight *s)
{
	if (!w->begun)
		w->ticks = s->ticks;
	w->runs = s->runs;
	w->begun = true;
}

enum asleep asleep_look(struct asleep_watch *w)
{
	uint64_t now = clock_now_ns();
	struct sight s;

	if (!w->pids || now - w->looked_ns < ASLEEP_LOOK_NS)
		return ASLEEP_NO;
	w->looked_ns = now;
	if (!sight_take(w, &s)) {
		/* A thread, or one of the programs, came to its end. */
		asleep_open(w, w->pid[0]);
		return ASLEEP_NO;
	}
	w->looks = !w->begun || s.awake || s.runs != w->runs ? 0 : w->looks + 1;
	sight_keep(w, &s);
	if (w->looks >= ASLEEP_LOOKS) {
		if (!tree_step(w))
			return ASLEEP_SLEEPS;
		asleep_begin(w); /* there are more of them by now */
		return ASLEEP_NO;
	}
	if ((s.ticks - w->ticks) * 1000 >=
	    ASLEEP_SPIN_MS * (uint64_t)sysconf(_SC_CLK_TCK))
		return ASLEEP_SPINS;
	return ASLEEP_NO;
}

const char *asleep_words(enum asleep how)
{
	return how == ASLEEP_SLEEPS  ? "sleeps"
	       : how == ASLEEP_SPINS ? "computes without an end"
				     : "does something";
}
