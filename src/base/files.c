/* SPDX-License-Identifier: MIT */
#include "base/files.h"

#include <sys/resource.h>

uint64_t files_allow(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) ? 0 : limit.rlim_max;
}
