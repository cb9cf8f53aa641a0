/* SPDX-License-Identifier: MIT */
#include "viz/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "viz/text.h"

#define WORKER_ENV   "RINGSIDE_SHOW_WORKER"
#define PATIENCE_ENV "RINGSIDE_SHOW_PATIENCE"

struct page {
	_Atomic uint64_t beat;
	_Atomic uint64_t count;
	char doing[32];
	_Atomic bool heeds_interrupt;
};

static struct page *page; /* NULL: nobody watches */
/* The watcher's choice: what it will remove is never the worker's to say. */
static char tmp[256];

bool guard_is_worker(void)
{
	return getenv(WORKER_ENV) != NULL;
}

void guard_beat(void)
{
	if (page)
		atomic_fetch_add_explicit(&page->beat, 1, memory_order_relaxed);
}

void guard_heed_interrupt(void)
{
	if (page)
		atomic_store(&page->heeds_interrupt, true);
}

void guard_progress(const char *doing, uint64_t count)
{
	if (!page)
		return;
	if (strcmp(page->doing, doing))
		snprintf(page->doing, sizeof(page->doing), "%s", doing);
	atomic_store_explicit(&page->count, count, memory_order_relaxed);
	guard_beat();
}

/*
 * A damaged length may ask for more memory than there is: let the allocation
 * fail instead of the machine.  The sanitizers reserve terabytes.
 */
static void bound_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	struct rlimit limit;

	if (pages <= 0 || size <= 0)
		return;
	limit.rlim_cur = limit.rlim_max = (rlim_t)pages * (rlim_t)size;
	setrlimit(RLIMIT_AS, &limit);
#endif
}

void guard_join(void)
{
	const char *env = getenv(WORKER_ENV);
	struct rlimit none = { 0, 0 };
	int fd, parent;
	void *at;

	if (!env)
		return;
	if (sscanf(env, "%d:%d:%255[^\n]", &fd, &parent, tmp) < 2)
		return;
	unsetenv(WORKER_ENV);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(2); /* it is gone already */
	at = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		  0);
	close(fd);
	if (at != MAP_FAILED)
		page = at;
	/* The watcher speaks of a crash; a core file helps nobody. */
	setrlimit(RLIMIT_CORE, &none);
	bound_memory();
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

static int tmp_make(void)
{
	const char *base = getenv("TMPDIR");

	if (!base || !*base)
		base = "/tmp";
	if ((size_t)snprintf(tmp, sizeof(tmp), "%s/ringside-show.XXXXXX",
			     base) >= sizeof(tmp)) {
		*tmp = '\0';
		return -ENAMETOOLONG;
	}
	if (!mkdtemp(tmp)) {
		*tmp = '\0';
		return -errno;
	}
	return 0;
}

int guard_tmp(const char **path)
{
	int rc = *tmp || page ? 0 : tmp_make();

	*path = tmp;
	return *tmp ? rc : rc ? rc : -ENOENT;
}

void guard_tmp_remove(void)
{
	if (*tmp)
		nftw(tmp, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	*tmp = '\0';
}

/* ---- the watcher -------------------------------------------------------- */

static volatile sig_atomic_t stopped_by;

static void on_signal(int sig)
{
	stopped_by = sig;
}

static int spawn_worker(char **argv, int fd, pid_t *pid)
{
	char env[sizeof(tmp) + 32];
	char **args;
	size_t n = 0;
	int rc;

	while (argv[n])
		n++;
	args = calloc(n + 2, sizeof(*args));
	if (!args)
		return -ENOMEM;
	/* argv[0] reads "ringside show"; the program wants the two apart. */
	args[0] = (char *)"ringside";
	args[1] = (char *)"show";
	memcpy(&args[2], &argv[1], (n - 1) * sizeof(*args));
	snprintf(env, sizeof(env), "%d:%d:%s", fd, (int)getpid(), tmp);
	setenv(WORKER_ENV, env, 1);
	rc = posix_spawn(pid, "/proc/self/exe", NULL, NULL, args, environ);
	unsetenv(WORKER_ENV);
	free(args);
	return -rc;
}

static uint64_t patience_ns(void)
{
	const char *env = getenv(PATIENCE_ENV);
	uint64_t s = GUARD_PATIENCE_S;

	if (env)
		number_parse(env, 1, 86400, &s);
	return s * 1000000000u;
}

/* One line on the terminal, drawn over; only where it takes long. */
static void show_progress(bool *shown)
{
	char count[TEXT_COUNT_MAX], doing[32];

	memcpy(doing, page->doing, sizeof(doing));
	doing[sizeof(doing) - 1] = '\0';
	if (!*doing)
		return;
	fprintf(stderr, "\r%s: %s \033[K", doing,
		text_count(count, atomic_load(&page->count)));
	fflush(stderr);
	*shown = true;
}

/* 0 when it ended with *status, -ETIMEDOUT, -EINTR. */
static int wait_worker(pid_t pid, int *status)
{
	uint64_t start = clock_now_ns(), moved = start, now, beat = 0, seen;
	uint64_t patience = patience_ns();
	bool tty = isatty(STDERR_FILENO), shown = false;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int rc = 0;

	for (;;) {
		if (stopped_by == SIGINT &&
		    atomic_exchange(&page->heeds_interrupt, false)) {
			stopped_by = 0;
			kill(pid, SIGINT);
		}
		if (stopped_by) {
			rc = -EINTR;
			break;
		}
		if (waitpid(pid, status, WNOHANG) == pid)
			break;
		poll(&p, pidfd >= 0, pidfd >= 0 ? 200 : 20);
		now = clock_now_ns();
		seen = atomic_load(&page->beat);
		if (seen != beat) {
			beat = seen;
			moved = now;
		} else if (now - moved > patience) {
			rc = -ETIMEDOUT;
			break;
		}
		if (tty && now - start > 1000000000u)
			show_progress(&shown);
	}
	if (shown)
		fputs("\r\033[K", stderr);
	if (rc) {
		kill(pid, SIGKILL);
		waitpid(pid, status, 0);
	}
	if (pidfd >= 0)
		close(pidfd);
	return rc;
}

int guard_watch(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_signal }, old[3];
	static const int sigs[3] = { SIGINT, SIGTERM, SIGHUP };
	int fd, rc, status = 0, code;
	unsigned i;
	pid_t pid;
	void *at;

	(void)argc;
	fd = memfd_create("ringside-show", 0);
	if (fd < 0 || ftruncate(fd, sizeof(*page))) {
		fprintf(stderr,
			"ringside show: cannot make shared memory: "
			"%s\n",
			strerror(errno));
		return 1;
	}
	at = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		  0);
	if (at == MAP_FAILED) {
		fprintf(stderr,
			"ringside show: cannot map shared memory: "
			"%s\n",
			strerror(errno));
		close(fd);
		return 1;
	}
	page = at;
	for (i = 0; i < 3; i++)
		sigaction(sigs[i], &act, &old[i]);
	tmp_make(); /* without it a damaged trace cannot be mended, no more */
	rc = spawn_worker(argv, fd, &pid);
	close(fd);
	if (rc) {
		fprintf(stderr, "ringside show: cannot start a worker: %s\n",
			strerror(-rc));
		code = 1;
		goto out;
	}
	rc = wait_worker(pid, &status);
	if (rc == -ETIMEDOUT) {
		fprintf(stderr,
			"ringside show: nothing moved for %llu s while "
			"the trace was read or drawn; it is probably damaged "
			"(set " PATIENCE_ENV " to wait longer)\n",
			(unsigned long long)(patience_ns() / 1000000000u));
		code = 2;
	} else if (rc == 0 && WIFSIGNALED(status)) {
		fprintf(stderr,
			"ringside show: the decoder gave up on this "
			"trace (%s); it is damaged, or too large for this "
			"machine\n",
			strsignal(WTERMSIG(status)));
		code = 2;
	} else {
		code = rc ? 1 : WEXITSTATUS(status);
	}
out:
	guard_tmp_remove();
	munmap(at, sizeof(*page));
	page = NULL;
	for (i = 0; i < 3; i++)
		sigaction(sigs[i], &old[i], NULL);
	if (stopped_by)
		raise(stopped_by); /* end as any program would */
	return code;
}
