/* SPDX-License-Identifier: MIT */
/* Processes that the grader starts, waits for and ends. */
#ifndef LABS_ENGINE_CHILD_H
#define LABS_ENGINE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/why.h"
#include "viz/text.h"

#define CHILD_KEEP 2u

struct child {
	char *const *argv;
	/*
	 * What argv is for: run in the fork itself.  It costs no start of a
	 * program, and LTTng, which takes its time for each, does not hear of
	 * it: so it must not emit.  NULL: argv[0] is a file.
	 */
	int (*program)(int argc, char **argv);
	char *const *env; /* more "NAME=VALUE", ends with NULL; or NULL */
	/* Borrowed; -1 is /dev/null. */
	int in, out, err;
	/* Become 3 and 4 in the child; -1: none. */
	int keep[CHILD_KEEP];
	const char *dir;  /* to run in; NULL: here */
	int death_signal; /* that it gets when we end */
	/* child_run(): asked now and then; false ends it with -ECANCELED. */
	bool (*tick)(void *data);
	void *data;
};

#define CHILD_INIT                                                             \
	{                                                                      \
		.in = -1, .out = -1, .err = -1, .keep = { -1, -1 },            \
		.death_signal = 9                                              \
	}

/* In a process group of its own.  0, or -errno with a sentence. */
int child_start(const struct child *c, pid_t *pid, struct why *why);

/*
 * True if it has ended within so many milliseconds (0: look only); *status is
 * as of wait(2).
 */
bool child_ended(pid_t pid, unsigned ms, int *status);

/* End its group: with `sig`, and with SIGKILL after so many milliseconds. */
int child_end(pid_t pid, int sig, unsigned ms);

/*
 * Run it to its end, at most `seconds`, and take what it says: at most
 * CHILD_TEXT_MAX bytes of each.  0; -ETIME, -ECANCELED: it was killed;
 * or -errno of a start that failed, with a sentence.
 */
#define CHILD_TEXT_MAX (1u << 20)
int child_run(const struct child *c, unsigned seconds, struct text *out,
	      struct text *err, int *status, struct why *why);

/* All of a file, at most CHILD_TEXT_MAX bytes; nothing if it is not there. */
void child_file_read(const char *path, struct text *out);

#endif
