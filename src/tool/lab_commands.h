/* SPDX-License-Identifier: MIT */
/*
 * The subcommands of `ringside lab`.  argv[0] is "ringside lab NAME".  What
 * they return is the exit code: 0, 1 (the answer is no), 2 (usage), 3 (cannot
 * tell).  The short ones are in cmd_lab.c's neighbours lab_*.c.
 */
#ifndef TOOL_LAB_COMMANDS_H
#define TOOL_LAB_COMMANDS_H

int lab_cmd_build(int argc, char **argv);
int lab_cmd_catchup(int argc, char **argv);
int lab_cmd_confined(int argc, char **argv); /* for the grader itself */
int lab_cmd_doctor(int argc, char **argv);
int lab_cmd_grade(int argc, char **argv);
int lab_cmd_hint(int argc, char **argv);
int lab_cmd_kit(int argc, char **argv);
int lab_cmd_list(int argc, char **argv);
int lab_cmd_measure(int argc, char **argv);
int lab_cmd_predict(int argc, char **argv);
int lab_cmd_skeleton(int argc, char **argv);
int lab_cmd_start(int argc, char **argv);
int lab_cmd_submit(int argc, char **argv);
int lab_cmd_watch(int argc, char **argv);

#endif
