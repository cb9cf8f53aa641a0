/* SPDX-License-Identifier: MIT */
/* ringside lab: the labs of the course, as a table of subcommands. */
#include <stdio.h>
#include <string.h>

#include "tool/commands.h"
#include "tool/lab_commands.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
};

static const struct command student_list[] = {
	{ "list", lab_cmd_list, "the labs that there are" },
	{ "doctor", lab_cmd_doctor, "is this machine ready for them?" },
	{ "start", lab_cmd_start, "begin a lab in a directory of yours" },
	{ "grade", lab_cmd_grade, "build, run and judge what you wrote" },
	{ "watch", lab_cmd_watch, "the same whenever you save it" },
	{ "build", lab_cmd_build,
	  "the ringsided that a grade runs, in a file" },
	{ "hint", lab_cmd_hint, "one of the lab's hints" },
	{ "predict", lab_cmd_predict, "say a number before it is measured" },
	{ "measure", lab_cmd_measure, "what you predicted, measured" },
	{ "catchup", lab_cmd_catchup, "have steps filled in, to go on" },
	{ "submit", lab_cmd_submit, "pack what is handed in" },
};

static const struct command teacher_list[] = {
	{ "kit", lab_cmd_kit, "pack what students get" },
	{ "skeleton", lab_cmd_skeleton, "a solution without its steps" },
};

/* What the grader calls and nobody else. */
static const struct command own_list[] = {
	{ "confined", lab_cmd_confined, "stand in for a student's ringsided" },
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void list_print(FILE *to, const struct command *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		fprintf(to, "  %-9s %s\n", list[i].name, list[i].what);
}

static void help_print(FILE *to)
{
	fprintf(to, "Usage: ringside lab COMMAND [OPTION...]\n\n"
		    "Write a layer of the backend, and see it run in the real "
		    "one.\n\n");
	list_print(to, student_list, COUNT(student_list));
	fprintf(to, "\nFor teachers:\n\n");
	list_print(to, teacher_list, COUNT(teacher_list));
	fprintf(to,
		"\n\"ringside lab COMMAND --help\" tells the options of one; "
		"ringside-lab(1) tells more.\n");
}

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(student_list); i++)
		if (!strcmp(name, student_list[i].name))
			return &student_list[i];
	for (i = 0; i < COUNT(teacher_list); i++)
		if (!strcmp(name, teacher_list[i].name))
			return &teacher_list[i];
	for (i = 0; i < COUNT(own_list); i++)
		if (!strcmp(name, own_list[i].name))
			return &own_list[i];
	return NULL;
}

int cmd_lab(int argc, char **argv)
{
	const struct command *c;
	char name[64];

	if (argc < 2) {
		help_print(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") ||
	    !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help_print(stdout);
		return 0;
	}
	c = find(argv[1]);
	if (!c) {
		fprintf(stderr,
			"ringside lab: there is no command \"%s\"; \"ringside "
			"lab --help\" lists them\n",
			argv[1]);
		return 2;
	}
	snprintf(name, sizeof(name), "ringside lab %s", c->name);
	argv[1] = name;
	return c->run(argc - 1, argv + 1);
}
