/* SPDX-License-Identifier: MIT */
/*
 * The stages of a request in a backend, each from one USDT probe to the next.
 * How long it was in the ring before, no backend knows.  Compiled for BPF, too.
 */
#ifndef TIMING_STAGE_H
#define TIMING_STAGE_H

#include "trace/timing/hist.h"

enum timing_stage {
	TIMING_CHECK,	/* request_take to request_check */
	TIMING_START,	/* to the first disk_submit: its turn, its pages */
	TIMING_STORAGE, /* to the last disk_done */
	TIMING_ANSWER,	/* to request_respond: its pages given back */
	TIMING_TELL,	/* to ring_notify, or evtchn_notify if it is needed */
	TIMING_ALL,	/* request_take to request_respond */
	TIMING_STAGES
};

/* Of one stage of one disk's requests. */
struct timing_stage_key {
	__u32 devid;
	__u16 domid;
	__u16 stage;
};

#endif
