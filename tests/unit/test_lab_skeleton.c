/* SPDX-License-Identifier: MIT */
/*
 * From a solution to a skeleton and, step by step, back again; and what is
 * wrong in a solution, by its line.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "labs/engine/skeleton.h"

static const char solution[] = "#include <x.h>\n"
			       "\n"
			       "int f(int n)\n"
			       "{\n"
			       "\tint sum = 0;\n"
			       "\n"
			       "\t/* TODO 1/3: Add n (RG-30). */\n"
			       "\tsum += n;\n"
			       "\tif (sum)\n"
			       "\t\tsum++;\n"
			       "\t/* SKELETON: (void)n; */\n"
			       "\t/* END 1 */\n"
			       "\tlog(sum);\n"
			       "\t/*\n"
			       "\t * TODO 2/3: Give it back,\n"
			       "\t * and no more.\n"
			       "\t */\n"
			       "\treturn sum;\n"
			       "\t/* SKELETON: while (n) */\n"
			       "\t/* SKELETON:	n--; */\n"
			       "\t/* SKELETON: return 0; */\n"
			       "\t/* END 2 */\n"
			       "}\n"
			       "\n"
			       "void g(void)\n"
			       "{\n"
			       "\t/* TODO 3/3: Call f. */\n"
			       "\tf(3);\n"
			       "\t/* END 3 */\n"
			       "}\n";

static const char skeleton[] = "#include <x.h>\n"
			       "\n"
			       "int f(int n)\n"
			       "{\n"
			       "\tint sum = 0;\n"
			       "\n"
			       "\t/* TODO 1/3: Add n (RG-30). */\n"
			       "\t(void)n;\n"
			       "\tlog(sum);\n"
			       "\t/*\n"
			       "\t * TODO 2/3: Give it back,\n"
			       "\t * and no more.\n"
			       "\t */\n"
			       "\twhile (n)\n"
			       "\t\tn--;\n"
			       "\treturn 0;\n"
			       "}\n"
			       "\n"
			       "void g(void)\n"
			       "{\n"
			       "\t/* TODO 3/3: Call f. */\n"
			       "}\n";

/* What all steps filled in give: the solution without its marks. */
static const char filled[] = "#include <x.h>\n"
			     "\n"
			     "int f(int n)\n"
			     "{\n"
			     "\tint sum = 0;\n"
			     "\n"
			     "\t/* TODO 1/3: Add n (RG-30). */\n"
			     "\tsum += n;\n"
			     "\tif (sum)\n"
			     "\t\tsum++;\n"
			     "\tlog(sum);\n"
			     "\t/*\n"
			     "\t * TODO 2/3: Give it back,\n"
			     "\t * and no more.\n"
			     "\t */\n"
			     "\treturn sum;\n"
			     "}\n"
			     "\n"
			     "void g(void)\n"
			     "{\n"
			     "\t/* TODO 3/3: Call f. */\n"
			     "\tf(3);\n"
			     "}\n";

static struct why why;

static char *make(const char *name, const char *text, unsigned keep)
{
	char *out;

	if (skeleton_make(name, text, keep, &out, &why))
		fail_msg("%s", why.text);
	return out;
}

static char *fill(const char *text, const char *from, unsigned step)
{
	char *out;

	if (skeleton_fill("me.c", text, "s.c", from, step, &out, &why))
		fail_msg("%s", why.text);
	return out;
}

static void a_skeleton_has_the_marks_and_not_the_code(void **state)
{
	char *made = make("s.c", solution, 0);
	unsigned total;
	uint32_t steps;

	(void)state;
	assert_string_equal(made, skeleton);
	assert_int_equal(skeleton_steps("s.c", made, &steps, &total, &why), 0);
	assert_int_equal(steps, 7);
	assert_int_equal(total, 3);
	free(made);
}

static void answers_have_marks_of_their_own(void **state)
{
	static const char text[] = "# What it is.\n"
				   "\n"
				   "# TODO 1/1: The load.\n"
				   "ops = 7\n"
				   "/* TODO 9/9: no mark here */\n"
				   "# SKELETON: # How many?\n"
				   "# SKELETON: ops =\n"
				   "# END 1\n";
	char *made = make("answers.txt", text, 0), *out;

	(void)state;
	assert_string_equal(made, "# What it is.\n\n# TODO 1/1: The load.\n"
				  "# How many?\nops =\n");
	assert_int_equal(
		skeleton_fill("a.txt", made, "s.txt", text, 1, &out, &why), 0);
	assert_string_equal(out, "# What it is.\n\n# TODO 1/1: The load.\n"
				 "ops = 7\n/* TODO 9/9: no mark here */\n");
	free(made);
	free(out);
}

static void steps_come_back_one_by_one(void **state)
{
	static const unsigned order[][3] = { { 1, 2, 3 }, { 3, 1, 2 } };
	char *text, *next;
	unsigned i, k;

	(void)state;
	for (i = 0; i < 2; i++) {
		text = strdup(skeleton);
		for (k = 0; k < 3; k++) {
			next = fill(text, solution, order[i][k]);
			assert_string_not_equal(next, text);
			free(text);
			text = next;
		}
		assert_string_equal(text, filled);
		/* Once more changes nothing. */
		next = fill(text, solution, 2);
		assert_string_equal(next, text);
		free(next);
		free(text);
	}
}

static void what_else_a_student_wrote_stays(void **state)
{
	static const char mine[] = "/* TODO: ask somebody */\n"
				   "static int helper;\n"
				   "int f(int n)\n"
				   "{\n"
				   "\t/* TODO 1/3 add it */\n"
				   "\t/* TODO 1/3: Add n (RG-30). */\n"
				   "\thelper = n; /* TODO? */\n"
				   "\t/* END of it */\n"
				   "\t/* TODO 2/3: mine */\n"
				   "\treturn 5;\n"
				   "}\n"
				   "int last;\n";
	char *out = fill(mine, solution, 1);

	(void)state;
	assert_string_equal(out, "/* TODO: ask somebody */\n"
				 "static int helper;\n"
				 "int f(int n)\n"
				 "{\n"
				 "\t/* TODO 1/3 add it */\n"
				 "\t/* TODO 1/3: Add n (RG-30). */\n"
				 "\tsum += n;\n"
				 "\tif (sum)\n"
				 "\t\tsum++;\n"
				 "\tlog(sum);\n"
				 "\t/* TODO 2/3: mine */\n"
				 "\treturn 5;\n"
				 "}\n"
				 "int last;\n");
	free(out);
	/* A function ends where its brace is, the solution's too. */
	out = fill(mine, solution, 2);
	assert_non_null(strstr(out, "\t/* TODO 2/3: mine */\n"
				    "\treturn sum;\n"
				    "}\n"
				    "int last;\n"));
	assert_null(strstr(out, "void g"));
	free(out);
	assert_int_equal(
		skeleton_fill("me.c", mine, "s.c", solution, 3, &out, &why),
		-ESRCH);
	assert_non_null(strstr(why.text, "me.c has no comment \"TODO 3/"));
	assert_int_equal(
		skeleton_fill("me.c", mine, "s.c", solution, 4, &out, &why),
		-ENOENT);
}

static void some_steps_can_be_given_out(void **state)
{
	char *some = make("s.c", solution, 1), *out;

	(void)state;
	assert_non_null(strstr(some, "END 1"));
	assert_null(strstr(some, "return sum"));
	assert_null(strstr(some, "END 2"));
	out = fill(skeleton, some, 1);
	assert_non_null(strstr(out, "\tsum += n;\n"));
	free(out);
	assert_int_equal(
		skeleton_fill("me.c", skeleton, "s.c", some, 2, &out, &why),
		-ENOENT);
	free(some);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *words;
	} wrong[] = {
		{ " /* TODO: x */\n", "s.c:1: a TODO is written" },
		{ "\n /* TODO 1: x */\n", "s.c:2: a TODO is written" },
		{ " /* TODO 0/1: x */\n", "s.c:1: a TODO is written" },
		{ " /* TODO 1/33: x */\n", "s.c:1: a TODO is written" },
		{ " /*\n  * TODO 1: x */\n", "s.c:1: a TODO is written" },
		{ " /* TODO 2/1: x */\n", "s.c:1: this TODO's number" },
		{ "/* TODO 1/1: x */\n", "s.c:1: a TODO stands in" },
		{ " /* TODO 1/1: x */\n", "s.c:1: the last TODO has no END" },
		{ " /* TODO 1/2: x */\n /* TODO 2/2: x */\n",
		  "s.c:2: a TODO begins before" },
		{ " /* TODO 1/2: x */\n /* END 2 */\n", "s.c:2: this END" },
		{ " /* TODO 1/2: x */\n}\n", "s.c:2: the function ends" },
		{ " /* END 1 */\n", "s.c:1: there is no TODO above" },
		{ " /* END x */\n", "s.c:1: an END is written" },
		{ " /* SKELETON: x; */\n", "s.c:1: there is no TODO above" },
		{ " /* TODO 1/1: x */\n /* SKELETON: x;\n */\n",
		  "s.c:2: a SKELETON comment" },
	};
	uint32_t steps;
	unsigned total;
	char *out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (skeleton_make("s.c", wrong[i].text, 0, &out, &why) !=
		    -EINVAL)
			fail_msg("taken: %s", wrong[i].text);
		if (strncmp(why.text, wrong[i].words, strlen(wrong[i].words)))
			fail_msg("\"%s\" and not \"%s\"", why.text,
				 wrong[i].words);
	}
	assert_int_equal(skeleton_steps("s.c",
					" /* TODO 1/2: x */\n"
					" /* TODO 1/2: y */\n",
					&steps, &total, &why),
			 -EINVAL);
	assert_int_equal(skeleton_steps("s.c",
					" /* TODO 1/2: x */\n"
					" /* TODO 2/3: y */\n",
					&steps, &total, &why),
			 -EINVAL);
}

static void odd_texts_do_no_harm(void **state)
{
	static const char *const odd[] = { "",		 "\n",	   "/*",
					   " /*\n",	 " /*",	   "x",
					   " /* ",	 "*/",	   "}",
					   "\t/*\n\t *", " /* END" };
	char *out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (!skeleton_make("s.c", odd[i], 0, &out, &why))
			free(out);
		assert_int_equal(skeleton_fill("me.c", odd[i], "s.c", solution,
					       1, &out, &why),
				 -ESRCH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_skeleton_has_the_marks_and_not_the_code),
		cmocka_unit_test(answers_have_marks_of_their_own),
		cmocka_unit_test(steps_come_back_one_by_one),
		cmocka_unit_test(what_else_a_student_wrote_stays),
		cmocka_unit_test(some_steps_can_be_given_out),
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
		cmocka_unit_test(odd_texts_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
