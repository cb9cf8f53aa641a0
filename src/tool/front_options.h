/* SPDX-License-Identifier: MIT */
/* What `ringside front` was asked to do. */
#ifndef TOOL_FRONT_OPTIONS_H
#define TOOL_FRONT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "frontend/workload.h"

struct front_options {
	const char *dir;
	const char *nbd;
	const char *rw;
	uint32_t devids[FRONT_DEVICES_MAX];
	unsigned ndisks;
	uint16_t domid;
	unsigned timeout_s;
	pid_t backend_pid; /* 0: not known */
	bool info, json, quiet;
	bool load; /* an option that only a workload has was given */
	bool seeded;
	struct front_transport transport;
	struct workload_options work;
};

/*
 * Parse; a mistake is told and ends the process with 2.  The strings stay
 * argv's.
 */
void front_options_parse(struct front_options *o, int argc, char **argv);

#endif
