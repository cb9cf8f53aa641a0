/* SPDX-License-Identifier: MIT */
#include "trace/record/command.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "trace/record/proc.h"

#define ASK_NS	3000000000u /* from the signal to SIGTERM */
#define KILL_NS 5000000000u /* and to SIGKILL */

/*
 * How long a traced process waits in its start for the session daemon; what
 * it emits before the daemon knows it is lost, and nobody counts that.  The
 * default of 3 s is too short on a busy machine.
 */
#define REGISTER_MS "60000"

extern char **environ;

int record_command_start(char *const *argv, pid_t *pid, struct why *why)
{
	posix_spawnattr_t attr;
	struct sigaction hup;
	sigset_t none, all;
	int err;

	setenv("LTTNG_UST_REGISTER_TIMEOUT", REGISTER_MS, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&none);
	sigfillset(&all);
	/* What nohup(1) does is for the command, too. */
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler == SIG_IGN)
		sigdelset(&all, SIGHUP);
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
	*code = info.si_code == CLD_EXITED ? info.si_status
					   : 128 + info.si_status;
	return true;
}

/* Whether `pid` descends from this process. */
static bool is_below(int pid)
{
	for (int depth = 0; pid > 1 && depth < 256; depth++) {
		if (record_proc_stat(pid, NULL, &pid))
			return false;
		if (pid == getpid())
			return true;
	}
	return false;
}

static void signal_below(int pid, void *data)
{
	if (is_below(pid))
		kill(pid, *(int *)data);
}

/* Whether any process below this one is left; collects what has ended. */
static bool command_left(void)
{
	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid == 0)
			return true;
		if (pid < 0 && errno != EINTR)
			return false;
	}
}

int record_command_end(pid_t pid, int sig, const volatile sig_atomic_t *hurry,
		       void (*meanwhile)(void *data), void *data)
{
	const struct timespec pause = { 0, 20000000 };
	uint64_t start = clock_now_ns();
	bool running = true, told = false;
	int code = 0, last = SIGTERM;

	if (sig)
		record_proc_each(signal_below, &sig);
	for (;;) {
		uint64_t waited = clock_now_ns() - start;

		if (running && record_command_ended(pid, &code))
			running = false;
		if (!running && !command_left())
			return code;
		if (*hurry > 1 || waited > KILL_NS) {
			last = SIGKILL;
			told = false;
		}
		/* What the command left behind is told once it is gone. */
		if (!told && (last == SIGKILL || waited > ASK_NS || !running)) {
			record_proc_each(signal_below, &last);
			told = true;
		}
		if (meanwhile)
			meanwhile(data);
		nanosleep(&pause, NULL);
	}
}
