/* SPDX-License-Identifier: MIT */
/*
 * What a ringsided asks of the kernel.  Calls in which it only waits to be
 * woken are none of its work and are not counted.  Compiled for BPF, too.
 */
#ifndef TIMING_CALL_H
#define TIMING_CALL_H

#include "trace/timing/hist.h"

enum timing_call {
	TIMING_GNTDEV_MAP,    /* ioctl: the pages of a request are named */
	TIMING_GNTDEV_MMAP,   /* mmap of the device: they are mapped */
	TIMING_GNTDEV_UNMAP,  /* ioctl, after munmap has unmapped them */
	TIMING_GNTDEV_COPY,   /* ioctl */
	TIMING_GNTDEV_ELSE,   /* any other call on the device */
	TIMING_EVTCHN_NOTIFY, /* ioctl */
	TIMING_EVTCHN_UNMASK, /* write */
	TIMING_EVTCHN_TAKE,   /* read */
	TIMING_EVTCHN_ELSE,
	TIMING_URING_ENTER,
	TIMING_PREAD, /* of any kind with a position, of files */
	TIMING_PWRITE,
	TIMING_SYNC,
	TIMING_FALLOCATE,
	TIMING_READ, /* of what has no position: eventfds, sockets */
	TIMING_WRITE,
	TIMING_SOCKET, /* send and receive */
	TIMING_MUNMAP,
	TIMING_ELSE, /* any other */
	TIMING_CALLS,
	/* No call, and beside the others: from submitted to completed. */
	TIMING_URING = TIMING_CALLS,
	TIMING_KINDS
};

/* What the loader tells the programs.  Devices as the kernel has dev_t. */
struct timing_settings {
	__u64 ns_dev, ns_ino; /* the namespace of the pid */
	__u32 pid;
	__u32 gntdev, evtchn; /* 0: there is none */
	__u32 pad;
};

#endif
