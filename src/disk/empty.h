/* SPDX-License-Identifier: MIT */
/*
 * A drive without a medium: no sectors, and whatever is asked of it fails with
 * -ENOMEDIUM, a flush too (CVE-2010-4238: it is no reason to fall over).
 */
#ifndef DISK_EMPTY_H
#define DISK_EMPTY_H

#include "disk/disk.h"

/* A struct disk as disk_open() makes, with the same errors. */
int disk_empty_open(const struct disk_options *opt, struct disk **out,
		    struct why *why);

/* Has this drive no medium? */
bool disk_is_empty(const struct disk *d);

#endif
