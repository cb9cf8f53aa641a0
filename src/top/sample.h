/* SPDX-License-Identifier: MIT */
/*
 * What all disks of a ringsided have counted at one moment.  This is the one
 * place that asks anybody for it: rates.h and what shows them know only this
 * struct, whatever it was read from.
 */
#ifndef TOP_SAMPLE_H
#define TOP_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "frontend/vdev.h"
#include "top/file.h"

struct top_disk {
	struct top_file file; /* owned */
	char name[FRONT_VDEV_NAME_MAX];
	uint64_t at_ns; /* CLOCK_MONOTONIC, when it was read */
};

struct top_sample {
	uint64_t at_ns;
	uint32_t daemon_pid; /* 0: no ringsided runs there */
	bool stopped;	     /* its process is, by a signal or a debugger */
	unsigned broken;     /* files that are no statistics */
	unsigned ndisks;
	struct top_disk *disks; /* by domain and device; owned */
};

/*
 * Read all below `dir`, a desk or where the daemon's --stats are.  A directory
 * that is not there has no daemon and no disks.  0 or -ENOMEM; what was given
 * is freed by top_sample_free().
 */
int top_sample_read(const char *dir, struct top_sample *s);
void top_sample_free(struct top_sample *s);

#endif
