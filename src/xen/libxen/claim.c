/* SPDX-License-Identifier: MIT */
/*
 * A vbd of the kernel's bus "xen-backend" is driven by the driver "vbd",
 * which is xen-blkback, as soon as both are there.  Unbound from it (the
 * driver allows that, and writes no state then) the device stays on the bus
 * and nobody else takes it.
 */
#include "xen/libxen/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUS "/sys/bus/xen-backend"

int libxen_claim(struct xen_host *h, uint16_t domid, uint32_t devid,
		 struct why *why)
{
	char name[32], path[128];
	ssize_t n;
	int fd, err;

	(void)h;
	n = snprintf(name, sizeof(name), "vbd-%u-%u", domid, devid);
	snprintf(path, sizeof(path), BUS "/devices/%s/driver", name);
	if (access(path, F_OK))
		return 0;
	fd = open(BUS "/drivers/vbd/unbind", O_WRONLY | O_CLOEXEC);
	err = fd < 0 || write(fd, name, (size_t)n) != n ? -errno : 0;
	if (fd >= 0)
		close(fd);
	/* It may have left by itself meanwhile. */
	if (!err || err == -ENODEV)
		return 1;
	return why_set(why, err,
		       "xen-blkback drives this device and cannot be made to "
		       "let go of it (%s): unload it with `modprobe -r "
		       "xen-blkback`, or run as root",
		       strerror(-err));
}
