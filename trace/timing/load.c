/* SPDX-License-Identifier: MIT */
#include "trace/timing/load.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/resource.h>

#include "trace/bpf/complaint.h"

int timing_object_open(struct bpf_object **object, const void *bytes,
		       size_t size)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "ringside");

	setrlimit(RLIMIT_MEMLOCK, &all); /* older kernels count by it */
	complaint_listen();
	complaint_forget();
	*object = bpf_object__open_mem(bytes, size, &opts);
	return *object ? 0 : -errno;
}

int timing_explain(int err, const char *what, struct why *why)
{
	return complaint_explain(err, what, "run it as root", why);
}
