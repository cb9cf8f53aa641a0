/* SPDX-License-Identifier: MIT */
/*
 * BPF programs on USDT probes, and the ring buffer in which they leave events.
 * Where ringside was built without what BPF programs need, probe_reader_open()
 * says so, and nothing else is ever called (absent.c).
 */
#ifndef PROBE_READER_H
#define PROBE_READER_H

#include <stdint.h>

#include "base/why.h"
#include "trace/desc.h"
#include "trace/probe/event.h"
#include "trace/probe/find.h"

struct probe_reader;

/*
 * Called with each event and its data; a thread's events come in order.  What
 * is not 0 ends probe_reader_poll(), which returns it.
 */
typedef int (*probe_event_fn)(const struct probe_event *event,
			      const uint8_t *data, void *user);

/*
 * Loads the programs, with a ring buffer of ring_bytes, a power of two and a
 * page at least.  Gives *reader on 0.
 * -ENOSYS: not built in.  -EPERM: no rights.  -ENOTSUP: not by this kernel.
 */
int probe_reader_open(struct probe_reader **reader, uint64_t ring_bytes,
		      probe_event_fn each, void *user, struct why *why);

/*
 * Sets the probe of this kind, which the file has, in all its processes, or
 * in process `only` where that is not 0.
 * That takes the kernel some milliseconds.  -ENOENT: the file has gone.
 */
int probe_reader_attach(struct probe_reader *reader,
			const struct probe_file *file, int only,
			enum ev_kind kind, struct why *why);

/* Only from here on are events recorded. */
int probe_reader_begin(struct probe_reader *reader, struct why *why);

/* Takes all probes away at once; what they left can still be read. */
void probe_reader_detach(struct probe_reader *reader);

/*
 * Waits until the ring buffer fills, but ms milliseconds at most, and reads
 * what is there.  0, or 1 where that was so much that there is more, so that
 * who fills it faster than it is read keeps nobody here; or what a call
 * returned, or -errno.
 */
int probe_reader_poll(struct probe_reader *reader, int ms);

/*
 * How many events a thread has emitted; 0 if it is not known, which it is not
 * from here on.
 */
uint64_t probe_reader_forget(struct probe_reader *reader, int pid, int tid);

/* Calls each(pid, tid, events emitted) for every thread. */
void probe_reader_threads(struct probe_reader *reader,
			  void (*each)(int pid, int tid, uint64_t emitted,
				       void *user),
			  void *user);

/* Events lost that no thread's number tells of. */
uint64_t probe_reader_uncounted(struct probe_reader *reader);

/* NULL is nothing. */
void probe_reader_close(struct probe_reader *reader);

#endif
