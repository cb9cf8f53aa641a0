/* SPDX-License-Identifier: MIT */
#include "trace/record/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lttng/lttng.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/record/trigger.h"

/*
 * In the environment of a daemon that a recorder started, so that any
 * recorder can tell, however the one that started it ended.
 */
#define MARK "RINGSIDE_SESSIOND=1"

/*
 * Milliseconds until it gives up a silent lttng-relayd.  By default it would
 * wait as long as the system does, a quarter of an hour, and we for it.
 */
#define TIMEOUT	      "LTTNG_NETWORK_SOCKET_TIMEOUT"
#define TIMEOUT_VALUE "10000"

#define STOP_MS 10000 /* from SIGTERM to SIGKILL */

extern char **environ;

/* The directory where lttng-tools keep the sockets of this user's daemon. */
static int daemon_rundir(char *path, size_t size, struct why *why)
{
	const char *home;

	if (geteuid() == 0) {
		snprintf(path, size, "/var/run/lttng");
		return 0;
	}
	home = getenv("LTTNG_HOME");
	if (!home)
		home = getenv("HOME");
	if (!home || !*home)
		return why_set(why, -ENOENT,
			       "LTTng needs a home directory for its sockets; "
			       "set HOME or LTTNG_HOME");
	if ((size_t)snprintf(path, size, "%s/.lttng", home) >= size)
		return why_set(why, -ENAMETOOLONG,
			       "the home directory's name is too long");
	return 0;
}

int record_daemon_lock(struct why *why)
{
	char path[PATH_MAX];
	int fd, err = daemon_rundir(path, sizeof(path), why);

	if (err)
		return err;
	if (mkdir(path, geteuid() ? 0700 : 0755) && errno != EEXIST) {
		err = -errno;
		return why_set(why, err,
			       "%s, where LTTng keeps its sockets, cannot be "
			       "made: %s",
			       path, strerror(-err));
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		return why_set(why, err,
			       "%s, where LTTng keeps its sockets, cannot be "
			       "opened: %s",
			       path, strerror(-err));
	}
	while (flock(fd, LOCK_EX))
		if (errno != EINTR) {
			err = -errno;
			close(fd);
			return why_set(why, err, "%s cannot be locked: %s",
				       path, strerror(-err));
		}
	return fd;
}

void record_daemon_unlock(int lock)
{
	close(lock);
}

/* Start the daemon as our child, to be told by SIGUSR1 that it is ready. */
static int daemon_spawn(pid_t *pid)
{
	char *argv[] = { (char *)"lttng-sessiond", (char *)"--sig-parent",
			 (char *)"--no-kernel", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	char **envp;
	size_t n = 0;
	int err;

	while (environ[n])
		n++;
	envp = calloc(n + 3, sizeof(*envp));
	if (!envp)
		return -ENOMEM;
	memcpy(envp, environ, n * sizeof(*envp));
	envp[n++] = (char *)MARK;
	if (!getenv(TIMEOUT))
		envp[n] = (char *)TIMEOUT "=" TIMEOUT_VALUE;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSID);
	posix_spawn_file_actions_init(&files);
	for (int fd = 0; fd < 3; fd++)
		posix_spawn_file_actions_addopen(&files, fd, "/dev/null",
						 O_RDWR, 0);
	err = posix_spawnp(pid, argv[0], &files, &attr, argv, envp);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	free(envp);
	return -err;
}

/*
 * In a process of its own, which ends when the daemon is ready and leaves it
 * behind: as lttng-sessiond --daemonize does, but that looks once a second.
 */
static void daemon_foster(void)
{
	sigset_t news;
	pid_t pid;
	int err, sig;

	sigemptyset(&news);
	sigaddset(&news, SIGUSR1);
	sigaddset(&news, SIGCHLD);
	sigprocmask(SIG_BLOCK, &news, NULL);
	setsid();		  /* a terminal's signals are not for it */
	signal(SIGCHLD, SIG_DFL); /* ignored, there would be no news of it */
	umask(0);
	if (chdir("/"))
		_exit(1);
	err = daemon_spawn(&pid);
	if (err)
		_exit(err == -ENOENT ? 127 : 1);
	while (!sigwait(&news, &sig) && sig != SIGUSR1)
		if (waitpid(pid, NULL, WNOHANG) == pid)
			_exit(1);
	_exit(0);
}

int record_daemon_ensure(struct why *why)
{
	int status = 0;
	pid_t pid;

	if (lttng_session_daemon_alive() == 1)
		return 0;
	pid = fork();
	if (!pid)
		daemon_foster();
	if (pid < 0)
		return why_set(why, -errno,
			       "lttng-sessiond cannot be started: %s",
			       strerror(errno));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return why_set(why, -ENOENT,
			       "there is no lttng-sessiond to record with; "
			       "install LTTng (Debian: lttng-tools)");
	if (lttng_session_daemon_alive() == 1)
		return 0;
	return why_set(why, -EIO,
		       "lttng-sessiond was started but does not answer; run "
		       "it by hand, \"lttng-sessiond --no-kernel\", to see "
		       "why");
}

/* Whether a recorder started the process; its environment tells. */
static bool daemon_is_ours(pid_t pid)
{
	char path[64], *text = NULL;
	size_t size = 0;
	bool ours = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (getdelim(&text, &size, '\0', f) > 0)
		if (!strcmp(text, MARK))
			ours = true;
	free(text);
	fclose(f);
	return ours;
}

/* The daemon's process number, or -errno. */
static pid_t daemon_pid(void)
{
	char path[PATH_MAX], name[PATH_MAX + 32];
	int pid = -1;
	FILE *f;

	if (daemon_rundir(path, sizeof(path), NULL))
		return -ENOENT;
	snprintf(name, sizeof(name), "%s/lttng-sessiond.pid", path);
	f = fopen(name, "re");
	if (!f)
		return -errno;
	if (fscanf(f, "%d", &pid) != 1 || pid <= 1)
		pid = -EINVAL;
	fclose(f);
	return pid;
}

/* Ends a process and its children, which hang where it hangs. */
static void daemon_kill_all(pid_t pid)
{
	char path[64];
	int child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
		 (int)pid);
	f = fopen(path, "re");
	kill(pid, SIGKILL);
	if (!f)
		return;
	while (fscanf(f, "%d", &child) == 1)
		daemon_kill_all(child);
	fclose(f);
}

static void daemon_stop(pid_t pid)
{
	struct pollfd end = { .events = POLLIN };

	/* The daemon is nobody's child: only a pidfd tells of its end. */
	end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (end.fd < 0)
		return;
	kill(pid, SIGTERM);
	while (poll(&end, 1, STOP_MS) < 0 && errno == EINTR)
		;
	if (!(end.revents & POLLIN))
		daemon_kill_all(pid);
	close(end.fd);
}

int record_daemon_clean(void)
{
	struct lttng_session *sessions = NULL;
	size_t prefix = strlen(RECORD_SESSION_PREFIX);
	int count, left;

	left = count = lttng_list_sessions(&sessions);
	for (int i = 0; i < count; i++) {
		const char *name = sessions[i].name;
		char *end;
		long owner;

		if (strncmp(name, RECORD_SESSION_PREFIX, prefix))
			continue;
		owner = strtol(name + prefix, &end, 10);
		if (*end || owner <= 0 || owner > INT_MAX)
			continue;
		if (kill((pid_t)owner, 0) && errno == ESRCH) {
			lttng_destroy_session_no_wait(name);
			left--;
		}
	}
	free(sessions);
	record_triggers_clean();
	return left;
}

void record_daemon_leave(void)
{
	pid_t pid;

	if (lttng_session_daemon_alive() != 1 || record_daemon_clean())
		return;
	pid = daemon_pid();
	if (pid > 1 && daemon_is_ours(pid))
		daemon_stop(pid);
}
