/* SPDX-License-Identifier: MIT */
/*
 * LTTng's session daemon, kept between recordings: the next one begins sooner,
 * and programs that run all the time need not find a new daemon.
 */
#ifndef LABS_ENGINE_KEEP_H
#define LABS_ENGINE_KEEP_H

/*
 * For `ringside lab WHAT` with these arguments (argv[0] is not looked at): best
 * effort, without it all works, but later.
 *
 * A program that was there before the daemon finds it after five seconds only,
 * and a recording waits for all programs.  So where none ran this runs the
 * program anew, and then returns there.
 */
void keep_daemon(const char *what, int argc, char **argv);
void keep_end(void);

#endif
