/* SPDX-License-Identifier: MIT */
/*
 * Writes events of the catalogue as a trace in the Common Trace Format, by
 * libbabeltrace2's sink.ctf.fs in this process.  It knows nothing of where
 * they come from: a source hands over each event, a stream's in the order of
 * time, and where some are missing their number.
 *
 * A trace is that of one process, as LTTng has it with buffers for each; a
 * stream is that of a thread.  Nothing can be read before ctf_writer_close():
 * sink.ctf.fs writes the metadata at its end.
 */
#ifndef CTF_WRITER_H
#define CTF_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "trace/desc.h"

#define CTF_FIELDS_MAX 16

struct ctf_about {
	const char *dir;     /* is made, with those above it */
	const char *program; /* whose events these are */
	int pid;
	uint64_t start_ns; /* no event is older; CLOCK_MONOTONIC */
};

union ctf_value {
	uint64_t number;  /* negative ones sign-extended */
	const char *text; /* no longer used once the call returns; so is */
	struct {
		const void *of; /* in the catalogue's type: uint32_t ... */
		uint32_t count;
	} array;
};

struct ctf_event {
	enum ev_kind kind;
	uint64_t t_ns; /* CLOCK_MONOTONIC; not before the stream's last one */
	uint8_t actor;
	uint16_t domid, queue;
	uint32_t devid;
	union ctf_value value[CTF_FIELDS_MAX]; /* in the catalogue's order */
};

struct ctf_writer;
struct ctf_stream;

/* Gives *writer on 0.  -ENOENT: babeltrace's plugin is missing; others. */
int ctf_writer_open(struct ctf_writer **writer, const struct ctf_about *about,
		    struct why *why);

/* The stream of a thread, made if it is new; the writer's.  NULL: no memory. */
struct ctf_stream *ctf_writer_stream(struct ctf_writer *writer, int tid);

/* -ENOMEM, -EIO.  After an error the writer can only be closed. */
int ctf_stream_event(struct ctf_stream *stream, const struct ctf_event *event,
		     struct why *why);

/*
 * `count` events are missing between the last one and the next one, or the
 * end: the trace will say that, and give these two as the time.
 */
int ctf_stream_lost(struct ctf_stream *stream, uint64_t count, struct why *why);

/*
 * Writes what is left.  Takes the writer, whatever it returns; NULL is
 * nothing.
 */
int ctf_writer_close(struct ctf_writer *writer, uint64_t end_ns,
		     struct why *why);

#endif
