/* SPDX-License-Identifier: MIT */
#include "tests/conformance/peer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xen/desk/guest.h"

#define MAKE_ENTRIES(room, slot) (1u << (31 - __builtin_clz((room) / (slot))))

/* ---- pages --------------------------------------------------------------- */

static uint8_t *pages_new(struct peer *p, unsigned n)
{
	uint8_t *mem = desk_guest_alloc(p->guest, n);

	must(mem, "the domain has no %u pages left", n);
	return mem;
}

static uint32_t grant(struct peer *p, const uint8_t *mem, bool readonly)
{
	int gref = desk_guest_grant(p->guest, 0, mem, readonly);

	must(gref >= 0, "no grant left");
	return (uint32_t)gref;
}

struct page page_new(struct peer *p, bool readonly)
{
	struct page page = { .mem = pages_new(p, 1) };

	page.gref = grant(p, page.mem, readonly);
	return page;
}

int page_end(struct peer *p, struct page *page)
{
	return desk_guest_grant_end(p->guest, page->gref);
}

void page_free(struct peer *p, struct page *page)
{
	same("result of taking a grant back", page_end(p, page), 0);
	desk_guest_free(p->guest, page->mem, 1);
}

/* ---- connecting ---------------------------------------------------------- */

static void ring_make(struct peer *p, struct ring *r)
{
	const struct xen_evtchn_ops *ops = &p->guest->ops->evtchn;
	unsigned i;
	int port;

	memset(r, 0, sizeof(*r));
	r->peer = p;
	r->pages = 1u << p->order;
	r->mem = pages_new(p, r->pages);
	r->entries = MAKE_ENTRIES(r->pages * PAGE - 64, slot_bytes(r));
	for (i = 0; i < r->pages; i++)
		r->gref[i] = grant(p, r->mem + i * PAGE, false);
	port = ops->alloc_unbound(p->ports, 0);
	must(port > 0, "no port: %s", strerror(-port));
	r->port = (uint32_t)port;
	r->event = 1;
	index_set(r, REQ_EVENT, 1);
	index_set(r, RSP_EVENT, 1);
}

void rings_make(struct peer *p)
{
	unsigned i;

	if (!p->queues)
		p->queues = 1;
	for (i = 0; i < p->queues; i++)
		ring_make(p, &p->ring[i]);
}

void ring_begin_at(struct ring *r, uint32_t idx)
{
	r->req_prod = r->rsp_cons = idx;
	r->event = idx + 1;
	index_set(r, REQ_PROD, idx);
	index_set(r, REQ_EVENT, idx + 1);
	index_set(r, RSP_PROD, idx);
	index_set(r, RSP_EVENT, idx + 1);
}

void rings_free(struct peer *p)
{
	unsigned i, j;

	for (i = 0; i < p->queues; i++) {
		struct ring *r = &p->ring[i];

		for (j = 0; j < r->pages; j++)
			same("result of taking a ring's grant back",
			     desk_guest_grant_end(p->guest, r->gref[j]), 0);
		desk_guest_free(p->guest, r->mem, r->pages);
		p->guest->ops->evtchn.unbind(p->ports, r->port);
		r->mem = NULL;
	}
}

static void ring_keys_write(struct peer *p, const struct ring *r,
			    const char *prefix)
{
	char key[48];
	unsigned i;

	if (!p->order) {
		snprintf(key, sizeof(key), "%sring-ref", prefix);
		front_put(p, key, "%u", r->gref[0]);
	}
	for (i = 0; p->order && i < r->pages; i++) {
		snprintf(key, sizeof(key), "%sring-ref%u", prefix, i);
		front_put(p, key, "%u", r->gref[i]);
	}
	snprintf(key, sizeof(key), "%sevent-channel", prefix);
	front_put(p, key, "%u", r->port);
}

void keys_write(struct peer *p)
{
	char prefix[24] = "";
	unsigned i;

	if (p->order)
		front_put(p, "ring-page-order", "%u", p->order);
	if (p->queues > 1)
		front_put(p, "multi-queue-num-queues", "%u", p->queues);
	for (i = 0; i < p->queues; i++) {
		if (p->queues > 1)
			snprintf(prefix, sizeof(prefix), "queue-%u/", i);
		ring_keys_write(p, &p->ring[i], prefix);
	}
	if (p->abi != ABI_NONE)
		front_put(p, "protocol", "%s",
			  p->abi == ABI_64 ? "x86_64-abi" : "x86_32-abi");
	if (p->persistent)
		front_put(p, "feature-persistent", "1");
}

void keys_remove(struct peer *p)
{
	static const char *const key[] = {
		"ring-page-order", "multi-queue-num-queues",
		"ring-ref",	   "event-channel",
		"protocol",	   "feature-persistent",
	};
	char name[24];
	unsigned i;

	for (i = 0; i < sizeof(key) / sizeof(key[0]); i++)
		front_rm(p, key[i]);
	for (i = 0; i < QUEUES_MAX; i++) {
		snprintf(name, sizeof(name), "ring-ref%u", i);
		front_rm(p, name);
		snprintf(name, sizeof(name), "queue-%u", i);
		front_rm(p, name);
	}
}

void peer_connect(struct peer *p)
{
	rings_make(p);
	keys_write(p);
	front_state(p, 3);
	back_wait(p, 4);
	front_state(p, 4);
}

void peer_disconnect(struct peer *p)
{
	front_state(p, 5);
	until(back_number(p, "state") >= 5,
	      "the backend does not follow to 5, it is at %lld",
	      back_number(p, "state"));
	front_state(p, 6);
	back_wait(p, 6);
	rings_free(p);
	keys_remove(p);
}

void peer_reconnect(struct peer *p)
{
	peer_disconnect(p);
	front_state(p, 1);
	back_wait(p, 2);
}

/* ---- the ring's bytes ---------------------------------------------------- */

unsigned slot_bytes(const struct ring *r)
{
	return r->peer->abi == ABI_64 ? 112 : 108;
}

uint8_t *slot_at(const struct ring *r, uint32_t idx)
{
	return r->mem + 64 + (size_t)(idx & (r->entries - 1)) * slot_bytes(r);
}

uint32_t index_get(const struct ring *r, unsigned which)
{
	return __atomic_load_n((uint32_t *)(void *)r->mem + which,
			       __ATOMIC_SEQ_CST);
}

void index_set(struct ring *r, unsigned which, uint32_t value)
{
	__atomic_store_n((uint32_t *)(void *)r->mem + which, value,
			 __ATOMIC_SEQ_CST);
}

static void bytes_put(uint8_t *slot, unsigned off, const void *from, size_t n)
{
	memcpy(slot + off, from, n);
}

struct req req_io(enum op op, uint64_t sector, const struct page *page,
		  unsigned first, unsigned last)
{
	struct req q = { .op = (uint8_t)op, .sector = sector };

	if (page) {
		q.nr = 1;
		q.seg[0] = (struct seg){ page->gref, (uint8_t)first,
					 (uint8_t)last };
	}
	return q;
}

void put(struct ring *r, const struct req *q)
{
	unsigned id = r->peer->abi == ABI_64 ? 8 : 4, body = id + 16, i;
	uint8_t *s = slot_at(r, r->req_prod++);

	s[0] = q->op;
	bytes_put(s, id, &q->id, 8);
	bytes_put(s, id + 8, &q->sector, 8);
	if (q->op == INDIRECT) {
		s[1] = q->inner;
		bytes_put(s, 2, &q->nr_indirect, 2);
		bytes_put(s, body, &q->handle, 2);
		bytes_put(s, body + 4, q->list, sizeof(q->list));
		return;
	}
	s[1] = q->op == DISCARD ? q->flag : q->nr;
	bytes_put(s, 2, &q->handle, 2);
	if (q->op == DISCARD) {
		bytes_put(s, body, &q->nr_sectors, 8);
		return;
	}
	for (i = 0; i < SEGS_MAX; i++) {
		uint8_t *at = s + body + i * 8;

		bytes_put(at, 0, &q->seg[i].gref, 4);
		at[4] = q->seg[i].first;
		at[5] = q->seg[i].last;
	}
}

void notify(struct ring *r)
{
	r->peer->guest->ops->evtchn.notify(r->peer->ports, r->port);
}

void push(struct ring *r)
{
	index_set(r, REQ_PROD, r->req_prod);
	notify(r);
}

/*
 * The backend sleeps: it asked to be notified of the next request, after all
 * that it had to answer.
 */
void settle(struct ring *r)
{
	uint64_t soon = patience_soon();
	bool asked = false;

	while (!asked && index_get(r, REQ_EVENT) != r->req_prod + 1) {
		asked = index_get(r, REQ_EVENT) != r->event;
		must(asked || !patience_over(soon),
		     "RG-31: the backend never asked to be woken "
		     "(ring_back_final_check(), lab 5's step 7): expected "
		     "req_event to be %u, it is %u as in the beginning",
		     r->req_prod + 1, r->event);
	}
	until(index_get(r, REQ_EVENT) == r->req_prod + 1,
	      "expected req_event to be %u before the backend sleeps, saw %u",
	      r->req_prod + 1, index_get(r, REQ_EVENT));
}

/* Has a notification come since the last look? */
bool heard(struct ring *r)
{
	const struct xen_evtchn_ops *ops = &r->peer->guest->ops->evtchn;
	int port = ops->pending(r->peer->ports);

	if (port == -EAGAIN)
		return false;
	same("the port that was notified", port, r->port);
	ops->unmask(r->peer->ports, r->port);
	return true;
}

struct rsp take(struct ring *r)
{
	struct rsp rsp = { 0 };
	uint8_t *s;

	until(index_get(r, RSP_PROD) != r->rsp_cons,
	      "no response to request %u: rsp_prod is %u, req_prod %u",
	      r->rsp_cons, index_get(r, RSP_PROD), index_get(r, REQ_PROD));
	s = slot_at(r, r->rsp_cons++);
	memcpy(rsp.raw, s, sizeof(rsp.raw));
	memcpy(&rsp.id, s, 8);
	rsp.op = s[8];
	memcpy(&rsp.status, s + 10, 2);
	return rsp;
}

struct rsp ask(struct ring *r, const struct req *q)
{
	struct rsp rsp;

	put(r, q);
	push(r);
	rsp = take(r);
	must(rsp.id == q->id, "expected the id %llx echoed, saw %llx",
	     (unsigned long long)q->id, (unsigned long long)rsp.id);
	return rsp;
}

void served(struct ring *r, const struct req *q, int status)
{
	char what[96];

	snprintf(what, sizeof(what),
		 "status of operation %u, %u segments, sector %llu", q->op,
		 q->nr, (unsigned long long)q->sector);
	same(what, ask(r, q).status, status);
}

void refused(struct ring *r, const struct req *q, int status, const char *rule)
{
	char device[64], words[32];
	long at;

	served(r, q, status);
	if (r->named++ >= 5) /* the log holds back what goes beyond */
		return;
	snprintf(device, sizeof(device), "domain %u device %u ", r->peer->domid,
		 r->peer->devid);
	snprintf(words, sizeof(words), "by rule %s: ", rule);
	until((at = log_find(r->peer->log, device, words)),
	      "the log does not say that a request of operation %u was refused "
	      "\"%s\"",
	      q->op, words);
	r->peer->log = at;
}

void data_check(struct ring *r, uint64_t sector, uint8_t seed)
{
	struct page out = page_new(r->peer, true);
	struct page in = page_new(r->peer, false);
	struct req q = req_io(WRITE, sector, &out, 0, 7);
	unsigned i;

	for (i = 0; i < PAGE; i++)
		out.mem[i] = (uint8_t)(seed + i + i / 256);
	q.id = 0x5eed0000u + seed;
	served(r, &q, 0);
	q = req_io(READ, sector, &in, 0, 7);
	q.id = 0x5eed8000u + seed;
	served(r, &q, 0);
	must(!memcmp(out.mem, in.mem, PAGE),
	     "what was written at sector %llu is not what was read",
	     (unsigned long long)sector);
	if (r->peer->persistent)
		return; /* they stay mapped */
	page_free(r->peer, &out);
	page_free(r->peer, &in);
}
