/* SPDX-License-Identifier: MIT */
/*
 * LTTng's session daemon, kept between recordings: the next one begins sooner,
 * and programs that run all the time need not find a new daemon.
 */
#ifndef LABS_ENGINE_KEEP_H
#define LABS_ENGINE_KEEP_H

/* Best effort: without it all works, but later. */
void keep_daemon(void);
void keep_end(void);

#endif
