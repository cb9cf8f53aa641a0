/* SPDX-License-Identifier: MIT */
#include "trace/kernel/state.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_32_ID 4
#define SLOT_64_ID 8
#define QUEUE_NONE 65535u /* the device as a whole */

int state_tell(struct kstate *b, const struct ctf_event *event)
{
	struct ctf_event e = *event;

	e.actor = b->driver->actor;
	if (e.t_ns < b->last_ns && (e.kind == EV_KIND_request_push ||
				    e.kind == EV_KIND_request_respond)) {
		b->untold++;
		return 0;
	}
	if (e.t_ns < b->last_ns)
		e.t_ns = b->last_ns;
	b->last_ns = e.t_ns;
	return b->each(&e, b->user);
}

/* Room for one more element, zeroed, behind the n that there are. */
static void *grown(void *array, size_t n, size_t size)
{
	char *to = reallocarray(array, n + 1, size);

	if (to)
		memset(to + size * n, 0, size);
	return to;
}

struct kring *state_ring(struct kstate *b, const struct raw_ring *raw)
{
	struct kring *r = NULL;
	struct kirq *irq;

	for (size_t i = 0; i < b->rings && !r; i++)
		if (b->ring[i].domid == raw->domid &&
		    b->ring[i].devid == raw->devid &&
		    b->ring[i].queue == raw->queue)
			r = &b->ring[i];
	if (!r) {
		r = grown(b->ring, b->rings, sizeof(*r));
		if (!r)
			return NULL;
		b->ring = r;
		r += b->rings++;
		r->domid = raw->domid;
		r->devid = raw->devid;
		r->queue = raw->queue;
	}
	if (r->addr != raw->addr || r->irq != raw->irq) {
		r->addr = raw->addr;
		r->irq = raw->irq;
		irq = state_irq(b, raw->irq);
		r->port = irq ? irq->port : 0;
		r->indexed = false;
	}
	if (raw->entries)
		r->entries = raw->entries;
	return r;
}

struct kring *state_ring_of_irq(struct kstate *b, uint32_t irq)
{
	for (size_t i = 0; i < b->rings; i++)
		if (b->ring[i].irq == irq)
			return &b->ring[i];
	return NULL;
}

static int by_addr(const void *a, const void *b)
{
	uint64_t x = ((const struct kreq *)a)->addr;
	uint64_t y = ((const struct kreq *)b)->addr;

	return x < y ? -1 : x > y;
}

struct kreq *state_request_find(struct kstate *b, uint64_t addr)
{
	const struct kreq key = { .addr = addr };
	struct kreq **at = tfind(&key, &b->requests, by_addr);

	return at ? *at : NULL;
}

bool state_known(const struct kstate *b, const struct kreq *req)
{
	return req && req->stage != KREQ_FREE && req->losses == b->losses;
}

bool state_follow(struct kstate *b, const struct kreq *req)
{
	bool known = state_known(b, req);

	if (!known && b->losses)
		b->untold++;
	return known;
}

struct kreq *state_request(struct kstate *b, uint64_t addr)
{
	struct kreq *req = state_request_find(b, addr);

	if (req)
		return req;
	req = calloc(1, sizeof(*req));
	if (!req)
		return NULL;
	req->addr = addr;
	if (!tsearch(req, &b->requests, by_addr)) {
		free(req);
		return NULL;
	}
	return req;
}

struct kthr *state_thread(struct kstate *b, uint32_t tid)
{
	struct kthr **at;

	for (size_t i = 0; i < b->threads; i++)
		if (b->thread[i]->tid == tid)
			return b->thread[i];
	at = grown(b->thread, b->threads, sizeof(struct kthr *));
	if (!at)
		return NULL;
	b->thread = at;
	at += b->threads;
	*at = calloc(1, sizeof(**at));
	if (!*at)
		return NULL;
	b->threads++;
	(*at)->tid = tid;
	return *at;
}

struct kcpu *state_cpu(struct kstate *b, uint32_t cpu)
{
	while (b->cpus <= cpu) {
		struct kcpu **at =
			grown(b->cpu, b->cpus, sizeof(struct kcpu *));

		if (!at)
			return NULL;
		b->cpu = at;
		at += b->cpus;
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return NULL;
		b->cpus++;
	}
	return b->cpu[cpu];
}

struct kirq *state_irq(struct kstate *b, uint32_t irq)
{
	struct kirq *at;

	for (size_t i = 0; i < b->irqs; i++)
		if (b->irq[i].irq == irq)
			return &b->irq[i];
	at = grown(b->irq, b->irqs, sizeof(*at));
	if (!at)
		return NULL;
	b->irq = at;
	at += b->irqs++;
	at->irq = irq;
	return at;
}

struct ctf_event event_of_ring(enum ev_kind kind, uint64_t t_ns,
			       const struct kring *ring)
{
	return (struct ctf_event){ .kind = kind,
				   .t_ns = t_ns,
				   .domid = ring->domid,
				   .devid = ring->devid,
				   .queue = ring->queue };
}

struct ctf_event event_of_device(enum ev_kind kind, uint64_t t_ns,
				 uint16_t domid, uint32_t devid)
{
	return (struct ctf_event){ .kind = kind,
				   .t_ns = t_ns,
				   .domid = domid,
				   .devid = devid,
				   .queue = QUEUE_NONE };
}

/* ---- the ring -------------------------------------------------------------
 */

struct kslot state_slot_read(const uint8_t *slot, bool is_32)
{
	unsigned at = is_32 ? SLOT_32_ID : SLOT_64_ID;
	struct kslot s = { .op = slot[0] };

	if (s.op == EV_OP_INDIRECT)
		memcpy(&s.segments, slot + 2, sizeof(s.segments));
	else if (s.op != EV_OP_DISCARD)
		s.segments = slot[1];
	memcpy(&s.id, slot + at, sizeof(s.id));
	memcpy(&s.sector, slot + at + 8, sizeof(s.sector));
	return s;
}

uint16_t state_slot(const struct kring *ring, uint32_t idx)
{
	return ring->entries ? (uint16_t)(idx & (ring->entries - 1)) : 0;
}

int state_publish(struct kstate *b, const struct kring *ring, enum ev_side side,
		  uint32_t idx, const uint32_t event[2], bool notified,
		  uint64_t t_ns)
{
	struct ctf_event e = event_of_ring(EV_KIND_ring_produce, t_ns, ring);
	uint32_t after = idx + 1;
	int err;

	e.value[0].number = side;
	e.value[1].number = idx;
	e.value[2].number = after;
	err = state_tell(b, &e);
	if (err)
		return err;
	e = event_of_ring(EV_KIND_ring_notify, t_ns, ring);
	e.value[0].number = side;
	e.value[1].number = idx;
	e.value[2].number = after;
	e.value[3].number = notified		? after
			    : event[1] == after ? event[0]
						: event[1];
	e.value[4].number = notified;
	return state_tell(b, &e);
}

/* ---- the whole ------------------------------------------------------------
 */

struct kstate *kstate_new(const struct kernel_driver *driver,
			  kernel_event_fn each, void *user)
{
	struct kstate *b = calloc(1, sizeof(*b));

	if (b) {
		b->driver = driver;
		b->each = each;
		b->user = user;
	}
	return b;
}

int kstate_take(struct kstate *b, const struct raw_head *raw, size_t len)
{
	const struct kernel_step *step = b->driver->step;

	if (raw->what >= RAW_WHAT_COUNT || !step[raw->what].on ||
	    len < step[raw->what].len)
		return 0;
	return step[raw->what].on(b, raw);
}

void kstate_lost(struct kstate *b)
{
	b->losses++;
	for (size_t i = 0; i < b->rings; i++)
		b->ring[i].indexed = false;
	for (size_t i = 0; i < b->cpus; i++)
		b->cpu[i]->reqs = b->cpu[i]->answers = 0;
}

uint64_t kstate_untold(const struct kstate *b)
{
	return b->untold;
}

void kstate_free(struct kstate *b)
{
	if (!b)
		return;
	tdestroy(b->requests, free);
	for (size_t i = 0; i < b->threads; i++)
		free(b->thread[i]);
	for (size_t i = 0; i < b->cpus; i++)
		free(b->cpu[i]);
	free(b->thread);
	free(b->cpu);
	order_free(&b->early);
	free(b->ring);
	free(b->irq);
	free(b);
}
