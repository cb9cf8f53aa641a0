/* SPDX-License-Identifier: MIT */
/* What the command line of `ringside record` asks for. */
#ifndef TOOL_RECORD_OPTIONS_H
#define TOOL_RECORD_OPTIONS_H

#include <stdbool.h>

#include "trace/record/relay.h"
#include "trace/record/session.h"
#include "trace/record/snapshot.h"

enum record_source {
	RECORD_RINGSIDED, /* with its frontends */
	/* In the kernel; LTTng is not asked: */
	RECORD_BLKBACK,
	RECORD_BLKFRONT,
};

struct record_request {
	struct record_options opt;
	const char *out; /* NULL: to the relay */
	struct record_relay relay;
	bool force;
	enum record_source source;
	bool probes;	/* read USDT probes; LTTng is not asked */
	char **command; /* NULL: until Ctrl-C */
	/* Of a flight recorder: */
	unsigned causes;    /* a set, 1 << enum record_cause */
	unsigned slow_ms;   /* longer is slow */
	unsigned snapshots; /* at most, of each cause */
};

/* Ends the program where the command line is wrong. */
void record_options_parse(int argc, char **argv, struct record_request *req);

#endif
