/* SPDX-License-Identifier: MIT */
#include "trace/timing/load.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* The first complaint of libbpf since an object was opened. */
static char complaint[160];

static int complain(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN && !*complaint) {
		vsnprintf(complaint, sizeof(complaint), fmt, ap);
		complaint[strcspn(complaint, "\n")] = '\0';
	}
	return 0;
}

int timing_object_open(struct bpf_object **object, const void *bytes,
		       size_t size)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "ringside");

	setrlimit(RLIMIT_MEMLOCK, &all); /* older kernels count by it */
	libbpf_set_print(complain);
	*complaint = '\0';
	*object = bpf_object__open_mem(bytes, size, &opts);
	return *object ? 0 : -errno;
}

int timing_explain(int err, const char *what, struct why *why)
{
	if (err == -EPERM || err == -EACCES)
		return why_set(why, -EPERM,
			       "the kernel does not let this user %s; run it "
			       "as root",
			       what);
	return why_set(why, err, "the kernel cannot %s: %s%s%s", what,
		       strerror(-err), *complaint ? "; " : "", complaint);
}
