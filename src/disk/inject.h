/* SPDX-License-Identifier: MIT */
/*
 * A layer on top of any storage that makes it slow, wrong or failing by rules
 * (inject_parse.h), and holds it to limits: for teaching, and for tests of
 * what lies above.
 *
 *   delay    the operation is held back before the storage gets it
 *   errno    the storage never gets it
 *   short    the first half is transferred, and then it fails with -EIO, as
 *            short transfers do here
 *   reorder  it goes to the storage behind the next one that comes within
 *            INJECT_REORDER_NS
 *   corrupt  a byte of what was read is changed, or of what the storage
 *            keeps; never in the guest's own memory that it only reads
 *
 * Limits are the disk's, for all its queues.  Rates are by a generator that
 * begins anew with each queue, so a run can be repeated.
 *
 * What was done to an operation is told in it (op->injected), for a trace.
 */
#ifndef DISK_INJECT_H
#define DISK_INJECT_H

#include "disk/disk.h"
#include "disk/inject_parse.h"

#define INJECT_REORDER_NS 10000000u

/* Bits of op->injected. */
enum disk_injected {
	DISK_INJECTED_DELAY = 1,
	DISK_INJECTED_ERROR = 2,
	DISK_INJECTED_SHORT = 4,
	DISK_INJECTED_REORDER = 8,
	DISK_INJECTED_CORRUPT = 16,
	DISK_INJECTED_LIMIT = 32,
};

/* Takes `inner`, also on failure.  Errors and the sentence as disk_open. */
int disk_inject_open(struct disk *inner, const struct inject_rules *rules,
		     struct disk **out, struct why *why);

#define DISK_INJECTED_WORDS 64u

/* What the bits mean, as words with "," between them. */
void disk_injected_words(unsigned injected, char words[DISK_INJECTED_WORDS]);

#endif
