/* SPDX-License-Identifier: MIT */
/* Writing that is not done by halves. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>

/* Write all of it, whatever interrupts.  0 or -errno. */
int io_write_all(int fd, const void *data, size_t len);

#endif
