/* SPDX-License-Identifier: MIT */
/*
 * What one side of the rings did, as far as the other side must have done the
 * same: the frontend's pushes and completions, or the backend's takings and
 * responses, each with its free-running index, cut into connections.  A
 * connection ends where the ring is made anew, or where an index does not
 * rise: so within one an index, by 32 bits, names one request.
 */
#ifndef VIZ_READ_CONNS_H
#define VIZ_READ_CONNS_H

#include "viz/read/log.h"

enum mark_what { MARK_REQUEST, MARK_RESPONSE, MARK_BEGIN, MARK_KINDS };

struct mark {
	uint64_t key;	/* of the queue */
	uint64_t print; /* equal for both sides of the same request */
	int64_t t_ns;
	uint32_t rec;
	uint32_t conn;
	uint32_t idx;
	uint8_t what; /* enum mark_what */
};

struct conn {
	uint64_t key;
	int64_t from_ns, to_ns;
	/* Requests and responses, in the order of their indices. */
	const struct mark *mark[2];
	uint32_t n[2];
};

struct conns {
	struct conn *conn; /* by key, then in the order of time */
	uint32_t n;
	struct mark *mark;
	uint32_t marks;
};

/* A queue as a number, the domain in its highest 16 bits. */
#define CONN_DOMID_SHIFT 48
#define CONN_REST_MASK	 (((uint64_t)1 << CONN_DOMID_SHIFT) - 1)
#define CONN_DEVID_MASK	 ((uint64_t)UINT32_MAX)

/* Those of the frontends, or of the backends.  0 or -ENOMEM. */
int conns_make(const struct trace_log *log, bool frontend, struct conns *out);
void conns_free(struct conns *c);

/* The first of a queue, or c->n. */
uint32_t conns_find(const struct conns *c, uint64_t key);

#endif
