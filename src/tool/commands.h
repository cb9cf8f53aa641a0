/* SPDX-License-Identifier: MIT */
/*
 * The subcommands of ringside, one file each (cmd_NAME.c).  argv[0] is
 * "ringside NAME".  What they return is the exit code: 0, 1 (the answer is
 * no), 2 (usage), 3 (cannot tell).
 */
#ifndef TOOL_COMMANDS_H
#define TOOL_COMMANDS_H

int cmd_attach(int argc, char **argv);
int cmd_desk(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_eject(int argc, char **argv);
int cmd_front(int argc, char **argv);
int cmd_host(int argc, char **argv);
int cmd_insert(int argc, char **argv);
int cmd_lab(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_top(int argc, char **argv);

/* Any of them: argv[1] names it. */
int tool_run(int argc, char **argv);

#endif
