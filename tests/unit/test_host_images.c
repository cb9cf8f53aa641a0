/* SPDX-License-Identifier: MIT */
/* The cache of a host's images, with a mmdebstrap of our own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "host/images.h"

static char top[64], path_before[4096];

static const char *in_top(const char *name)
{
	static char path[4][256];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, 256, "%s/%s", top, name);
	return p;
}

static bool there(const char *name)
{
	return !access(in_top(name), F_OK);
}

static void read_file(const char *name, char *out, size_t room)
{
	FILE *f = fopen(in_top(name), "re");
	size_t n = 0;

	if (f) {
		n = fread(out, 1, room - 1, f);
		fclose(f);
	}
	out[n] = '\0';
}

/* What mmdebstrap does; $out is where the images belong. */
static void fake(const char *body)
{
	FILE *f = fopen(in_top("bin/new"), "we");

	assert_non_null(f);
	fprintf(f,
		"#!/bin/bash\n"
		"out=%s/cache/host.part\necho run >>%s/runs\n%s\n",
		top, top, body);
	fclose(f);
	chmod(in_top("bin/new"), 0755);
	/* A shell reads on in the one it runs. */
	rename(in_top("bin/new"), in_top("bin/mmdebstrap"));
}

static unsigned runs(void)
{
	char text[256];

	read_file("runs", text, sizeof(text));
	return (unsigned)strlen(text) / 4;
}

static int start(void **state)
{
	char path[5000];

	(void)state;
	strcpy(top, "/tmp/ringside-images-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	mkdir(in_top("bin"), 0700);
	snprintf(path_before, sizeof(path_before), "%s", getenv("PATH"));
	snprintf(path, sizeof(path), "%s/bin:%s", top, path_before);
	return setenv("PATH", path, 1);
}

static int finish(void **state)
{
	char command[128];

	(void)state;
	setenv("PATH", path_before, 1);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

/* With what goes to stderr in `said`. */
static int get(struct images *made, struct why *why, char *said, size_t room)
{
	int before = dup(STDERR_FILENO), err;
	int fd = open(in_top("stderr"), O_RDWR | O_CREAT | O_TRUNC, 0600);

	dup2(fd, STDERR_FILENO);
	close(fd);
	why->text[0] = '\0';
	err = images_get(in_top("cache"), made, why);
	dup2(before, STDERR_FILENO);
	close(before);
	read_file("stderr", said, room);
	return err;
}

#define GOOD "echo 'I: unpacking'; echo plain; touch $out/root.img"

static void test_progress(void **state)
{
	struct images made;
	char said[4096], log[4096];
	struct why why;

	(void)state;
	fake(GOOD);
	assert_int_equal(get(&made, &why, said, sizeof(said)), 0);
	assert_string_equal(made.dir, in_top("cache/host"));
	assert_true(there("cache/host/root.img"));
	assert_false(there("cache/host.part"));
	assert_non_null(strstr(said, "host: packages of Debian 12 (0:0"));
	assert_non_null(strstr(said, "host: unpacking (0:0"));
	assert_null(strstr(said, "plain"));
	read_file("cache/host.log", log, sizeof(log));
	assert_non_null(strstr(log, "plain"));
}

static void test_kept(void **state)
{
	struct images made;
	char said[4096];
	struct why why;
	FILE *f;

	(void)state;
	fake(GOOD);
	assert_int_equal(get(&made, &why, said, sizeof(said)), 0);
	assert_int_equal(get(&made, &why, said, sizeof(said)), 0);
	assert_int_equal(runs(), 1);
	assert_string_equal(said, "");
	/* Of the same length, but another version. */
	f = fopen(in_top("cache/host/build"), "r+e");
	assert_non_null(f);
	fputs("#?", f);
	fclose(f);
	assert_int_equal(close(creat(in_top("cache/host/old"), 0600)), 0);
	assert_int_equal(get(&made, &why, said, sizeof(said)), 0);
	assert_int_equal(runs(), 2);
	assert_false(there("cache/host/old"));
}

static void expect_failure(const char *body, const char *reason)
{
	struct images made;
	char said[4096];
	struct why why;

	fake(body);
	assert_int_equal(get(&made, &why, said, sizeof(said)), -EIO);
	if (!strstr(why.text, reason) ||
	    !strstr(why.text, in_top("cache/host.log")))
		fail_msg("\"%s\" does not say \"%s\" and the log", why.text,
			 reason);
	assert_false(there("cache/host"));
	assert_false(there("cache/host.part"));
}

static void test_failure(void **state)
{
	(void)state;
	expect_failure("echo 'E: the first'; echo 'E: the second'; exit 1",
		       "made: E: the first;");
	expect_failure("echo 'Err:1 http://deb'; "
		       "echo \"  Temporary failure resolving 'deb'\"; exit 100",
		       "made: Temporary failure resolving 'deb';");
	/* A last line without its end. */
	expect_failure("printf 'tar: No space left on device'; exit 2",
		       "made: tar: No space left");
	expect_failure("exit 9", "could not be made; ");
}

static void test_missing(void **state)
{
	struct images made;
	char said[4096];
	struct why why;

	(void)state;
	setenv("PATH", in_top("bin"), 1);
	assert_int_equal(get(&made, &why, said, sizeof(said)), -ENOENT);
	assert_non_null(strstr(why.text, "install the package mmdebstrap"));
	assert_string_equal(said, "");
}

/* Gone, or only not waited for yet by who inherited it. */
static bool is_gone(int pid)
{
	char path[64], text[64];
	int fd;
	ssize_t n;

	usleep(200000);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n <= 0;
}

/* ---- signals, and two at once ----------------------------------------------
 */

static pid_t get_apart(void)
{
	pid_t pid = fork();
	struct images made;
	char said[4096];
	struct why why;
	int err;

	if (pid)
		return pid;
	err = get(&made, &why, said, sizeof(said));
	_exit(err == 0 ? 0 : err == -EINTR ? 130 : 1);
}

static void wait_for(const char *name)
{
	int i;

	for (i = 0; i < 1000 && !there(name); i++)
		usleep(10000);
	assert_true(there(name));
}

static int status_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_interrupted(void **state)
{
	char text[64];
	pid_t pid;

	(void)state;
	/* It tidies up, and is waited for. */
	fake("trap 'sleep 0.3; touch ${0%/*}/tidy; exit 1' TERM\n"
	     "touch $out/half ${0%/*}/begun; while :; do sleep 0.05; done");
	pid = get_apart();
	wait_for("bin/begun");
	kill(pid, SIGINT);
	assert_int_equal(status_of(pid), 130);
	assert_true(there("bin/tidy"));
	assert_false(there("cache/host.part"));
	assert_false(there("cache/host"));
	unlink(in_top("bin/begun"));
	/* It does not: a second signal. */
	fake("trap '' TERM; echo $$ >${0%/*}/pid; touch ${0%/*}/begun\n"
	     "exec sleep 1000");
	pid = get_apart();
	wait_for("bin/begun");
	kill(pid, SIGTERM);
	usleep(300000);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGINT);
	assert_int_equal(status_of(pid), 130);
	assert_false(there("cache/host.part"));
	read_file("bin/pid", text, sizeof(text));
	assert_true(is_gone(atoi(text)));
	/* And the cache can be made after that. */
	fake(GOOD);
	assert_int_equal(status_of(get_apart()), 0);
}

static void test_two(void **state)
{
	pid_t one, two;

	(void)state;
	fake("touch ${0%/*}/begun; sleep 0.5; touch $out/root.img");
	one = get_apart();
	wait_for("bin/begun");
	two = get_apart();
	assert_int_equal(status_of(one), 0);
	assert_int_equal(status_of(two), 0);
	assert_int_equal(runs(), 1);
	assert_true(there("cache/host/root.img"));
}

/* Who made them was killed: what still writes there is waited for. */
static void test_killed(void **state)
{
	pid_t one;

	(void)state;
	fake("trap '' TERM; cd ${0%/*}; touch begun; sleep 0.7; rm begun");
	one = get_apart();
	wait_for("bin/begun");
	fake(GOOD "; [ ! -e ${0%/*}/begun ] || touch ${0%/*}/mixed");
	kill(one, SIGKILL);
	waitpid(one, NULL, 0);
	assert_int_equal(status_of(get_apart()), 0);
	assert_false(there("bin/mixed"));
	assert_true(there("cache/host/root.img"));
	assert_false(there("cache/host.part"));
}

#define images_test(f) cmocka_unit_test_setup_teardown(f, start, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		images_test(test_progress),    images_test(test_kept),
		images_test(test_failure),     images_test(test_missing),
		images_test(test_interrupted), images_test(test_two),
		images_test(test_killed),
	};

	return cmocka_run_group_tests_name("host images", tests, NULL, NULL);
}
