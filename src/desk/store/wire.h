/* SPDX-License-Identifier: MIT */
/*
 * A connection to the store: frames of xen/io/xs_wire.h on a stream socket.
 *
 * One request is read at a time and answered before the next; a client that
 * does not read its answers is not read from.  A header that claims more
 * than XENSTORE_PAYLOAD_MAX ends the connection.  Watch events wait in the
 * same queue, each pair of path and token at most once.  A guest that leaves
 * its queue unread for READER_PATIENCE is cut off; so is anybody whose queue
 * exceeds STORE_QUOTA_QUEUE_BYTES.
 */
#ifndef DESK_STORE_WIRE_H
#define DESK_STORE_WIRE_H

#include <errno.h> /* before xs_wire.h, for its xsd_errors */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <xen/io/xs_wire.h>

#include "desk/loop.h"
#include "desk/store/store.h"
#include "desk/store/transaction.h"
#include "desk/store/watch.h"

#define STORE_WIRE_READER_PATIENCE_NS 20000000000u
/* Bytes unread at which the reader's own requests wait. */
#define STORE_WIRE_QUEUE_PAUSE 65536u

struct store_frame {
	TAILQ_ENTRY(store_frame) link;
	struct store_domain *cause; /* of an event; may be NULL */
	bool event;
	size_t sent, len; /* of header and payload together */
	struct xsd_sockmsg hdr;
	char payload[];
};

struct store_conn {
	LIST_ENTRY(store_conn) link;
	struct store_domain *domain;
	struct desk_source source;
	bool broken; /* to be closed when nobody looks at it any more */

	/* The request that is being read. */
	size_t got; /* bytes of header and payload together */
	struct xsd_sockmsg hdr;
	char payload[XENSTORE_PAYLOAD_MAX + 1]; /* a NUL is put behind */

	TAILQ_HEAD(, store_frame) queue;
	size_t queue_bytes;
	uint64_t unread_since_ns; /* 0 while the queue is empty */

	struct store_watch_list watches;
	LIST_HEAD(, store_transaction) transactions;
};

/* Accept all that wait on the domain's listening socket. */
void store_wire_accept(struct desk_source *listener, uint32_t events);

void store_wire_close(struct store_conn *c);

/* Answer the request in c->hdr. */
void store_wire_reply(struct store_conn *c, const void *data, size_t len);
void store_wire_reply_error(struct store_conn *c, int err); /* -errno */

/* A watch event; see above what becomes of it. */
void store_wire_event(struct store_conn *c, const char *path, const char *token,
		      struct store_domain *cause);

/* The store's timer: cut off guests that do not read. */
void store_wire_look_for_stuck(struct desk_timer *t);

#endif
