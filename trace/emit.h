/* SPDX-License-Identifier: MIT */
/*
 * Emitting events.  A layer that takes a protocol step says so with
 *
 *	ev_NAME(&origin, fields...);
 *
 * one inline function per event of trace/events.def, generated into
 * "trace/events.h".  Off, a call costs one branch: nothing looks at its
 * arguments.  Where an argument costs something to prepare, guard with
 * ev_NAME_on().  An event is emitted after the step that it names.
 *
 * Each call feeds an LTTng-UST tracepoint (ringside:NAME) and a USDT probe
 * (ringside:NAME) beside it.
 */
#ifndef TRACE_EMIT_H
#define TRACE_EMIT_H

#include <stdint.h>

#define EV_QUEUE_NONE 0xffffu

/* Who speaks, and of which queue of which disk of which guest. */
struct ev_origin {
	uint8_t actor;	/* enum ev_actor */
	uint16_t domid; /* the frontend's domain */
	uint16_t queue; /* EV_QUEUE_NONE for the device as a whole */
	uint32_t devid; /* virtual device number, 51712 is xvda */
};

#include "trace/events.h" /* generated */

#endif
