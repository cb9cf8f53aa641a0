/* SPDX-License-Identifier: MIT */
#include "trace/record/command.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int record_command_start(char *const *argv, pid_t *pid, struct why *why)
{
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
				 POSIX_SPAWN_SETSIGDEF);
	err = posix_spawnp(pid, argv[0], NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	if (err)
		return why_set(why, -err, "%s cannot be run: %s", argv[0],
			       strerror(err));
	return 0;
}

bool record_command_ended(pid_t pid, int *code)
{
	siginfo_t info = { .si_pid = 0 };

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) ||
	    info.si_pid != pid)
		return false;
	*code = info.si_code == CLD_EXITED ? info.si_status :
					     128 + info.si_status;
	return true;
}

/* The parent of a process, or -1 if it is gone. */
static int parent_of(int pid)
{
	char path[64], text[512], *end;
	size_t len;
	int parent;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[len] = '\0';
	/* "PID (NAME) STATE PARENT", and the name may hold anything. */
	end = strrchr(text, ')');
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : -1;
}

/* Whether `pid` descends from this process. */
static bool is_below(int pid)
{
	int depth;

	for (depth = 0; pid > 1 && depth < 256; depth++) {
		pid = parent_of(pid);
		if (pid == getpid())
			return true;
	}
	return false;
}

void record_command_signal(int sig)
{
	struct dirent *e;
	DIR *proc = opendir("/proc");

	while (proc && (e = readdir(proc))) {
		int pid = atoi(e->d_name);

		if (isdigit((unsigned char)*e->d_name) && is_below(pid))
			kill(pid, sig);
	}
	if (proc)
		closedir(proc);
}

bool record_command_left(void)
{
	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid == 0)
			return true;
		if (pid < 0 && errno != EINTR)
			return false;
	}
}
