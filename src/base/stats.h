/* SPDX-License-Identifier: MIT */
/*
 * Counters of each device and queue, for programs like xentop: a file for each
 * connected device that holds nothing but this header and an array of struct
 * stats_queue, one for each queue.  Whoever reads or maps it sees the counters
 * as they stand; there is no lock and no message to the daemon.
 *
 *   DIR/vbd-DOMID-DEVID    DIR is /run/ringside/stats, or stats/ in a desk
 *   DIR/daemon             struct stats_daemon, as long as ringsided runs
 *
 * Safe while a device goes (XSA-528): the file is complete before it gets its
 * name, loses its name before its queues end, and who has it open keeps it.
 * Each number is written by one thread, whole, and only grows, but for
 * in_flight and those that say "now" or "since"; two numbers read one after the
 * other may be of different moments.
 *
 * This is an interface: fields are added at the end of a struct, and a reader
 * goes by header_bytes and queue_bytes.  Numbers are in the host's byte order.
 */
#ifndef BASE_STATS_H
#define BASE_STATS_H

#include <stdint.h>

#define STATS_MAGIC	"RSSTATS" /* with its zero byte */
#define STATS_DIR	"/run/ringside/stats"
#define STATS_DIR_MAX	380u /* bytes of DIR */
#define STATS_DAEMON	"daemon"
#define STATS_LATENCIES 96

struct stats_header {
	char magic[8];
	uint32_t header_bytes; /* where the first queue begins */
	uint32_t queue_bytes;  /* from one queue to the next */
	uint32_t queues;
	uint32_t pid; /* of the daemon */
	uint32_t domid;
	uint32_t devid;
	uint64_t since_ns; /* CLOCK_MONOTONIC, when it connected */
	uint64_t size_bytes;
	uint32_t ring_entries; /* of each queue */
	uint32_t pad;
	char target[256]; /* ends with a zero byte */
};

struct stats_daemon {
	char magic[8]; /* the same */
	uint32_t daemon_bytes;
	uint32_t pid;
};

enum stats_op {
	STATS_READ,
	STATS_WRITE,
	STATS_BARRIER,
	STATS_FLUSH,
	STATS_DISCARD,
	STATS_OPS
};

struct stats_queue {
	uint64_t requests[STATS_OPS];  /* answered, well or not */
	uint64_t bytes[STATS_OPS];     /* of those answered well */
	uint64_t errors[STATS_OPS];    /* answered with an error */
	uint64_t waited_ns[STATS_OPS]; /* from taken to answered, in sum */
	uint64_t refused;	       /* broke a rule; in none of the above */
	uint64_t tolerated;	       /* broke a rule, and were served */
	uint64_t in_flight;	       /* now */
	uint64_t pushes;	       /* of responses */
	uint64_t notifies;	       /* of these, with a notification */
	uint64_t wakeups;	       /* by the frontend */
	uint64_t spurious;	       /* of these, for nothing (RG-32) */
	uint64_t indirect;	       /* requests with segments in pages */
	uint64_t kept_pages;	       /* now mapped between requests (GR-47) */
	uint64_t pending;	       /* now in the ring, not yet taken */
	/*
	 * CLOCK_MONOTONIC: since when requests are in flight and none has been
	 * answered; 0 if none is in flight.
	 */
	uint64_t still_ns;
	/* Requests by the time from taken to answered: stats_latency_slot() */
	uint64_t latency[STATS_LATENCIES];
};

/*
 * Four slots to each power of two; the first has all below 1.024 us, the last
 * all from 12.9 s on.
 */
#define STATS_LATENCY_FIRST_BIT 10u

static inline unsigned stats_latency_slot(uint64_t ns)
{
	unsigned bit, slot;

	if (ns >> STATS_LATENCY_FIRST_BIT == 0)
		return 0;
	bit = 63u - (unsigned)__builtin_clzll(ns);
	slot = 1 + (bit - STATS_LATENCY_FIRST_BIT) * 4 +
	       (unsigned)(ns >> (bit - 2) & 3);
	return slot < STATS_LATENCIES ? slot : STATS_LATENCIES - 1;
}

/* The least time that is counted in `slot`. */
static inline uint64_t stats_latency_from_ns(unsigned slot)
{
	unsigned quarter = slot - 1;

	if (!slot)
		return 0;
	return (uint64_t)(4 + quarter % 4)
	       << (quarter / 4 + STATS_LATENCY_FIRST_BIT - 2);
}

/* One writer: a whole store, and no more than that. */
static inline void stats_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void stats_set(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, n, __ATOMIC_RELAXED);
}

#endif
