/* SPDX-License-Identifier: MIT */
/*
 * The parts of recording that need no session: the directory, the command
 * and all that it starts, the parts of a trace and what is left unreadable.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "trace/record/check.h"
#include "trace/record/command.h"
#include "trace/record/dir.h"
#include "trace/record/part.h"
#include "trace/record/proc.h"

static char top[64];

static const char *in_top(const char *name)
{
	static char path[4][256];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, 256, "%s/%s", top, name);
	return p;
}

static void write_file(const char *name, const void *data, size_t len)
{
	int fd = open(in_top(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static void make_dir(const char *name)
{
	assert_int_equal(mkdir(in_top(name), 0700), 0);
}

static int start(void **state)
{
	(void)state;
	strcpy(top, "/tmp/ringside-record-XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int finish(void **state)
{
	(void)state;
	record_dir_remove(top);
	return access(top, F_OK) ? 0 : -1;
}

/* ---- the directory ------------------------------------------------------ */

static void expect_refused(const char *name, bool force, int err,
			   const char *says)
{
	char abs[PATH_MAX];
	struct why why;
	bool made;

	assert_int_equal(
		record_dir_prepare(in_top(name), force, abs, &made, &why), err);
	if (!strstr(why.text, says))
		fail_msg("\"%s\" does not say \"%s\"", why.text, says);
}

static void test_dir_prepare(void **state)
{
	char abs[PATH_MAX];
	struct why why;
	bool made;

	(void)state;
	assert_int_equal(
		record_dir_prepare(in_top("new"), false, abs, &made, &why), 0);
	assert_true(made);
	assert_string_equal(abs, in_top("new"));
	/* Now it is there, and empty. */
	assert_int_equal(
		record_dir_prepare(in_top("new"), false, abs, &made, &why), 0);
	assert_false(made);

	write_file("file", "x", 1);
	expect_refused("file", true, -ENOTDIR, "is no directory");
	expect_refused("no/such", false, -ENOENT, "above it");

	make_dir("new/ust");
	make_dir("new/ust/pid");
	write_file("new/ust/pid/data", "x", 1);
	expect_refused("new", false, -ENOTEMPTY, "--force");
	assert_int_equal(record_dir_bytes(in_top("new")), 1);
	assert_int_equal(
		record_dir_prepare(in_top("new"), true, abs, &made, &why), 0);
	assert_int_equal(access(in_top("new/ust"), F_OK), -1);

	/* Nothing but a trace is ever removed. */
	make_dir("new/ust");
	write_file("new/thesis", "x", 1);
	expect_refused("new", true, -ENOTEMPTY, "not just an older trace");
	assert_int_equal(access(in_top("new/thesis"), F_OK), 0);
	assert_int_equal(access(in_top("new/ust"), F_OK), 0);
}

static void test_dir_discard(void **state)
{
	(void)state;
	make_dir("mine");
	make_dir("mine/ust");
	record_dir_discard(in_top("mine"), false);
	assert_int_equal(access(in_top("mine"), F_OK), 0);
	record_dir_discard(in_top("mine"), true);
	assert_int_equal(access(in_top("mine"), F_OK), -1);

	/* Somebody put a file in: that and the directory stay. */
	make_dir("mine");
	write_file("mine/file", "x", 1);
	record_dir_discard(in_top("mine"), true);
	assert_int_equal(access(in_top("mine/file"), F_OK), 0);
}

/* An older trace that cannot be set aside stays, all of it. */
static void test_dir_aside_fails(void **state)
{
	static const char *const part[] = { "old", "old/1-error", "old/2-asked",
					    "old/ust" };
	bool root = !geteuid(), made;
	char abs[PATH_MAX];
	struct why why;
	int err;

	(void)state;
	for (int i = 0; i < 4; i++) {
		make_dir(part[i]);
		if (root)
			assert_int_equal(chown(in_top(part[i]), 65534, 65534),
					 0);
	}
	write_file("old/ust/data", "x", 1);
	/* Only who may write to a directory may move it to another one. */
	assert_int_equal(chmod(in_top("old/2-asked"), 0555), 0);
	assert_int_equal(chmod(top, 0711), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	err = record_dir_prepare(in_top("old"), true, abs, &made, &why);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(err, -EACCES);
	assert_non_null(strstr(why.text, "cannot be moved"));
	for (int i = 0; i < 4; i++)
		assert_int_equal(access(in_top(part[i]), F_OK), 0);
	assert_int_equal(access(in_top("old/ust/data"), F_OK), 0);
	assert_int_equal(access(in_top("old/.ringside-replaced"), F_OK), -1);
	assert_int_equal(chmod(in_top("old/2-asked"), 0755), 0);
}

/* A link that points out of the trace is removed, not what it points to. */
static void test_dir_remove_link(void **state)
{
	(void)state;
	make_dir("keep");
	write_file("keep/file", "x", 1);
	make_dir("gone");
	assert_int_equal(symlink(in_top("keep"), in_top("gone/link")), 0);
	record_dir_remove(in_top("gone"));
	assert_int_equal(access(in_top("gone"), F_OK), -1);
	assert_int_equal(access(in_top("keep/file"), F_OK), 0);
}

/* ---- the command -------------------------------------------------------- */

static int run(const char *script)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	struct why why;
	int code = -1;
	pid_t pid;

	assert_int_equal(record_command_start(argv, &pid, &why), 0);
	while (!record_command_ended(pid, &code))
		usleep(1000);
	return code;
}

static void test_command(void **state)
{
	char *no[] = { (char *)"/no/such/program", NULL };
	struct why why;
	pid_t pid;

	(void)state;
	assert_int_equal(run("exit 7"), 7);
	assert_int_equal(run("exit 0"), 0);
	assert_int_equal(run("kill -9 $$"), 137);
	assert_int_equal(record_command_start(no, &pid, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/no/such/program"));
	/* Signals that we ignore or block are not handed down. */
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(run("kill -PIPE $$"), 128 + SIGPIPE);
	/* But for what nohup(1) ignores. */
	assert_int_equal(run("kill -HUP $$"), 128 + SIGHUP);
	signal(SIGHUP, SIG_IGN);
	assert_int_equal(run("kill -HUP $$; exit 3"), 3);
	signal(SIGHUP, SIG_DFL);
}

static void read_pid(const char *name, int *pid)
{
	FILE *f = NULL;
	int got = 0;

	for (int i = 0; i < 5000 && got != 1; i++) {
		f = fopen(in_top(name), "r");
		if (f) {
			got = fscanf(f, "%d\n", pid);
			fclose(f);
		}
		usleep(2000);
	}
	assert_int_equal(got, 1);
}

/* It ignores what can be ignored, and leaves an orphan and a grandchild. */
static void test_command_end(void **state)
{
	static volatile sig_atomic_t hurry = 2;
	char script[512];
	char *argv[] = { (char *)"sh", (char *)"-c", script, NULL };
	int orphan, deaf;
	struct why why;
	pid_t pid;
	int code;

	(void)state;
	snprintf(script, sizeof(script),
		 "(sh -c 'echo $$ >%s/orphan; exec sleep 30' &);"
		 "sh -c 'trap \"\" INT TERM; echo $$ >%s/deaf; "
		 "for i in 1 2 3; do sleep 10; done' & wait",
		 top, top);
	assert_int_equal(record_command_start(argv, &pid, &why), 0);
	read_pid("orphan", &orphan);
	read_pid("deaf", &deaf);
	assert_true(record_proc_runs(orphan));
	assert_true(record_proc_runs(deaf));
	code = record_command_end(pid, SIGINT, &hurry, NULL, NULL);
	assert_true(code == 128 + SIGINT || code == 128 + SIGKILL);
	assert_false(record_proc_runs(orphan));
	assert_false(record_proc_runs(deaf));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_proc(void **state)
{
	char state_char = 0;
	siginfo_t info;
	int parent = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(record_proc_stat(getpid(), &state_char, &parent), 0);
	assert_int_equal(state_char, 'R');
	assert_int_equal(parent, getppid());
	assert_true(record_proc_runs(getpid()));
	assert_int_equal(record_proc_stat(0x7fffffff, NULL, NULL), -ESRCH);
	assert_false(record_proc_runs(0x7fffffff));

	/* Dead, though it still has a number. */
	pid = fork();
	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(record_proc_stat(pid, &state_char, NULL), 0);
	assert_false(record_proc_runs(pid));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- the parts of a trace ----------------------------------------------- */

#define PART "t/ust/pid/a-b-4242-20260101-101010"

/* An index with one packet of so many bits. */
static void write_index(uint64_t bits, uint64_t discarded)
{
	struct {
		uint32_t head[4];
		uint64_t entry[9];
	} idx = { { htobe32(0xC1F1DCC1u), htobe32(1), htobe32(1), htobe32(72) },
		  { 0 } };

	idx.entry[1] = htobe64(4096 * 8);
	idx.entry[2] = htobe64(bits);
	idx.entry[5] = htobe64(discarded);
	write_file(PART "/index/ringside_0.idx", &idx, sizeof(idx));
}

static bool part_has_data(void)
{
	struct record_part *parts;
	bool data;

	assert_int_equal(record_parts_find(in_top("t"), &parts), 1);
	assert_string_equal(parts->name, "a-b (process 4242)");
	assert_int_equal(parts->pid, 4242);
	data = record_part_has_data(parts);
	record_parts_free(parts, 1);
	return data;
}

static void test_parts(void **state)
{
	static const char packet[4096];
	struct record_summary sum;
	unsigned running = 9;

	(void)state;
	make_dir("t");
	make_dir("t/ust");
	make_dir("t/ust/pid");
	assert_null(record_check_running(in_top("t"), &running));
	assert_int_equal(running, 0);
	make_dir(PART);
	make_dir(PART "/index");
	write_file(PART "/metadata", "", 0);
	assert_false(part_has_data());
	write_file(PART "/ringside_0", packet, sizeof(packet));
	assert_true(part_has_data()); /* no index tells that it is empty */
	write_index(84 * 8, 0);
	assert_false(part_has_data());
	write_index(84 * 8, 3);
	assert_true(part_has_data());
	write_index(85 * 8, 0);
	assert_true(part_has_data());
	write_file(PART "/index/ringside_0.idx", "rubbish", 7);
	assert_true(part_has_data());

	/* Unreadable with data: told.  Without: taken away. */
	assert_int_equal(record_check(in_top("t"), NULL, 0, NULL, NULL, &sum),
			 0);
	assert_true(sum.complete);
	assert_int_equal(sum.damaged, 1);
	assert_string_equal(sum.damaged_name, "a-b (process 4242)");
	assert_int_equal(access(in_top(PART), F_OK), 0);
	write_index(84 * 8, 0);
	assert_int_equal(record_check(in_top("t"), NULL, 0, NULL, NULL, &sum),
			 0);
	assert_int_equal(sum.damaged, 0);
	assert_int_equal(sum.processes, 0);
	assert_int_equal(access(in_top(PART), F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dir_prepare),
		cmocka_unit_test(test_dir_discard),
		cmocka_unit_test(test_dir_aside_fails),
		cmocka_unit_test(test_dir_remove_link),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_command_end),
		cmocka_unit_test(test_proc),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
