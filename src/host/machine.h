/* SPDX-License-Identifier: MIT */
/*
 * A Xen host in QEMU.  It lives in a directory:
 *
 *	qemu.pid      its process, which holds a lock on it
 *	qemu.log      what QEMU said
 *	console.log   what Xen and dom0 said on the serial console
 *	portN.sock    where QEMU serves a port of the agent (link.h)
 *	portN.lock    held by who uses that port
 *	up.lock       held by who starts it
 *
 * Its disks are snapshots: what dom0 writes is gone with it.
 */
#ifndef HOST_MACHINE_H
#define HOST_MACHINE_H

#include <stdbool.h>

#include "base/why.h"

struct machine_options {
	const char *images;   /* the directory of images.h */
	const char *programs; /* a tar file that is laid over dom0's root */
	unsigned memory_mib;  /* of the whole host */
	unsigned dom0_mib;
	unsigned cpus;
	unsigned patience_s; /* until dom0's agent answers */
};

/*
 * Boot one and wait until dom0's agent answers, with progress on stderr.
 * 0 or -errno with a sentence: -EBUSY (one runs in `dir` already), -ENOENT
 * (no QEMU), -EINTR after SIGINT, SIGTERM or SIGHUP.  On failure nothing
 * of it is left but the logs.
 */
int machine_up(const char *dir, const struct machine_options *o,
	       struct why *why);

/*
 * End it, orderly or not.  0 or -errno with a sentence: -ENOENT (none runs
 * there), -EBUSY (it does not end).
 */
int machine_down(const char *dir, struct why *why);

bool machine_runs(const char *dir);

#endif
