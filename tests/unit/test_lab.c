/* SPDX-License-Identifier: MIT */
/*
 * What a lab is on disk, a student's directory and its state: each word that
 * counts, and the sentence for each that is wrong.  Skeletons have a test of
 * their own (test_lab_skeleton.c).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "labs/engine/file.h"
#include "labs/engine/kit.h"
#include "labs/engine/record.h"
#include "labs/engine/solution.h"
#include "labs/engine/start.h"
#include "labs/engine/submit.h"

static char *top; /* a ROOT, and beside it what a test makes */
static struct lab_root *root;
static struct why why;

static const char good_ini[] = "[lab]\n"
			       "title = The ring\n"
			       "minutes = 120\n"
			       "files = back.c\n"
			       "replaces = src/ring/back.c\n"
			       "needs = 1, 3\n"
			       "[limits]\n"
			       "seconds = 5\n"
			       "memory = 2G\n"
			       "[predict few]\n"
			       "ask = How many?\n"
			       "run = front --rw read\n"
			       "of = front ring.wakeups\n";

static const char solution[] = "int f(void)\n"
			       "{\n"
			       "\t/* TODO 1/1: Return one. */\n"
			       "\treturn 1;\n"
			       "\t/* SKELETON: return 0; */\n"
			       "\t/* END 1 */\n"
			       "}\n";

static char *in_top(const char *name)
{
	static char path[4][512];
	static unsigned turn;
	char *to = path[turn++ % 4];

	snprintf(to, sizeof(path[0]), "%s/%s", top, name);
	return to;
}

static void put(const char *name, const char *text)
{
	char *path = in_top(name), *slash = strrchr(path, '/');

	*slash = '\0';
	assert_int_equal(file_mkdirs(path, &why), 0);
	*slash = '/';
	assert_int_equal(file_write(path, text, &why), 0);
}

static char *get(const char *name)
{
	static char text[4096];
	char *all;

	if (file_read(in_top(name), &all, &why))
		fail_msg("%s", why.text);
	snprintf(text, sizeof(text), "%s", all);
	free(all);
	return text;
}

static int begin(void **state)
{
	(void)state;
	assert_int_equal(file_scratch("test", &top, &why), 0);
	put("lib/link.flags", "-pthread  -l:liba.so.1\n-l:libb.so.2\n");
	put("labs/05-ring/lab.ini", good_ini);
	put("labs/05-ring/solution/back.c", solution);
	put("labs/05-ring/skeleton/back.c", "int f(void)\n{\n}\n");
	put("labs/05-ring/README.md", "See [rules](../../docs/protocol.md).\n");
	put("labs/05-ring/INSTRUCTOR.md", "secret\n");
	put("labs/05-ring/hints/1.md", "Look.\n");
	put("labs/05-ring/hints/2.md", "Look there.\n");
	put("labs/template/lab.ini", "[lab]\ntitle = T\nminutes = 1\n"
				     "files = a.c\n");
	put("labs/no-lab/README.md", "");
	assert_int_equal(lab_root_open(top, &root, &why), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	lab_root_free(root);
	file_tree_remove(top);
	free(top);
	return 0;
}

static struct lab *load(const char *which)
{
	struct lab *lab;

	if (lab_load(root, which, &lab, &why))
		fail_msg("%s", why.text);
	return lab;
}

static void said(const char *words)
{
	if (!strstr(why.text, words))
		fail_msg("\"%s\" and not \"%s\"", why.text, words);
}

/* ---- ROOT ---------------------------------------------------------------- */

static void a_root_is_known_by_what_is_in_it(void **state)
{
	struct lab_root *other;
	char **flags;

	(void)state;
	assert_int_equal(lab_root_open(in_top("labs"), &other, &why), -EINVAL);
	said("holds no labs");
	assert_int_equal(lab_root_link_flags(root, &flags, &why), 0);
	assert_string_equal(flags[0], "-pthread");
	assert_string_equal(flags[1], "-l:liba.so.1");
	assert_string_equal(flags[2], "-l:libb.so.2");
	assert_null(flags[3]);
	free(flags);

	setenv("RINGSIDE_LABS", top, 1);
	assert_int_equal(lab_root_find(&other, &why), 0);
	assert_string_equal(other->dir, root->dir);
	lab_root_free(other);
	setenv("RINGSIDE_LABS", "/nowhere", 1);
	assert_int_equal(lab_root_find(&other, &why), -EINVAL);
	unsetenv("RINGSIDE_LABS");
}

/* ---- lab.ini ------------------------------------------------------------- */

static void a_lab_has_all_that_its_file_says(void **state)
{
	struct lab *lab = load("ring");
	const struct lab_prediction *p;

	(void)state;
	assert_int_equal(lab->number, 5);
	assert_string_equal(lab->id, "05-ring");
	assert_string_equal(lab->title, "The ring");
	assert_int_equal(lab->minutes, 120);
	assert_int_equal(lab->files, 1);
	assert_string_equal(lab->file[0], "back.c");
	assert_string_equal(lab->replaces, "src/ring/back.c");
	assert_int_equal(lab->needs, 2);
	assert_int_equal(lab->need[1], 3);
	assert_int_equal(lab->limit.seconds, 5);
	assert_true(lab->limit.memory_bytes == 2ull << 30);
	assert_int_equal(lab_hints(lab), 2);
	assert_true(lab_has_solution(lab));
	p = lab_prediction_find(lab, "few");
	assert_non_null(p);
	assert_string_equal(p->of, "front ring.wakeups");
	assert_string_equal(p->unit, "");
	assert_null(lab_prediction_find(lab, "many"));
	lab_free(lab);

	lab = load("template");
	assert_int_equal(lab->number, LAB_NO_NUMBER);
	assert_null(lab->replaces);
	assert_null(lab->trace_run);
	assert_int_equal(lab->limit.seconds, 60);
	assert_int_equal(lab_hints(lab), 0);
	lab_free(lab);
}

static void a_lab_is_named_in_four_ways(void **state)
{
	static const char *const names[] = { "5", "05", "ring", "05-ring" };
	struct lab_list list;
	struct lab *lab;
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		lab = load(names[i]);
		assert_string_equal(lab->id, "05-ring");
		lab_free(lab);
	}
	assert_int_equal(lab_load(root, "6", &lab, &why), -ENOENT);
	said("05-ring, template");
	assert_int_equal(lab_load(root, "", &lab, &why), -ENOENT);
	assert_int_equal(lab_load(root, "no-lab", &lab, &why), -ENOENT);
	assert_int_equal(lab_load(root, "../labs/05-ring", &lab, &why),
			 -ENOENT);
	assert_int_equal(lab_list_load(root, &list, &why), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.lab[0]->id, "05-ring");
	lab_list_free(&list);
}

static void what_is_wrong_in_a_file_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *words;
	} wrong[] = {
		{ "[lab]\ntitel = x\n",
		  "lab.ini:2: there is no key \"titel\"" },
		{ "[lab]\nminutes = 0\n", "lab.ini:2: a number from 1 to 600" },
		{ "[lab]\n\nfiles = ../x.c\n", "lab.ini:3: \"../x.c\" is not" },
		{ "[lab]\nfiles = .x\n", "lab.ini:2: \".x\" is not" },
		{ "[lab]\nfiles = a b c d e\n", "lab.ini:2: 4 files" },
		{ "[lab]\ntitle =\n", "lab.ini:2: a title" },
		{ "[lab]\ntitle = a\ntitle = b\n", "lab.ini:3: this was said" },
		{ "[lab]\nreplaces = ring/back.c\n", "lab.ini:2: \"ring/" },
		{ "[lab]\nreplaces = src/../x.c\n", "lab.ini:2: \"src/.." },
		{ "[lab]\nneeds = ring\n", "lab.ini:2: the numbers of labs" },
		{ "[limits]\nmemory = 1k\n", "lab.ini:2: a size from 64M" },
		{ "[limits]\nseconds = 9999\n", "lab.ini:2: a number from 1" },
		{ "[predict a b]\nask = x\n", "lab.ini:2: [predict a b]" },
		{ "[predict a]\nanswer = 5\n", "lab.ini:2: [predict] has" },
		{ "[trace]\nrun = case x\n", "lab.ini:2: what is recorded" },
		{ "some words\n", "lab.ini:1: this is neither" },
		{ "", "[lab] has no \"title\"" },
		{ "[lab]\ntitle = a\nminutes = 1\n", "[lab] has no \"files\"" },
		{ "[lab]\ntitle = a\nminutes = 1\nfiles = a.c\n"
		  "[predict q]\nask = x\nrun = y\n",
		  "[predict q] has no \"of\"" },
	};
	struct lab *lab;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put("labs/05-ring/lab.ini", wrong[i].text);
		assert_int_equal(lab_load(root, "5", &lab, &why), -EINVAL);
		said(wrong[i].words);
	}
}

/* ---- solutions and mutants ------------------------------------------------
 */

static void mutants_differ_from_the_solution(void **state)
{
	struct lab *lab = load("5");
	char **names;

	(void)state;
	assert_int_equal(lab_mutants(lab, &names, &why), 0);
	assert_null(names[0]);
	free(names);
	put("labs/05-ring/mutants/two.sed", "s/return 1/return 2/\n");
	put("labs/05-ring/mutants/same.sed", "s/return 9/return 2/\n");
	put("labs/05-ring/mutants/bad.sed", "}\n");
	put("labs/05-ring/mutants/other.c", "int f;\n");
	put("labs/05-ring/mutants/folder/back.c", "int g;\n");
	assert_int_equal(lab_mutants(lab, &names, &why), 0);
	assert_string_equal(names[0], "bad");
	assert_string_equal(names[1], "folder");
	assert_string_equal(names[4], "two");
	assert_null(names[5]);
	free(names);

	assert_int_equal(file_mkdirs(in_top("to"), &why), 0);
	assert_int_equal(lab_solution_copy(lab, in_top("to"), &why), 0);
	assert_string_equal(get("to/back.c"), solution);
	assert_int_equal(lab_mutant_copy(lab, "two", in_top("to"), &why), 0);
	assert_non_null(strstr(get("to/back.c"), "return 2"));
	assert_int_equal(lab_mutant_copy(lab, "other", in_top("to"), &why), 0);
	assert_string_equal(get("to/back.c"), "int f;\n");
	assert_int_equal(lab_mutant_copy(lab, "folder", in_top("to"), &why), 0);
	assert_string_equal(get("to/back.c"), "int g;\n");
	assert_int_equal(lab_mutant_copy(lab, "same", in_top("to"), &why),
			 -EINVAL);
	said("changes nothing");
	assert_int_equal(lab_mutant_copy(lab, "bad", in_top("to"), &why),
			 -EINVAL);
	said("no script");
	assert_int_equal(lab_mutant_copy(lab, "none", in_top("to"), &why),
			 -ENOENT);
	put("labs/05-ring/x.c", "");
	assert_int_equal(
		lab_mutant_copy(lab, "folder/../../x", in_top("to"), &why),
		-ENOENT);
	lab_free(lab);
}

/* ---- a student's directory --------------------------------------------------
 */

static struct lab_work *start(const char *dir)
{
	struct lab_work *w;

	if (lab_work_start(load("5"), in_top(dir), &w, &why))
		fail_msg("%s", why.text);
	return w;
}

static void a_start_gives_what_is_for_students(void **state)
{
	struct lab_work *w = start("me/ring");
	char text[600];
	struct lab *lab;

	(void)state;
	assert_string_equal(get("me/ring/back.c"), "int f(void)\n{\n}\n");
	snprintf(text, sizeof(text), "See [rules](%s/docs/protocol.md).\n",
		 root->dir);
	assert_string_equal(get("me/ring/README.md"), text);
	assert_false(file_is_there(in_top("me/ring/INSTRUCTOR.md")));
	assert_false(file_is_dir(in_top("me/ring/solution")));
	lab_work_free(w);

	/* Never over what is there, and nothing beside it. */
	lab = load("5");
	assert_int_equal(lab_work_start(lab, in_top("me/ring"), &w, &why),
			 -EEXIST);
	put("other/back.c", "mine\n");
	assert_int_equal(lab_work_start(lab, in_top("other"), &w, &why),
			 -EEXIST);
	said("other/back.c is there already");
	assert_false(file_is_there(in_top("other/README.md")));
	assert_string_equal(get("other/back.c"), "mine\n");
	lab_free(lab);
	lab = load("template");
	assert_int_equal(lab_work_start(lab, in_top("t"), &w, &why), -ENOENT);
	said("make labs");
	lab_free(lab);
}

static void a_state_is_kept(void **state)
{
	struct lab_work *w = start("me");
	const char *explain;
	double value;
	unsigned i;

	(void)state;
	assert_int_equal(lab_work_hints(w), 0);
	assert_null(lab_work_last(w, "grades"));
	lab_work_hint_note(w, 1);
	lab_work_hint_note(w, 3);
	lab_work_hint_note(w, 3);
	lab_work_catchup_note(w, 32);
	lab_work_prediction_note(w, "few", 0.1, "since so");
	for (i = 0; i < 60; i++) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "points",
				       json_object_new_int((int)i));
		lab_work_note(w, "grades", o);
	}
	assert_int_equal(lab_work_save(w, &why), 0);
	lab_work_free(w);

	assert_int_equal(lab_work_open(root, in_top("me"), &w, &why), 0);
	assert_string_equal(w->lab->id, "05-ring");
	assert_int_equal(lab_work_hints(w), 5);
	assert_true(lab_work_catchups(w) == 1u << 31);
	assert_true(lab_work_prediction(w, "few", &value, &explain));
	assert_true(value == 0.1);
	assert_string_equal(explain, "since so");
	assert_false(lab_work_prediction(w, "many", &value, &explain));
	assert_false(lab_work_measured(w, "few"));
	assert_int_equal(json_object_array_length(
				 json_object_object_get(w->state, "grades")),
			 50);
	assert_int_equal(json_object_get_int(json_object_object_get(
				 lab_work_last(w, "grades"), "points")),
			 59);
	lab_work_free(w);
}

static void a_directory_is_found_from_below(void **state)
{
	struct lab_work *w = start("me");
	char here[4096];

	(void)state;
	lab_work_free(w);
	assert_non_null(getcwd(here, sizeof(here)));
	put("me/out/deep/x", "");
	assert_int_equal(chdir(in_top("me/out/deep")), 0);
	assert_int_equal(lab_work_open(root, NULL, &w, &why), 0);
	assert_string_equal(strrchr(w->dir, '/'), "/me");
	lab_work_free(w);
	assert_int_equal(chdir(in_top("lib")), 0);
	assert_int_equal(lab_work_open(root, NULL, &w, &why), -ENOENT);
	said("ringside lab start");
	assert_int_equal(chdir(here), 0);
	assert_int_equal(lab_work_open(root, in_top("me/out"), &w, &why),
			 -ENOENT);
}

static void a_state_that_is_none_is_told(void **state)
{
	static const struct {
		const char *text, *words;
	} wrong[] = {
		{ "", "no JSON object" },
		{ "[1]", "no JSON object" },
		{ "{\"lab\": 5}", "names no lab" },
		{ "{}", "names no lab" },
		{ "{\"lab\": \"09-none\"}", "no lab \"09-none\"" },
	};
	struct lab_work *w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put("me/.lab/state.json", wrong[i].text);
		assert_int_equal(lab_work_open(root, in_top("me"), &w, &why),
				 -EINVAL);
		said(wrong[i].words);
	}
	/* Other things in it than we write are nothing. */
	put("me/.lab/state.json",
	    "{\"lab\": \"05-ring\", \"hints\": [3, null, {\"n\": 99}],"
	    " \"predictions\": {\"few\": 3}, \"grades\": 7,"
	    " \"measures\": [{\"name\": null}, 5]}");
	assert_int_equal(lab_work_open(root, in_top("me"), &w, &why), 0);
	assert_int_equal(lab_work_hints(w), 0);
	assert_false(lab_work_measured(w, "few"));
	assert_null(lab_work_last(w, "grades"));
	lab_work_hint_note(w, 2);
	assert_int_equal(lab_work_hints(w), 2);
	lab_work_note(w, "grades", json_object_new_object());
	assert_non_null(lab_work_last(w, "grades"));
	lab_work_free(w);
}

static void what_is_handed_in_is_remarked_upon(void **state)
{
	struct lab_work *w = start("me");
	struct json_object *o;

	(void)state;
	assert_int_equal(lab_submit_make(w, in_top("in.tar.gz"), &why), 0);
	assert_true(file_is_there(in_top("in.tar.gz")));
	lab_submit_remark(w, &why);
	said("never graded");
	o = json_object_new_object();
	json_object_object_add(o, "points", json_object_new_int(40));
	json_object_object_add(o, "of", json_object_new_int(100));
	lab_work_note(w, "grades", o);
	lab_submit_remark(w, &why);
	said("40 of 100");
	json_object_object_add(o, "at", json_object_new_int64(1));
	lab_submit_remark(w, &why);
	said("changed since");
	/* What is no text is not handed in. */
	assert_int_equal(unlink(in_top("me/back.c")), 0);
	assert_int_equal(lab_submit_make(w, in_top("no.tar.gz"), &why),
			 -ENOENT);
	assert_int_equal(symlink("/dev/zero", in_top("me/back.c")), 0);
	assert_int_equal(lab_submit_make(w, in_top("no.tar.gz"), &why),
			 -EINVAL);
	assert_false(file_is_there(in_top("no.tar.gz")));
	lab_work_free(w);
}

static void a_kit_cannot_make_kits(void **state)
{
	struct lab *lab = load("5");

	(void)state;
	assert_int_equal(lab_kit_make(lab, in_top("kit.tar.gz"), &why),
			 -ENOENT);
	said("is a kit itself");
	assert_false(lab_student_kit("solution"));
	assert_false(lab_student_kit("mutants"));
	assert_false(lab_student_kit("INSTRUCTOR.md"));
	assert_false(lab_student_kit("answers-2026.md"));
	assert_true(lab_student_kit("hints"));
	assert_true(lab_student_kit("handshake.svg"));
	lab_free(lab);
}

static void random_numbers_are_filled_in(void **state)
{
	char *text;
	unsigned i, n, seen = 0;

	(void)state;
	for (i = 0; i < 200; i++) {
		text = lab_random_fill("--ops=@RANDOM(2,4)@ -x @RANDOM(7,7)@k");
		assert_non_null(text);
		assert_int_equal(sscanf(text, "--ops=%u -x 7k", &n), 1);
		assert_in_range(n, 2, 4);
		seen |= 1u << n;
		free(text);
	}
	assert_int_equal(seen, 0x1c);
	assert_null(lab_random_fill("@RANDOM(4,2)@"));
	assert_null(lab_random_fill("@RANDOM(4)@"));
	assert_null(lab_random_fill("@RANDOM(2,4)"));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(a_root_is_known_by_what_is_in_it),
		CASE(a_lab_has_all_that_its_file_says),
		CASE(a_lab_is_named_in_four_ways),
		CASE(what_is_wrong_in_a_file_is_told_with_its_line),
		CASE(mutants_differ_from_the_solution),
		CASE(a_start_gives_what_is_for_students),
		CASE(a_state_is_kept),
		CASE(a_directory_is_found_from_below),
		CASE(a_state_that_is_none_is_told),
		CASE(what_is_handed_in_is_remarked_upon),
		CASE(a_kit_cannot_make_kits),
		CASE(random_numbers_are_filled_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
