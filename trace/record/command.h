/* SPDX-License-Identifier: MIT */
/* The command that is recorded, and everything that it starts. */
#ifndef RECORD_COMMAND_H
#define RECORD_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/why.h"

/*
 * Starts argv[0] as found in PATH, in our own process group so that the
 * terminal's Ctrl-C reaches it, with signals as they are by default; but
 * SIGHUP stays ignored where it is.  Its orphans become our children from
 * here on.
 * -ENOENT and others as execve(2) returns them.
 */
int record_command_start(char *const *argv, pid_t *pid, struct why *why);

/*
 * Whether the command has ended; then *code is its exit code as a shell
 * gives it, 128 + N after signal N.  Does not wait.
 */
bool record_command_ended(pid_t pid, int *code);

/*
 * Ends the command with everything that it started, orphans included, and
 * gives its exit code.  Sends `sig` first, unless it is 0 because they have
 * it from the terminal; then SIGTERM; then, or when *hurry exceeds 1, SIGKILL.
 * Calls meanwhile(data), unless it is NULL, all the time until they are gone.
 */
int record_command_end(pid_t pid, int sig, const volatile sig_atomic_t *hurry,
		       void (*meanwhile)(void *data), void *data);

#endif
