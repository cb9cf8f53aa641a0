/* SPDX-License-Identifier: MIT */
/*
 * The functions of the kernel that are looked at, and the kinds of events that
 * each gives.  Not every kernel has all of them: compilers take functions away.
 */
#ifndef KERNEL_HOOKS_H
#define KERNEL_HOOKS_H

#include <stdbool.h>

#include "trace/desc.h"

#define HOOK_KINDS_MAX 6

struct hook {
	const char *program; /* in blkback.bpf.c */
	const char *function;
	bool in_module; /* of xen-blkback, else of the kernel itself */
	bool by_kprobe; /* for others have a function of this name */
	/* Of the module, whose address has to be known; NULL: none. */
	const char *address;
	unsigned kinds;
	enum ev_kind kind[HOOK_KINDS_MAX];
};

extern const struct hook hooks[];
extern const unsigned hooks_count;

/* Whether an event of this kind can be seen, and where all `there` are. */
bool hooks_see(enum ev_kind kind, const bool *there);

/* Whether the hook gives anything of this level, or what is more important. */
bool hook_wanted(const struct hook *hook, enum ev_level level);

#endif
