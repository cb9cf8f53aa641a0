/* SPDX-License-Identifier: MIT */
/*
 * BPF programs on a driver of Linux, and the ring buffer in which they leave
 * what they saw.  Where ringside was built without what BPF programs need,
 * kernel_reader_open() says so, and nothing else is ever called (absent.c).
 */
#ifndef KERNEL_READER_H
#define KERNEL_READER_H

#include "base/why.h"
#include "trace/kernel/driver.h"

struct kernel_reader;

/* Called with each; what is not 0 ends kernel_reader_poll(). */
typedef int (*kernel_raw_fn)(const struct raw_head *raw, size_t len,
			     void *user);

/*
 * Loads the programs that are wanted at this level and whose functions this
 * kernel has, with a ring buffer of ring_bytes, a power of two and a page at
 * least, and sets them to work.  there[i] says whether driver->hook[i] can be
 * looked at.  Gives *reader on 0. -ENOSYS: not built in.  -EPERM: no rights.
 * -ENODEV: no such driver here. -ENOTSUP: not by this kernel.
 */
int kernel_reader_open(struct kernel_reader **reader,
		       const struct kernel_driver *driver, enum ev_level level,
		       uint64_t ring_bytes, bool *there, kernel_raw_fn each,
		       void *user, struct why *why);

/*
 * Waits until the ring buffer fills, but ms milliseconds at most, and reads
 * what is there.  0, or 1 where that was so much that there is more, so that
 * who fills it faster than it is read keeps nobody here; or what a call
 * returned, or -errno.
 */
int kernel_reader_poll(struct kernel_reader *reader, int ms);

/* Takes the programs away; what they left can still be read. */
void kernel_reader_detach(struct kernel_reader *reader);

/* How often something was seen for which there was no room, or no time. */
uint64_t kernel_reader_lost(struct kernel_reader *reader);

/* NULL is nothing. */
void kernel_reader_close(struct kernel_reader *reader);

#endif
