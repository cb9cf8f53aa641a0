/* SPDX-License-Identifier: MIT */
/*
 * Functions of the kernel that are looked at, and the kinds of events that each
 * gives; a driver has a table of them (driver.h).  Not every kernel has all of
 * them: compilers take functions away.
 */
#ifndef KERNEL_HOOKS_H
#define KERNEL_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "trace/desc.h"

#define HOOK_KINDS_MAX 6

struct hook {
	const char *program; /* the BPF program */
	const char *function;
	bool in_module; /* of the driver, else of the kernel itself */
	bool by_kprobe; /* for others have a function of this name */
	/* Of the driver's, which has to be known; NULL: none. */
	const char *address;
	unsigned kinds;
	enum ev_kind kind[HOOK_KINDS_MAX];
};

/* For the tables of drivers. */
#define HOOK_KINDS(...)                                                        \
	.kinds = sizeof((enum ev_kind[]){ __VA_ARGS__ }) /                     \
		 sizeof(enum ev_kind),                                         \
	.kind = { __VA_ARGS__ }
#define HOOK_IN_MODULE(name, of, ...)                                          \
	{                                                                      \
		.program = #name, .function = #of, .in_module = true,          \
		HOOK_KINDS(__VA_ARGS__)                                        \
	}
#define HOOK_IN_KERNEL(name, of, ...)                                          \
	{                                                                      \
		.program = #name, .function = #of, HOOK_KINDS(__VA_ARGS__)     \
	}
/* Helps the others, and gives nothing of its own. */
#define HOOK_HELPER(name, of, needs)                                           \
	{                                                                      \
		.program = #name, .function = #of, .address = needs            \
	}

/* Whether an event of this kind can be seen, and where all `there` are. */
bool hooks_see(const struct hook *hook, unsigned hooks, enum ev_kind kind,
	       const bool *there);

/* Whether the hook gives anything of this level, or what is more important. */
bool hook_wanted(const struct hook *hook, enum ev_level level);

#endif
