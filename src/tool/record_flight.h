/* SPDX-License-Identifier: MIT */
/*
 * The flight recorder: looks at what the triggers and SIGUSR1 tell, takes
 * the snapshots, and says on stderr what is in them.
 */
#ifndef TOOL_RECORD_FLIGHT_H
#define TOOL_RECORD_FLIGHT_H

#include <stdbool.h>

#include "base/why.h"
#include "tool/record_options.h"

struct flight;

/* Borrows both until flight_close(); req->opt.dir is the directory. */
int flight_open(struct flight **flight, const struct record_request *req,
		struct record *session, struct why *why);

/*
 * To be called often.  -errno: there is no session any more, and it has been
 * said why.
 */
int flight_turn(struct flight *flight);

/* A last look, at what was on its way.  -EIO: some snapshot has failed. */
int flight_settle(struct flight *flight);

/*
 * Says what there is, and what was left out.  Takes flight.  Returns whether
 * the directory has a snapshot.
 */
bool flight_close(struct flight *flight);

#endif
