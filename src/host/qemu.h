/* SPDX-License-Identifier: MIT */
/* The process of a host: its command line, and how it starts. */
#ifndef HOST_QEMU_H
#define HOST_QEMU_H

#include "base/why.h"
#include "host/machine.h"

/*
 * Start it in `dir`, and return when it runs as a daemon.  0 or -errno with a
 * sentence: -ENOENT (there is no QEMU), -EIO (it did not start, and why).
 */
int qemu_start(const char *dir, const struct machine_options *o,
	       struct why *why);

#endif
