/* SPDX-License-Identifier: MIT */
/* mem:SIZE: a disk in this process's memory, empty at each start. */
#ifndef DISK_MEM_H
#define DISK_MEM_H

#include "disk/disk.h"

/* `size` is the text after "mem:"; errors and the sentence as disk_open. */
int disk_mem_open(const char *size, const struct disk_options *opt,
		  struct disk **out, struct why *why);

#endif
