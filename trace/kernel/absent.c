/* SPDX-License-Identifier: MIT */
/* In the place of reader.c where the build had no clang or no libbpf. */
#include "trace/kernel/reader.h"

#include <errno.h>

int kernel_reader_open(struct kernel_reader **reader,
		       const struct kernel_driver *driver, enum ev_level level,
		       uint64_t ring_bytes, bool *there, kernel_raw_fn each,
		       void *user, struct why *why)
{
	(void)reader;
	(void)driver;
	(void)level;
	(void)ring_bytes;
	(void)there;
	(void)each;
	(void)user;
	return why_set(why, -ENOSYS,
		       "this ringside was built without clang or libbpf-dev "
		       "and cannot look into the kernel; install both and "
		       "build again");
}

int kernel_reader_poll(struct kernel_reader *reader, int ms)
{
	(void)reader;
	(void)ms;
	return -ENOSYS;
}

void kernel_reader_detach(struct kernel_reader *reader)
{
	(void)reader;
}

uint64_t kernel_reader_lost(struct kernel_reader *reader)
{
	(void)reader;
	return 0;
}

void kernel_reader_close(struct kernel_reader *reader)
{
	(void)reader;
}
