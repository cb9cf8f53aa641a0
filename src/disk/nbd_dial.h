/* SPDX-License-Identifier: MIT */
/*
 * Connecting to an NBD server, in a thread of its own: a name that resolves
 * slowly and a server that says nothing then hold up nobody.  An attempt has
 * DIAL_PATIENCE_MS from its first packet to the size of the export.
 *
 * A dial is shared by its thread and whoever started it; the last of the two
 * frees it.  So nbd_dial_drop() never waits, even while a resolver does.
 */
#ifndef DISK_NBD_DIAL_H
#define DISK_NBD_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

#define DIAL_PATIENCE_MS 5000
#define DIAL_PAUSE_MS	 1000 /* between attempts */
#define DIAL_REGAIN	 10u  /* time by which a patience is regained */

struct nbd_handle;

/* A connection that is ready for commands, and what the server said of it. */
struct nbd_conn {
	struct nbd_handle *h; /* NULL: none */
	uint64_t size_bytes;
	uint32_t preferred_bytes; /* block size; 0 if it did not say */
	uint32_t payload_bytes;	  /* the most in one command */
	bool flush;
	bool trim;
	bool multi; /* what one connection flushed is durable for all */
};

/* What a server must be to be taken. */
struct nbd_want {
	const char *target; /* for messages */
	const char *uri;
	uint32_t sector_bytes;
	uint64_t size_bytes; /* 0: any that is not */
	bool readonly;	     /* it may be */
	bool multi;	     /* it must be, see nbd_conn */
};

struct nbd_dial;

/*
 * Begin; `want` and its texts are copied.  Once, or again and again until
 * there is a connection or it is dropped; then each attempt begins after
 * DIAL_PAUSE_MS.  0 or -errno with the sentence.
 */
int nbd_dial_start(struct nbd_dial **out, const struct nbd_want *want,
		   bool again, struct why *why);

/* Readable once it has ended: with a connection, or without. */
int nbd_dial_fd(const struct nbd_dial *d);

/*
 * What it ended with: 0 and the connection, which the caller then owns, or
 * -errno and the sentence.  -EINPROGRESS and no sentence before.
 */
int nbd_dial_take(struct nbd_dial *d, struct nbd_conn *out, struct why *why);

/* Gives it up; NULL is fine. */
void nbd_dial_drop(struct nbd_dial *d);

/*
 * How long whoever opens one queue after the other may wait for their dials,
 * in all: DIAL_PATIENCE_MS, and from then on one part in DIAL_REGAIN of the
 * time.  A guest chooses how many queues it has and how often it connects.
 * Zeroes: all of it is there.
 */
struct nbd_patience {
	uint64_t spent_ns;
	uint64_t looked_ns; /* when */
};

/* False if so little is left that no server could answer in it. */
bool nbd_patience_left(struct nbd_patience *p);

/*
 * Wait as long as `p` has left, and take.  -EINPROGRESS and no sentence if the
 * dial goes on and may yet succeed; not where it had all its time.
 */
int nbd_dial_wait(struct nbd_dial *d, struct nbd_patience *p,
		  struct nbd_conn *out, struct why *why);

/* Start, wait for at most DIAL_PATIENCE_MS, take, drop. */
int nbd_dial_once(const struct nbd_want *want, struct nbd_conn *out,
		  struct why *why);

/* True if commands can be sent. */
bool nbd_conn_alive(const struct nbd_conn *c);

/* Says goodbye where it can without waiting, and closes; h is NULL then. */
void nbd_conn_close(struct nbd_conn *c);

#endif
