/* SPDX-License-Identifier: MIT */
#include "labs/engine/recorder.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/record/dir.h"
#include "trace/record/part.h"
#include "trace/record/session.h"

static int complain(const struct why *why)
{
	fprintf(stderr, "%s\n", why->text);
	return 1;
}

static void tell(char what)
{
	/* Who asked may have gone, and then waits for nothing. */
	if (write(STDOUT_FILENO, &what, 1) < 0)
		return;
}

/* LTTng makes a part for each process, also for one that says nothing. */
static void silent_remove(const char *dir)
{
	struct record_part *parts = NULL;
	int i, n = record_parts_find(dir, &parts);

	for (i = 0; i < n; i++)
		if (!record_part_has_data(&parts[i]))
			record_dir_remove(parts[i].path);
	if (n >= 0)
		record_parts_free(parts, (unsigned)n);
}

static enum ev_level level_of(const char *name)
{
	int level = EV_LEVEL_CONTROL;

	while (level < EV_LEVEL_FULL &&
	       strcmp(name, ev_level_name((enum ev_level)level)) != 0)
		level++;
	return (enum ev_level)level;
}

int recorder_run(int argc, char **argv)
{
	struct record_options opt = { .dir = NULL };
	struct record_losses losses;
	struct why why = { "" };
	char dir[PATH_MAX];
	struct record *rec;
	sigset_t end;
	int sig, err;

	if (argc != 3)
		return 2;
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (mkdir(argv[1], 0755) || !realpath(argv[1], dir)) {
		why_set(&why, -errno, "%s cannot be made: %s", argv[1],
			strerror(errno));
		return complain(&why);
	}
	opt.dir = dir;
	opt.level = level_of(argv[2]);
	if (record_start(&rec, &opt, &why))
		return complain(&why);
	tell(RECORDER_BEGUN);
	sigwait(&end, &sig);
	err = record_stop(rec, &losses, &why);
	silent_remove(dir);
	/* -ETIMEDOUT: a program died in the midst of an event. */
	if (!err || err == -ETIMEDOUT)
		tell(RECORDER_COMPLETE);
	record_close(rec);
	return err ? complain(&why) : 0;
}
