/* SPDX-License-Identifier: MIT */
/* The command that is recorded, and everything that it starts. */
#ifndef RECORD_COMMAND_H
#define RECORD_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/why.h"

/*
 * Starts argv[0] as found in PATH, in our own process group so that the
 * terminal's Ctrl-C reaches it, with signals as they are by default.  Its
 * orphans become our children from here on.
 * -ENOENT and others as execve(2) returns them.
 */
int record_command_start(char *const *argv, pid_t *pid, struct why *why);

/*
 * Whether the command has ended; then *code is its exit code as a shell
 * gives it, 128 + N after signal N.  Does not wait.
 */
bool record_command_ended(pid_t pid, int *code);

/* Sends a signal to every process below this one, orphans included. */
void record_command_signal(int sig);

/* Whether any process below this one is left; collects those that ended. */
bool record_command_left(void);

#endif
