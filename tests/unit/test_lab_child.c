/* SPDX-License-Identifier: MIT */
/* What the grader runs in a fork of itself instead of a program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "labs/engine/child.h"
#include "tests/unit/viz_rig.h"

static int say(int argc, char **argv)
{
	printf("%d %s", argc, argv[1]);
	if (!strcmp(argv[1], "exit"))
		exit(3);
	return 7;
}

static const char *run(const char *word, struct text *said, int *status)
{
	char *argv[] = { (char *)"say", (char *)(uintptr_t)word, NULL };
	struct child c = CHILD_INIT;

	c.argv = argv;
	c.program = say;
	assert_int_equal(child_run(&c, 20, said, NULL, status, NULL), 0);
	assert_true(WIFEXITED(*status));
	return text_str(said);
}

static void test_returns(void **state)
{
	struct text said = { 0 };
	int status;

	(void)state;
	assert_string_equal(run("return", &said, &status), "2 return");
	assert_int_equal(WEXITSTATUS(status), 7);
	text_free(&said);
}

static void at_exit(void)
{
	if (write(STDOUT_FILENO, " again", 6) < 0)
		_exit(9);
}

/* Whatever the process has for its own end is not the fork's. */
static void test_exits(void **state)
{
	struct text said = { 0 };
	int status;

	(void)state;
	atexit(at_exit);
	assert_string_equal(run("exit", &said, &status), "2 exit");
	assert_int_equal(WEXITSTATUS(status), 3);
	text_free(&said);
}

/* What we have not written yet is not written by the fork as well. */
static void test_stream(void **state)
{
	struct text said = { 0 };
	char line[64] = "";
	FILE *f = tmpfile();
	int status;

	(void)state;
	assert_non_null(f);
	fputs("once", f);
	run("return", &said, &status);
	rewind(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "once");
	text_free(&said);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_returns),
		cmocka_unit_test(test_exits),
		cmocka_unit_test(test_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
