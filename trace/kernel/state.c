/* SPDX-License-Identifier: MIT */
#include "trace/kernel/state.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_NONE 65535u /* the device as a whole */

int state_tell(struct blkback *b, const struct ctf_event *event)
{
	return b->each(event, b->user);
}

/* Room for one more element, zeroed, behind the n that there are. */
static void *grown(void *array, size_t n, size_t size)
{
	char *to = reallocarray(array, n + 1, size);

	if (to)
		memset(to + size * n, 0, size);
	return to;
}

struct kring *state_ring(struct blkback *b, const struct raw_ring *raw)
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

struct kring *state_ring_of_irq(struct blkback *b, uint32_t irq)
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

struct kreq *state_request_find(struct blkback *b, uint64_t addr)
{
	const struct kreq key = { .addr = addr };
	struct kreq **at = tfind(&key, &b->requests, by_addr);

	return at ? *at : NULL;
}

struct kreq *state_request(struct blkback *b, uint64_t addr)
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

struct kthr *state_thread(struct blkback *b, uint32_t tid)
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

struct kcpu *state_cpu(struct blkback *b, uint32_t cpu)
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

struct kirq *state_irq(struct blkback *b, uint32_t irq)
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

void state_free(struct blkback *b)
{
	tdestroy(b->requests, free);
	for (size_t i = 0; i < b->threads; i++)
		free(b->thread[i]);
	for (size_t i = 0; i < b->cpus; i++)
		free(b->cpu[i]);
	free(b->thread);
	free(b->cpu);
	free(b->ring);
	free(b->irq);
}

struct ctf_event event_of_ring(enum ev_kind kind, uint64_t t_ns,
			       const struct kring *ring)
{
	return (struct ctf_event){ .kind = kind,
				   .t_ns = t_ns,
				   .actor = EV_ACTOR_BACKEND,
				   .domid = ring->domid,
				   .devid = ring->devid,
				   .queue = ring->queue };
}

struct ctf_event event_of_device(enum ev_kind kind, uint64_t t_ns,
				 uint16_t domid, uint32_t devid)
{
	return (struct ctf_event){ .kind = kind,
				   .t_ns = t_ns,
				   .actor = EV_ACTOR_BACKEND,
				   .domid = domid,
				   .devid = devid,
				   .queue = QUEUE_NONE };
}
