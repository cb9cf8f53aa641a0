/* SPDX-License-Identifier: MIT */
/*
 * ringside record --to HOST: what the person is told of a trace that is
 * written on another machine, and so cannot be read and counted here.
 */
#ifndef TOOL_RECORD_RELAY_H
#define TOOL_RECORD_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "tool/record_report.h"
#include "trace/record/relay.h"

/* A name that no other trace of this machine has. */
void record_relay_name(char *name, size_t size);

/* At the beginning: how to look at it live. */
void record_relay_begun(const struct record_relay *relay, const char *session);

/* Why: a session of LTTng did not end in order. */
void record_relay_broken(const struct record_relay *relay, struct why *why);

/*
 * At the end: what was lost, where the trace `name` is and how to look at it.
 * Returns whether all of it got there.
 */
bool record_relay_report(struct record_result *res,
			 const struct record_relay *relay, const char *name);

#endif
