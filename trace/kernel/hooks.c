/* SPDX-License-Identifier: MIT */
#include "trace/kernel/hooks.h"

static bool gives(const struct hook *hook, enum ev_kind kind)
{
	for (unsigned i = 0; i < hook->kinds; i++)
		if (hook->kind[i] == kind)
			return true;
	return false;
}

bool hooks_see(const struct hook *hook, unsigned hooks, enum ev_kind kind,
	       const bool *there)
{
	bool any = false;

	for (unsigned i = 0; i < hooks; i++) {
		if (!gives(&hook[i], kind))
			continue;
		if (!there[i])
			return false;
		any = true;
	}
	return any;
}

/* What gives nothing of its own helps others, of requests or of handshakes. */
bool hook_wanted(const struct hook *hook, enum ev_level level)
{
	for (unsigned i = 0; i < hook->kinds; i++)
		if (ev_descs[hook->kind[i]].level <= level)
			return true;
	return !hook->kinds;
}
