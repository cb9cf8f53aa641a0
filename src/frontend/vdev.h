/* SPDX-License-Identifier: MIT */
/*
 * Names of virtual disks and their numbers in the store (Xen's
 * docs/man/xen-vbd-interface): xvda is 51712, the extended scheme begins
 * with the 17th disk or the 16th partition.
 */
#ifndef FRONTEND_VDEV_H
#define FRONTEND_VDEV_H

#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

#define FRONT_VDEV_NAME_MAX 16

/*
 * "xvda", "xvdb3", "hda", "sdc" or a decimal number.  0 or -EINVAL with a
 * sentence.
 */
int front_vdev_parse(const char *text, uint32_t *devid, struct why *why);

/* The name; a number where it has none. */
void front_vdev_name(uint32_t devid, char name[FRONT_VDEV_NAME_MAX]);

#endif
