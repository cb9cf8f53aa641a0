/* SPDX-License-Identifier: MIT */
#include "labs/engine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "labs/engine/child.h"

/* Users that systemd, too, gives to services for their life. */
#define UID_FIRST 61184u
#define UID_COUNT 4000u

#define PROCESSES  256u /* threads count */
#define OPEN_FILES 1024u
/*
 * Beside a program's own memory: what it shares, and reserves without use, as
 * a queue does for the pages of its guest on a desk.
 */
#define SHARED_BYTES (2ull << 30)

/* ---- the filter of system calls ------------------------------------------ */

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef FILTER_ARCH

#define LOAD(field)                                                            \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define END(what) BPF_STMT(BPF_RET | BPF_K, (what))
/* The call `nr` ends with `what`. */
#define CALL(nr, what)                                                         \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), END(what)

#define DENIED (SECCOMP_RET_ERRNO | EPERM)
#define ABSENT (SECCOMP_RET_ERRNO | ENOSYS)

/*
 * A thread is a clone(2) with CLONE_THREAD; anything else makes a process.
 * clone3(2) has its flags where a filter cannot look: glibc falls back.
 */
static const struct sock_filter filter[] = {
	LOAD(arch),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0),
	END(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
#ifdef __x86_64__
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
	END(SECCOMP_RET_KILL_PROCESS),
	CALL(__NR_fork, SECCOMP_RET_KILL_PROCESS),
	CALL(__NR_vfork, SECCOMP_RET_KILL_PROCESS),
#endif
	CALL(__NR_clone3, ABSENT),
	CALL(__NR_ptrace, DENIED),
	CALL(__NR_process_vm_readv, DENIED),
	CALL(__NR_process_vm_writev, DENIED),
	CALL(__NR_unshare, DENIED),
	CALL(__NR_setns, DENIED),
	CALL(__NR_mount, DENIED),
	CALL(__NR_memfd_create, DENIED),
	CALL(__NR_bpf, DENIED),
	CALL(__NR_keyctl, DENIED),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 3),
	LOAD(args[0]),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
	END(SECCOMP_RET_KILL_PROCESS),
	END(SECCOMP_RET_ALLOW),
};

int confine_filter(const struct confine *c)
{
	int fd;

	if (c->trust || c->forks)
		return -1;
	fd = memfd_create("filter", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (write(fd, filter, sizeof(filter)) != sizeof(filter) ||
	    lseek(fd, 0, SEEK_SET)) {
		close(fd);
		return -1;
	}
	return fd;
}

#else
int confine_filter(const struct confine *c)
{
	(void)c;
	return -1;
}
#endif

/* ---- the words ----------------------------------------------------------- */

struct line {
	struct arena *a;
	char **word;
	size_t n;
};

static void add(struct line *l, const char *word)
{
	l->word = arena_grow(l->a, l->word, l->n, sizeof(*l->word));
	l->word[l->n++] = word ? arena_text(l->a, word) : NULL;
}

static void add3(struct line *l, const char *a, const char *b, const char *c)
{
	add(l, a);
	add(l, b);
	if (c)
		add(l, c);
}

/* What bwrap makes on the way to a path is for root alone: make it before. */
static void add_way(struct line *l, const char *path)
{
	const char *slash = path;

	while (*path == '/' && (slash = strchr(slash + 1, '/'))) {
		add3(l, "--perms", "0755", "--dir");
		add(l, arena_printf(l->a, "%.*s", (int)(slash - path), path));
	}
}

static void add_bind(struct line *l, const char *how, const char *from,
		     const char *to)
{
	add_way(l, to);
	add3(l, how, from, to);
}

static void add_paths(struct line *l, const char *how, const char *const *paths)
{
	for (; paths && *paths; paths++)
		add_bind(l, how, *paths, *paths);
}

/* Where the system keeps its programs and libraries. */
static void add_system(struct line *l)
{
	static const char *const tops[] = { "/bin",   "/sbin",	"/lib",
					    "/lib64", "/lib32", "/libx32" };
	static const char *const files[] = { "/etc/ld.so.cache",
					     "/etc/alternatives" };
	char to[256];
	struct stat st;
	ssize_t n;
	size_t i;

	add3(l, "--ro-bind", "/usr", "/usr");
	for (i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		if (lstat(tops[i], &st))
			continue;
		n = readlink(tops[i], to, sizeof(to) - 1);
		if (n < 0) {
			add3(l, "--ro-bind", tops[i], tops[i]);
			continue;
		}
		to[n] = '\0';
		add3(l, "--symlink", to, tops[i]);
	}
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		add_bind(l, "--ro-bind-try", files[i], files[i]);
}

/*
 * LTTng: the daemon's socket for programs, and the page on which they wait for
 * a daemon.  Its other socket, which commands it, is not here.
 */
static void add_lttng(struct line *l)
{
	const char *home = getenv("LTTNG_HOME");
	char *path;

	add_way(l, "/var/run");
	add3(l, "--symlink", "../run", "/var/run");
	add_bind(l, "--ro-bind-try", "/run/lttng/lttng-ust-sock-8",
		 "/run/lttng/lttng-ust-sock-8");
	add3(l, "--ro-bind-try", "/dev/shm/lttng-ust-wait-8",
	     "/dev/shm/lttng-ust-wait-8");
	if (geteuid() == 0)
		return;
	if (!home)
		home = getenv("HOME");
	if (!home)
		return;
	path = arena_printf(l->a, "%s/.lttng/lttng-ust-sock-8", home);
	add_bind(l, "--ro-bind-try", path, path);
	path = arena_printf(l->a, "/dev/shm/lttng-ust-wait-8-%u",
			    (unsigned)geteuid());
	add3(l, "--ro-bind-try", path, path);
	add3(l, "--setenv", "LTTNG_HOME", home);
}

static void add_bwrap(struct line *l, const struct confine *c)
{
	add3(l, "bwrap", "--die-with-parent", NULL);
	add3(l, "--unshare-ipc", "--unshare-pid", "--unshare-net");
	add3(l, "--unshare-uts", "--unshare-cgroup-try", NULL);
	/* Root needs none, and could not become another user in one. */
	if (geteuid())
		add(l, "--unshare-user");
	add(l, "--new-session");
	if (c->told)
		add3(l, "--json-status-fd", "3", NULL);
	if (!c->forks)
		add3(l, "--seccomp", "4", NULL);
	add3(l, "--cap-drop", "ALL", NULL);
	if (geteuid() == 0) {
		add3(l, "--cap-add", "CAP_SETUID", NULL);
		add3(l, "--cap-add", "CAP_SETGID", NULL);
	}
	add_system(l);
	add3(l, "--proc", "/proc", NULL);
	add3(l, "--dev", "/dev", NULL);
	add3(l, "--perms", "1777", "--size");
	add(l, arena_printf(l->a, "%u", CONFINE_TMP_BYTES));
	add3(l, "--tmpfs", "/tmp", NULL);
	add3(l, "--size", "1048576", NULL);
	add3(l, "--tmpfs", "/dev/shm", NULL);
	if (c->hide) {
		add_way(l, c->hide);
		add3(l, "--tmpfs", c->hide, NULL);
	}
	if (c->program)
		add_bind(l, "--ro-bind", c->program, c->as);
	add_paths(l, "--ro-bind", c->see);
	add_paths(l, "--bind", c->write);
	add(l, "--clearenv");
	add3(l, "--setenv", "PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
	add3(l, "--setenv", "LC_ALL", "C.UTF-8");
	/* Each arena reserves 64 MiB of what is bounded. */
	add3(l, "--setenv", "MALLOC_ARENA_MAX", "2");
	add3(l, "--setenv", "LTTNG_UST_REGISTER_TIMEOUT", "60000");
	if (c->traced)
		add_lttng(l);
	/* What bwrap made of memory has no bound of its own. */
	add3(l, "--remount-ro", "/dev", NULL);
	add3(l, "--remount-ro", "/", NULL);
	if (c->dir)
		add3(l, "--chdir", c->dir, NULL);
	add(l, "--");
}

char **confine_argv(struct arena *a, const struct confine *c, char *const *argv)
{
	struct line l = { .a = a };
	char *uid;

	if (!c->trust)
		add_bwrap(&l, c);
	add3(&l, "prlimit", "--core=0", NULL);
	if (!c->trust) {
		add(&l, arena_printf(a, "--fsize=%u", CONFINE_FILE_BYTES));
		add(&l, arena_printf(a, "--nproc=%u", PROCESSES));
		add(&l, arena_printf(a, "--nofile=%u", OPEN_FILES));
	}
	if (c->memory_bytes) {
		add(&l, arena_printf(a, "--data=%llu",
				     (unsigned long long)c->memory_bytes));
		add(&l, arena_printf(a, "--as=%llu",
				     (unsigned long long)(c->memory_bytes +
							  SHARED_BYTES)));
	}
	add(&l, "--");
	if (!c->trust && geteuid() == 0) {
		uid = arena_printf(a, "%u", (unsigned)confine_uid(c));
		add3(&l, "setpriv", "--reuid", uid);
		add3(&l, "--regid", uid, "--clear-groups");
		add(&l, "--");
	}
	for (; *argv; argv++)
		add(&l, *argv);
	add(&l, NULL);
	return l.word;
}

uid_t confine_uid(const struct confine *c)
{
	if (geteuid() || c->trust)
		return geteuid();
	return UID_FIRST + (uid_t)getpid() % UID_COUNT;
}

void confine_give(const struct confine *c, const char *path)
{
	uid_t uid = confine_uid(c);

	if (geteuid() || !uid)
		return;
	if (chown(path, uid, uid))
		fprintf(stderr, "ringside lab: %s cannot be given away: %s\n",
			path, strerror(errno));
}

int confine_possible(struct why *why)
{
	const struct confine c = { .memory_bytes = 1u << 30 };
	char *argv[] = { (char *)"/usr/bin/true", NULL };
	struct child child = CHILD_INIT;
	struct arena a = { 0 };
	struct text said = { 0 };
	int status = 0, err, filter_fd = confine_filter(&c);

	child.argv = confine_argv(&a, &c, argv);
	child.keep[1] = filter_fd;
	err = child_run(&child, 20, NULL, &said, &status, why);
	if (!err && WIFEXITED(status) && WEXITSTATUS(status) == 127 &&
	    !said.len)
		err = why_set(why, -ENOENT,
			      "a program that a student wrote is run by "
			      "bubblewrap, which is not here: install it "
			      "(Debian: bubblewrap), or use --trust to run "
			      "your own code without it");
	else if (!err && status)
		err = why_set(why, -EPERM,
			      "bubblewrap may not confine programs here "
			      "(%.*s): allow user namespaces, or use --trust "
			      "to run your own code without it",
			      (int)strcspn(text_str(&said), "\n"),
			      text_str(&said));
	if (filter_fd >= 0)
		close(filter_fd);
	text_free(&said);
	arena_free(&a);
	return err;
}
