/* SPDX-License-Identifier: MIT */
/* What is known of a xen-blkback while its events are told (blkback.c). */
#ifndef KERNEL_STATE_H
#define KERNEL_STATE_H

#include <stdbool.h>

#include "trace/kernel/blkback.h"

#define NEST_MAX 8u /* interrupts within interrupts */

struct kring {
	uint16_t domid, queue;
	uint32_t devid;
	uint64_t addr;
	uint32_t irq, port, entries;
	uint64_t seq; /* of the last request */
	bool mapped;  /* and we saw it */
	bool started;
	bool indexed; /* rsp_next is known */
	uint32_t rsp_next;
};

enum kreq_stage { KREQ_FREE, KREQ_LIST, KREQ_CHECKED, KREQ_DISK, KREQ_DONE };

struct kreq {
	uint64_t addr; /* of the kernel's pending_req; its key */
	enum kreq_stage stage;
	unsigned ring; /* of state->ring */
	uint64_t seq, id, sector, bytes, take_ns;
	uint8_t op;
	uint32_t left; /* bios that are not done */
	int error;     /* of any of them */
	uint32_t to_map, mapped, list_pages;
	bool writable;
};

/* What a thread of the kernel is at. */
struct kthr {
	uint32_t tid;
	struct kreq *mapping; /* NULL: none */
	struct kreq discard;
	struct raw_grants grants; /* of the ring that it maps */
	struct raw_device state;  /* that it is about to write; no node: none */
};

/* A response that is being made. */
struct kanswer {
	unsigned ring;
	uint32_t idx, event;
	bool published;
};

struct kcpu {
	uint64_t req[NEST_MAX]; /* unmapped, and not yet answered */
	unsigned reqs;
	struct kanswer answer[NEST_MAX];
	unsigned answers;
};

struct kirq {
	uint32_t irq, port, remote_port;
};

struct blkback {
	blkback_event_fn each;
	void *user;
	bool lossy;
	struct kring *ring;
	size_t rings;
	struct kthr **thread;
	size_t threads;
	struct kcpu **cpu;
	size_t cpus;
	struct kirq *irq;
	size_t irqs;
	void *requests; /* tsearch(3) */
};

/* All give NULL where there is no memory, and the find ones where none is. */
struct kring *state_ring(struct blkback *b, const struct raw_ring *raw);
struct kring *state_ring_of_irq(struct blkback *b, uint32_t irq);
struct kreq *state_request(struct blkback *b, uint64_t addr);
struct kreq *state_request_find(struct blkback *b, uint64_t addr);
struct kthr *state_thread(struct blkback *b, uint32_t tid);
struct kcpu *state_cpu(struct blkback *b, uint32_t cpu);
struct kirq *state_irq(struct blkback *b, uint32_t irq);
void state_free(struct blkback *b);

int state_tell(struct blkback *b, const struct ctf_event *event);

/* An event of a ring, or of a device as a whole; only its values are missing.
 */
struct ctf_event event_of_ring(enum ev_kind kind, uint64_t t_ns,
			       const struct kring *ring);
struct ctf_event event_of_device(enum ev_kind kind, uint64_t t_ns,
				 uint16_t domid, uint32_t devid);

/*
 * The request that was taken last from the ring `at` begins here, as `req`, of
 * which only the key stays; `slot` is what it says.
 */
int state_take(struct blkback *b, struct kreq *req, const struct raw_ring *at,
	       const uint8_t *slot, uint64_t t_ns);

/* Where a free-running index lies in the ring. */
uint16_t state_slot(const struct kring *ring, uint32_t idx);

/*
 * One for each raw_what: what it means, told.  0, -ENOMEM, or what the call of
 * an event returned.
 */
/* request.c */
int on_map(struct blkback *b, const void *raw);
int on_mapped(struct blkback *b, const void *raw);
int on_map_end(struct blkback *b, const void *raw);
int on_unmapped(struct blkback *b, const void *raw);
int on_submit(struct blkback *b, const void *raw);
int on_done(struct blkback *b, const void *raw);
int on_discard(struct blkback *b, const void *raw);
int on_discarded(struct blkback *b, const void *raw);

/* answer.c */
int on_respond(struct blkback *b, const void *raw);
int on_responded(struct blkback *b, const void *raw);
int on_notify(struct blkback *b, const void *raw);
int on_wakeup(struct blkback *b, const void *raw);
int on_eoi(struct blkback *b, const void *raw);

/* xenbus.c: the handshake, and how a ring comes and goes */
int on_state(struct blkback *b, const void *raw);
int on_seen(struct blkback *b, const void *raw);
int on_remove(struct blkback *b, const void *raw);
int on_read(struct blkback *b, const void *raw);
int on_write(struct blkback *b, const void *raw);
int on_port(struct blkback *b, const void *raw);
int on_bind(struct blkback *b, const void *raw);
int on_grants(struct blkback *b, const void *raw);
int on_ring(struct blkback *b, const void *raw);
int on_status(struct blkback *b, const void *raw);
int on_disconnect(struct blkback *b, const void *raw);

#endif
