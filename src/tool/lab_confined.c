/* SPDX-License-Identifier: MIT */
/*
 * ringside lab confined: stands in for a student's ringsided.  It starts that
 * in its confinement, passes on the signals that it gets, and ends as it ended,
 * so that whoever starts a ringsided need not know of it.
 *
 *	ringside lab confined --program FILE [--memory BYTES] [--hide DIR]
 *		[--trust] -- OPTIONS OF RINGSIDED
 *
 * For the grader, and for ringside-frontends by way of a script.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "labs/engine/child.h"
#include "labs/engine/confine.h"
#include "tool/lab_commands.h"

struct confined {
	struct confine c;
	struct arena arena;
	const char *see[2], *write[2];
	int status_fd; /* where bwrap tells of its child */
	pid_t pid;     /* what we started */
	pid_t inner;   /* the program itself, 0: not known yet */
};

static int usage(void)
{
	fputs("usage: ringside lab confined --program FILE [--memory BYTES] "
	      "[--hide DIR] [--trust] -- OPTION...\n",
	      stderr);
	return 2;
}

/* How many words were taken; -1: they are wrong. */
static int options(struct confined *k, int argc, char **argv)
{
	int at = 1;

	for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
		if (!strcmp(argv[at], "--trust"))
			k->c.trust = true;
		else if (at + 1 == argc)
			return -1;
		else if (!strcmp(argv[at], "--program"))
			k->c.program = argv[++at];
		else if (!strcmp(argv[at], "--hide"))
			k->c.hide = argv[++at];
		else if (strcmp(argv[at], "--memory") != 0 ||
			 number_parse(argv[++at], 1, INT64_MAX,
				      &k->c.memory_bytes))
			return -1;
	}
	return k->c.program ? at + 1 : -1;
}

/* Of the desk, the program may reach domain 0's sockets, and write statistics.
 */
static void desk_give(struct confined *k, const char *desk)
{
	static const char *const names[] = { "", "/desk.sock", "/dom0",
					     "/dom0/store.sock", "/stats" };
	size_t i;

	k->see[0] = desk;
	k->write[0] = arena_printf(&k->arena, "%s/stats", desk);
	mkdir(k->write[0], 0755);
	k->c.see = k->see;
	k->c.write = k->write;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		confine_give(&k->c,
			     arena_printf(&k->arena, "%s%s", desk, names[i]));
}

static char **words(struct confined *k, int argc, char **argv)
{
	char **w = arena_alloc(&k->arena, sizeof(*w) * (size_t)(argc + 8));
	int n = 0, i;

	w[n++] = (char *)(uintptr_t)(k->c.trust ? k->c.program : k->c.as);
	for (i = 0; i < argc; i++) {
		w[n++] = argv[i];
		if (!strncmp(argv[i], "desk:", 5) && !k->c.trust)
			desk_give(k, argv[i] + 5);
	}
	if (!k->c.trust) { /* the desk's folder is read-only for it */
		w[n++] = (char *)(uintptr_t) "--lock";
		w[n++] = (char *)(uintptr_t) "/tmp/ringsided.lock";
	}
	return w;
}

/* The one child of bwrap's process 1; 0 if there is none yet. */
static pid_t inner_find(const struct confined *k)
{
	static char said[4096];
	static size_t have;
	const char *at;
	char path[64];
	int outer, inner = 0;
	ssize_t n;
	FILE *f;

	if (k->c.trust)
		return k->pid;
	while (have < sizeof(said) - 1 &&
	       (n = read(k->status_fd, said + have, sizeof(said) - 1 - have)) >
		       0)
		have += (size_t)n;
	at = strstr(said, "\"child-pid\":");
	if (!at || sscanf(at + 12, "%d", &outer) != 1)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", outer, outer);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%d", &inner) != 1)
		inner = 0;
	fclose(f);
	return inner;
}

static unsigned long long ticks_of(pid_t pid, const char *tid)
{
	unsigned long long user = 0, system = 0;
	char path[64], line[1024];
	const char *after;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%.20s/stat", pid, tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	/* Fields 14 and 15; the name, field 2, may have blanks in it. */
	after = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (after)
		sscanf(after + 1,
		       " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu",
		       &user, &system);
	fclose(f);
	return user + system;
}

/* Of a program that hangs: the thread that used most of the processor. */
static pid_t busiest(pid_t pid)
{
	unsigned long long most = 0, ticks;
	const struct dirent *e;
	pid_t tid = pid;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		ticks = ticks_of(pid, e->d_name);
		if (ticks > most) {
			most = ticks;
			tid = (pid_t)strtol(e->d_name, NULL, 10);
		}
	}
	if (d)
		closedir(d);
	return tid;
}

/*
 * To the program; before there is one, to what will become it.  SIGABRT asks
 * where it hangs, which linked/crash.c tells of the thread that gets it.
 */
static void pass_on(struct confined *k, int sig)
{
	pid_t inner = inner_find(k);

	if (!inner)
		kill(k->pid, SIGKILL);
	else if (sig == SIGABRT)
		syscall(SYS_tgkill, inner, busiest(inner), sig);
	else
		kill(inner, sig);
}

static int wait_for(struct confined *k, int signals)
{
	struct signalfd_siginfo info;
	int status;

	for (;;) {
		if (child_ended(k->pid, 0, &status))
			return status;
		if (read(signals, &info, sizeof(info)) == sizeof(info) &&
		    info.ssi_signo != SIGCHLD)
			pass_on(k, (int)info.ssi_signo);
	}
}

/* End as it ended; bwrap says 128 + N of a signal N. */
static int end_as(int status)
{
	const struct rlimit none = { 0, 0 };
	int code = WIFEXITED(status) ? WEXITSTATUS(status)
				     : 128 + WTERMSIG(status);
	sigset_t all;

	if (code <= 128 || code > 128 + 31)
		return code;
	setrlimit(RLIMIT_CORE, &none);
	signal(code - 128, SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	raise(code - 128);
	return code;
}

int lab_cmd_confined(int argc, char **argv)
{
	struct confined k = { .c = { .traced = true, .told = true } };
	struct child child = CHILD_INIT;
	struct why why = { "" };
	int pipes[2], at = options(&k, argc, argv), err, status;
	sigset_t set;

	if (at < 0)
		return usage();
	/* Also where nobody waited for us: what the program emits counts. */
	setenv("LTTNG_UST_REGISTER_TIMEOUT", "60000", 1);
	/* LTTng knows a program by name, number and second. */
	k.c.as = arena_printf(&k.arena, "/lab/ringsided-%05u",
			      (unsigned)getpid() % 100000u);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGABRT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pipe2(pipes, O_CLOEXEC))
		return 3;
	fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	k.status_fd = pipes[0];
	child.argv =
		confine_argv(&k.arena, &k.c, words(&k, argc - at, argv + at));
	child.out = child.err = STDERR_FILENO;
	child.keep[0] = k.c.trust ? -1 : pipes[1];
	child.keep[1] = confine_filter(&k.c);
	err = child_start(&child, &k.pid, &why);
	close(pipes[1]);
	if (err) {
		fprintf(stderr, "ringside lab confined: %s\n", why.text);
		return 3;
	}
	status = wait_for(&k, signalfd(-1, &set, SFD_CLOEXEC));
	arena_free(&k.arena);
	return end_as(status);
}
