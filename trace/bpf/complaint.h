/* SPDX-License-Identifier: MIT */
/*
 * What libbpf complains of, for sentences about what the kernel did not do.
 * Only built where there is libbpf.
 */
#ifndef BPF_COMPLAINT_H
#define BPF_COMPLAINT_H

#include "base/why.h"

/* libbpf's warnings come here from now on, and no longer to standard error. */
void complaint_listen(void);

/* What came until now explains nothing that follows. */
void complaint_forget(void);

/*
 * Why the kernel did not do `what`, by the first complaint since; `instead` is
 * what a user without rights may do.  Returns err, or -EPERM.
 */
int complaint_explain(int err, const char *what, const char *instead,
		      struct why *why);

#endif
