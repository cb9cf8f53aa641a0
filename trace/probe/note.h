/* SPDX-License-Identifier: MIT */
/* The USDT probes that a program or library says it has. */
#ifndef PROBE_NOTE_H
#define PROBE_NOTE_H

#include <stdbool.h>

#include "trace/desc.h"

struct probe_kinds {
	bool has[EV_KIND_COUNT];
	unsigned count;
};

/*
 * Which kinds of the catalogue have a probe in the ELF file at `path`: their
 * number, 0 also where it is of another machine or has none.  -errno if it
 * cannot be read, -ENOEXEC if it is no ELF file.
 */
int probe_notes_read(const char *path, struct probe_kinds *kinds);

#endif
