/* SPDX-License-Identifier: MIT */
/* What is known of a driver while its events are told (driver.h). */
#ifndef KERNEL_STATE_H
#define KERNEL_STATE_H

#include <stdbool.h>

#include "trace/kernel/driver.h"
#include "trace/kernel/order.h"

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

/*
 * xen-blkback does not say for which request it works.  What tells is where it
 * is at:
 *
 *	record		known by		what is kept of it
 *	MAP		pending_req		it begins; thread->mapping, last
 *	MAPPED, MAP_END	thread->mapping		none after MAP_END
 *	SUBMIT, DONE	pending_req		stage, left, error
 *	DISCARD(ED)	thread->discard		stage, error
 *	UNMAPPED	pending_req		on top of cpu->req
 *	RESPOND		top of cpu->req, else	it ends; on top of cpu->answer
 *			thread->last, discard
 *	NOTIFY		top of cpu->answer	published
 *	RESPONDED	top of cpu->answer	taken from there
 *
 * A pending_req serves one request after the other, and a stack is as deep as
 * interrupts are nested; so after a loss nothing is told of a request that
 * began before (state_follow), and the stacks are empty.  xen-blkfront's are
 * known by their ring and id.
 */
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
	uint64_t losses; /* there had been when it began */
};

/* What a thread of the kernel is at. */
struct kthr {
	uint32_t tid;
	struct kreq *mapping; /* NULL: none */
	struct kreq *last;    /* that it mapped anything of; NULL: none */
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

struct kstate {
	const struct kernel_driver *driver;
	kernel_event_fn each;
	void *user;
	struct kring *ring;
	size_t rings;
	struct kthr **thread;
	size_t threads;
	struct kcpu **cpu;
	size_t cpus;
	struct kirq *irq;
	size_t irqs;
	void *requests; /* tsearch(3) */
	/* Of a frontend: its domain, and what came before that was known. */
	bool own_known;
	uint16_t own_domid;
	struct order early;
	uint64_t losses;  /* how often some were */
	uint64_t last_ns; /* of the last event */
	uint64_t untold;
};

/* All give NULL where there is no memory, and the find ones where none is. */
struct kring *state_ring(struct kstate *b, const struct raw_ring *raw);
struct kring *state_ring_of_irq(struct kstate *b, uint32_t irq);
struct kreq *state_request(struct kstate *b, uint64_t addr);
struct kreq *state_request_find(struct kstate *b, uint64_t addr);
struct kthr *state_thread(struct kstate *b, uint32_t tid);
struct kcpu *state_cpu(struct kstate *b, uint32_t cpu);
struct kirq *state_irq(struct kstate *b, uint32_t irq);

/*
 * That it is still the request which it was: it began, and nothing was lost
 * since, for that may have been its end.  A request that is not known cannot be
 * followed; if anything was lost, this step of it counts as not told.
 */
bool state_known(const struct kstate *b, const struct kreq *req);
bool state_follow(struct kstate *b, const struct kreq *req);

int state_tell(struct kstate *b, const struct ctf_event *event);

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
int state_take(struct kstate *b, struct kreq *req, const struct raw_ring *at,
	       const uint8_t *slot, uint64_t t_ns);

/* What the slot of a request says, by the layouts of blkif.h. */
struct kslot {
	uint8_t op;
	uint16_t segments;
	uint64_t id, sector;
};
struct kslot state_slot_read(const uint8_t *slot, bool is_32);

/*
 * The entry `idx` alone was published, and the peer notified or not: the index
 * at which it wants to be is that before, or after, which it may have changed
 * meanwhile.
 */
int state_publish(struct kstate *b, const struct kring *ring, enum ev_side side,
		  uint32_t idx, const uint32_t event[2], bool notified,
		  uint64_t t_ns);

/* Where a free-running index lies in the ring. */
uint16_t state_slot(const struct kring *ring, uint32_t idx);

/*
 * One for each raw_what: what it means, told.  0, -ENOMEM, or what the call of
 * an event returned.
 */
/* request.c */
int on_map(struct kstate *b, const void *raw);
int on_mapped(struct kstate *b, const void *raw);
int on_map_end(struct kstate *b, const void *raw);
int on_unmapped(struct kstate *b, const void *raw);
int on_submit(struct kstate *b, const void *raw);
int on_done(struct kstate *b, const void *raw);
int on_discard(struct kstate *b, const void *raw);
int on_discarded(struct kstate *b, const void *raw);

/* answer.c */
int on_respond(struct kstate *b, const void *raw);
int on_responded(struct kstate *b, const void *raw);
int on_notify(struct kstate *b, const void *raw);
int on_wakeup(struct kstate *b, const void *raw);
int on_eoi(struct kstate *b, const void *raw);

/* front.c */
int on_interrupt(struct kstate *b, const void *raw);
int on_push(struct kstate *b, const void *raw);
int on_publish(struct kstate *b, const void *raw);
int on_complete(struct kstate *b, const void *raw);
int on_taken(struct kstate *b, const void *raw);
int on_grant(struct kstate *b, const void *raw);
int on_grant_end(struct kstate *b, const void *raw);
int on_front(struct kstate *b, const void *raw);
int on_gone(struct kstate *b, const void *raw);
int on_front_xenbus(struct kstate *b, const void *raw);

/* xenbus.c: the handshake, and how a ring comes and goes */
bool xenbus_device_of(const struct kstate *b, const char *path, uint16_t *domid,
		      uint32_t *devid);
int on_state(struct kstate *b, const void *raw);
int on_seen(struct kstate *b, const void *raw);
int on_remove(struct kstate *b, const void *raw);
int on_read(struct kstate *b, const void *raw);
int on_write(struct kstate *b, const void *raw);
int on_port(struct kstate *b, const void *raw);
int on_bind(struct kstate *b, const void *raw);
int on_grants(struct kstate *b, const void *raw);
int on_ring(struct kstate *b, const void *raw);
int on_status(struct kstate *b, const void *raw);
int on_disconnect(struct kstate *b, const void *raw);

#endif
