/* SPDX-License-Identifier: MIT */
/*
 * What a case lives in: a desk, a ringsided, and a disk of somebody else's that
 * has to work whatever the case does.  For the main program; failures are as
 * in case.h.
 */
#ifndef TESTS_CONFORMANCE_WORLD_H
#define TESTS_CONFORMANCE_WORLD_H

#include "tests/conformance/case.h"
#include "xen/desk/control.h"

/*
 * A directory for all of it; `program` is the ringsided to run, and `log_file`
 * where what it says goes (NULL: into that directory).  0 or -errno.
 */
int world_open(const char *program, const char *log_file);
void world_close(void); /* whatever there is of it */

void world_desk_start(const void *unused);

/* ringsided with these options (a string), and the other disk connected. */
void world_daemon_start(const void *options);
/*
 * In order, with its verdict: a sanitizer finds leaks at the end.  `failed` is
 * NULL, but where it is to go for what it did.
 */
void world_daemon_stop(const void *failed);
/* It hangs: let it say where.  False: it had ended. */
bool world_daemon_abort(void);
void world_daemon_kill(void);
bool world_daemon_lives(void);
/* Its process while an answer can be expected of it, else 0. */
pid_t world_daemon(void);
const char *world_daemon_end(void); /* if not: how it ended */

/* Write to the other disk, and read that. */
void world_good_check(void);

struct desk_counters world_counters(void);
/* Wait until nothing is in use that was not `before`. */
void world_counters_back(const struct desk_counters *before);

/* A child that dies with us. */
pid_t world_child(void);

#endif
