/* SPDX-License-Identifier: MIT */
/* null:SIZE: reads give zeroes, writes are forgotten; for measuring. */
#ifndef DISK_NULL_H
#define DISK_NULL_H

#include "disk/disk.h"

/* `size` is the text after "null:"; errors and the sentence as disk_open. */
int disk_null_open(const char *size, const struct disk_options *opt,
		   struct disk **out, struct why *why);

#endif
