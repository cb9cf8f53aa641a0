/* SPDX-License-Identifier: MIT */
/* The parts of a trace: one for each process that was recorded. */
#ifndef RECORD_PART_H
#define RECORD_PART_H

#include <stdbool.h>
#include <stdint.h>

struct record_part {
	char *path;    /* DIR/ust/pid/NAME-PID-DATE-TIME, or below ust/uid;
			* by probes, below usdt/pid */
	char name[64]; /* "NAME (process PID)", or "user UID" */
	int pid;       /* 0: of a snapshot, of all processes of a user */
	/* What reading it finds; record_check fills these. */
	bool said_end; /* program_stop was seen */
	uint64_t events, discarded, packets;
	uint64_t overwritten; /* packets before the first one */
	int64_t whole_ns;     /* from here on no processor's were, if any */
	int64_t end_ns;	      /* its last event */
};

/* The number of parts in *parts, which record_parts_free takes; or -ENOMEM. */
int record_parts_find(const char *dir, struct record_part **parts);
void record_parts_free(struct record_part *parts, unsigned count);

/*
 * Whether a process left data that its metadata ought to explain.  One that
 * begins or ends just when the session stops leaves empty packets and half
 * of the metadata, which keeps others from reading the rest of the trace.
 */
bool record_part_has_data(const struct record_part *part);

#endif
