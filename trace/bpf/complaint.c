/* SPDX-License-Identifier: MIT */
#include "trace/bpf/complaint.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char first[160];

static int complain(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN && !*first) {
		vsnprintf(first, sizeof(first), fmt, ap);
		first[strcspn(first, "\n")] = '\0';
	}
	return 0;
}

void complaint_listen(void)
{
	libbpf_set_print(complain);
}

void complaint_forget(void)
{
	*first = '\0';
}

int complaint_explain(int err, const char *what, const char *instead,
		      struct why *why)
{
	/* The verifier of BPF programs says EACCES, to whomever. */
	if (err == -EPERM || (err == -EACCES && geteuid()))
		return why_set(why, -EPERM,
			       "the kernel does not let this user %s; %s", what,
			       instead);
	return why_set(why, err, "the kernel cannot %s: %s%s%s", what,
		       strerror(-err), *first ? "; " : "", first);
}
