/* SPDX-License-Identifier: MIT */
/*
 * A trace comes from anywhere, and the libraries that decode and draw were
 * seen to hang on metadata that are cut short.  So `ringside show` does its
 * work in a second process (a fresh one: nothing of a threaded parent is
 * carried along), and the first one watches: if the worker crashes or stands
 * still for too long, the user reads one sentence and gets exit code 2.
 *
 * The two share one page: a beat that the worker advances wherever it makes
 * progress, and a word about what it is doing.  Temporary files go to one
 * directory that the watcher made and removes whatever happened.
 */
#ifndef VIZ_GUARD_H
#define VIZ_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_PATIENCE_S 60

/* True in the worker; then guard_join() first. */
bool guard_is_worker(void);

/* Worker: attach to the shared page, bound the memory, die with the watcher. */
void guard_join(void);

/*
 * Watcher: run this program again with the same arguments as a worker and
 * wait.  Returns the exit code to leave with.  A signal that ends the watcher
 * ends the worker and removes its files first.
 */
int guard_watch(int argc, char **argv);

/*
 * Worker: from here on the watcher passes the first SIGINT on and waits, for
 * the worker ends by itself then.
 */
void guard_heed_interrupt(void);

/* Worker: something moved.  Free of charge; does nothing without a watcher. */
void guard_beat(void);

/* The same with a count, shown on a terminal where reading takes long. */
void guard_progress(const char *doing, uint64_t count);

/*
 * A directory for temporary files.  0 or -errno; borrowed.  Without a watcher
 * it is made on the first call, and guard_tmp_remove() is the caller's duty.
 */
int guard_tmp(const char **path);
void guard_tmp_remove(void);

#endif
