/* SPDX-License-Identifier: MIT */
/*
 * A frontend without manners: it writes the store's nodes and the ring's bytes
 * as a case wants them.  It shares no code with the backend but the desk's
 * host: the layouts are written down here once more, from blkif.h.
 *
 * Whatever fails ends the case.
 */
#ifndef TESTS_CONFORMANCE_PEER_H
#define TESTS_CONFORMANCE_PEER_H

#include "base/stats.h"
#include "tests/conformance/case.h"
#include "xen/desk/control.h"
#include "xen/xen.h"

#define PAGE	   XEN_PAGE_SIZE
#define QUEUES_MAX 16u
#define SEGS_MAX   11u

enum abi { ABI_64, ABI_32, ABI_NONE }; /* none: no `protocol`, so x86_32 */

enum op { READ, WRITE, BARRIER, FLUSH, RESERVED, DISCARD, INDIRECT };

struct peer;

struct ring {
	struct peer *peer;
	uint8_t *mem;
	unsigned pages, entries;
	uint32_t gref[16];
	uint32_t port;
	uint32_t req_prod; /* written */
	uint32_t rsp_cons; /* taken */
	uint32_t event;	   /* req_event as we made it */
	unsigned named;	   /* refusals looked for in the log */
};

struct peer {
	struct xen_host *guest, *tool; /* its domain's, and domain 0's */
	uint16_t domid;
	uint32_t devid;
	char front[64], back[64], error[80];
	struct xen_evtchn *ports;
	enum abi abi;
	unsigned order, queues;
	bool persistent;
	struct ring ring[QUEUES_MAX];
	long log; /* what of the log was looked at */
};

/* ---- the toolstack ------------------------------------------------------- */

struct attach {
	const char *target;
	const char *mode;	    /* "w" if NULL */
	const char *device_type;    /* "disk" if NULL */
	const char *discard_enable; /* no such node if NULL */
	const char *state;	    /* of the backend; "1" if NULL */
	/* More nodes of the backend's directory: key, value, ..., NULL. */
	const char *const *more;
};

/* Connect as the domain, and as domain 0; a disk has no nodes yet. */
void peer_open(struct peer *p, uint16_t domid, uint32_t devid);
void peer_attach(struct peer *p, const struct attach *a);
/* Both, a disk of memory of 4 MiB, and wait for state 2. */
void peer_begin(struct peer *p, uint32_t devid);
/* online=0 and state 5, as libxl writes them; does not wait. */
void peer_offline(struct peer *p);
/* Close as a good frontend does, let the toolstack remove it, disconnect. */
void peer_end(struct peer *p);
void peer_remove(struct peer *p); /* the nodes */
void peer_shut(struct peer *p);	  /* the connections, with all they hold */

/* ---- the store ----------------------------------------------------------- */

/* A key of the frontend's directory; NULL takes it away. */
__attribute__((format(printf, 3, 4))) void
front_put(struct peer *p, const char *key, const char *fmt, ...);
void front_rm(struct peer *p, const char *key);
void front_state(struct peer *p, int state);
/* Of the backend's directory; NULL if it is absent.  Freed by nobody. */
const char *back_get(struct peer *p, const char *key);
long long back_number(struct peer *p, const char *key); /* -1: absent */
void back_put(struct peer *p, const char *key, const char *value);
void back_wait(struct peer *p, int state);

/*
 * The counters of queue 0, which are there as long as the device is connected:
 * they go when it begins to close.
 */
struct stats_queue stats_of(const struct peer *p);
bool stats_there(const struct peer *p);

/* The connection was refused: state 5, and the error node names the rule. */
void refused_by(struct peer *p, const char *rule);

/* Ends of event channels that are bound, of all domains. */
uint32_t ports_bound(void);
/* What is granted and mapped of this domain, and how often that was done. */
struct desk_counters counters_of(const struct peer *p);

/* ---- connecting ---------------------------------------------------------- */

/* Rings of zeroed pages, granted; ports for the backend to bind. */
void rings_make(struct peer *p);
/* All indices stand at `idx`; before the backend maps the ring. */
void ring_begin_at(struct ring *r, uint32_t idx);
void rings_free(struct peer *p); /* the grants must be free of mappings */
/* The keys of a connection, without state 3. */
void keys_write(struct peer *p);
void keys_remove(struct peer *p);
/* All of it, and states 3 and 4. */
void peer_connect(struct peer *p);
/* States 5 and 6, rings freed, and state 1 again: the backend is at 2. */
void peer_reconnect(struct peer *p);
void peer_disconnect(struct peer *p);

/* ---- pages --------------------------------------------------------------- */

struct page {
	uint8_t *mem;
	uint32_t gref;
};

struct page page_new(struct peer *p, bool readonly);
/* 0, or -EBUSY while it is mapped. */
int page_end(struct peer *p, struct page *page);
/* That, and it must not be mapped. */
void page_free(struct peer *p, struct page *page);

/* ---- requests ------------------------------------------------------------ */

struct seg {
	uint32_t gref;
	uint8_t first, last;
};

struct req {
	uint8_t op, nr, inner, flag;
	uint16_t handle, nr_indirect;
	uint64_t id, sector, nr_sectors;
	struct seg seg[SEGS_MAX];
	uint32_t list[8];
};

struct rsp {
	uint64_t id;
	uint8_t op;
	int16_t status;
	uint8_t raw[16]; /* as it stands in the slot */
};

/* Byte offsets of a slot's fields. */
unsigned slot_bytes(const struct ring *r);
uint8_t *slot_at(const struct ring *r, uint32_t idx);

/* One request of 512-byte sectors `first`..`last` of a page. */
struct req req_io(enum op op, uint64_t sector, const struct page *page,
		  unsigned first, unsigned last);
/* Write it into the next slot; push() publishes. */
void put(struct ring *r, const struct req *q);
void push(struct ring *r);   /* and notify */
void notify(struct ring *r); /* only that */
/* Raw indices. */
uint32_t index_get(const struct ring *r, unsigned which);
void index_set(struct ring *r, unsigned which, uint32_t value);
enum { REQ_PROD, REQ_EVENT, RSP_PROD, RSP_EVENT };

/*
 * Wait until the backend sleeps: it asked to be notified of the next request,
 * after all that it had to answer.
 */
void settle(struct ring *r);
/* Has a notification come since the last look? */
bool heard(struct ring *r);

/* Wait for the next response and take it. */
struct rsp take(struct ring *r);
/* put, push, take; the id has to be echoed. */
struct rsp ask(struct ring *r, const struct req *q);
/* And the status has to be this one. */
void served(struct ring *r, const struct req *q, int status);
/* And the backend's log has to name the rule. */
void refused(struct ring *r, const struct req *q, int status, const char *rule);

/* Write a page of a pattern, read it into another page, compare. */
void data_check(struct ring *r, uint64_t sector, uint8_t seed);

#endif
