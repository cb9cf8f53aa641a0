/* SPDX-License-Identifier: MIT */
/*
 * A real nbdkit for the tests of NBD storage, on a socket in rig_dir(); it
 * does not outlive the test.
 */
#ifndef TESTS_UNIT_NBD_RIG_H
#define TESTS_UNIT_NBD_RIG_H

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "disk_rig.h"

static inline bool nbd_there(void)
{
	return !system("nbdkit --version >/dev/null 2>&1");
}

static inline void nbd_need(void)
{
	if (!nbd_there()) {
		print_message("# nbdkit is missing\n");
		skip();
	}
}

/* The target of the server `name`. */
static inline const char *nbd_target(const char *name)
{
	static char target[4][300];
	static unsigned turn;
	char *t = target[turn++ % 4];

	snprintf(t, sizeof(target[0]), "nbd:nbd+unix:///?socket=%s",
		 rig_path(name));
	return t;
}

/* "nbdkit ARGS" (for the shell) as the server `name`; waits for it. */
static inline pid_t nbd_start(const char *name, const char *args)
{
	const char *path = rig_path(name);
	char cmd[1024], pidfile[300];
	pid_t pid;

	snprintf(pidfile, sizeof(pidfile), "%s.pid", path);
	snprintf(cmd, sizeof(cmd), "exec nbdkit -f -U '%s' -P '%s' %s", path,
		 pidfile, args);
	unlink(path);
	unlink(pidfile);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/bin/sh", "sh", "-c", cmd, NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	for (int i = 0; i < 1000 && access(pidfile, F_OK); i++)
		usleep(10000);
	assert_int_equal(access(pidfile, F_OK), 0);
	return pid;
}

static inline void nbd_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* All its threads stand still when this returns; SIGCONT lets it go on. */
static inline void nbd_stop(pid_t pid)
{
	int status;

	kill(pid, SIGSTOP);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}

#endif
