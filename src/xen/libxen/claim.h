/* SPDX-License-Identifier: MIT */
/* Devices that the kernel's own backend took first. */
#ifndef XEN_LIBXEN_CLAIM_H
#define XEN_LIBXEN_CLAIM_H

#include "xen/xen.h"

int libxen_claim(struct xen_host *h, uint16_t domid, uint32_t devid,
		 struct why *why);

#endif
