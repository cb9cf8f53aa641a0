/* SPDX-License-Identifier: MIT */
/* RG: indices, responses, notifications. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/nbd.h"

static const enum abi every_abi[] = { ABI_64, ABI_32, ABI_NONE };

/* A request that needs no page. */
static struct req flush(uint64_t id)
{
	return (struct req){ .op = FLUSH, .id = id };
}

/* ---- indices ------------------------------------------------------------- */

static void full_ring(struct ring *r)
{
	unsigned i;

	for (i = 0; i < r->entries; i++)
		put(r, &(struct req){ .op = FLUSH, .id = i });
	push(r);
	for (i = 0; i < r->entries; i++)
		same("status", take(r).status, 0);
}

static void rg_20(void)
{
	struct peer p;
	unsigned order;

	for (order = 0; order < 2; order++) {
		uint32_t stands;

		peer_begin(&p, 51712);
		p.order = order;
		peer_connect(&p);
		full_ring(&p.ring[0]); /* all that there is room for */
		settle(&p.ring[0]);
		stands = index_get(&p.ring[0], RSP_PROD);
		p.ring[0].req_prod = stands + p.ring[0].entries + 1;
		push(&p.ring[0]);
		refused_by(&p, "RG-20");
		same("rsp_prod after it", index_get(&p.ring[0], RSP_PROD),
		     stands);
		peer_end(&p);
	}
}

static void laps(struct ring *r, unsigned n)
{
	unsigned seed = 1, i;

	while (n--) {
		unsigned some = 1 + (unsigned)rand_r(&seed) % r->entries;
		uint32_t prod, cons = r->rsp_cons;

		for (i = 0; i < some; i++)
			put(r, &(struct req){ .op = FLUSH, .id = i });
		push(r);
		do {
			prod = index_get(r, RSP_PROD);
			must(prod - cons <= some,
			     "rsp_prod went from %u to %u, where req_prod is "
			     "%u",
			     cons, prod, r->req_prod);
			until(index_get(r, RSP_PROD) != prod ||
				      prod == r->req_prod,
			      "rsp_prod stays at %u, where req_prod is %u",
			      prod, r->req_prod);
		} while (prod != r->req_prod);
		while (r->rsp_cons != prod)
			take(r);
	}
}

static void rg_21(void)
{
	struct peer p;

	peer_begin(&p, 51712);
	peer_connect(&p);
	laps(&p.ring[0], 200);
	peer_end(&p);
}

/* The ring begins anywhere, and goes on after 2^32 - 1. */
static void rg_22(void)
{
	const uint32_t start = 0xffffffe8u;
	struct peer p;
	struct ring *r = &p.ring[0];

	peer_begin(&p, 51712);
	rings_make(&p);
	ring_begin_at(r, start);
	keys_write(&p);
	front_state(&p, 3);
	back_wait(&p, 4);
	front_state(&p, 4);
	laps(r, 20);
	must(r->req_prod < start, "the ring did not wrap");
	data_check(r, 0, 1);
	peer_end(&p);
}

static void rg_22_back(void)
{
	struct peer p;
	struct ring *r = &p.ring[0];
	struct req q = flush(1);
	unsigned i;

	peer_begin(&p, 51712);
	peer_connect(&p);
	for (i = 0; i < 5; i++)
		served(r, &q, 0);
	r->req_prod -= 2;
	push(r);
	refused_by(&p, "RG-22");
	same("rsp_prod after it", index_get(r, RSP_PROD), 5);
	peer_end(&p);
}

/* A slot is not looked at again once it was taken. */
static void rg_24(void)
{
	struct peer p;
	struct ring *r = &p.ring[0];
	struct nbd *n = nbd_begin(&p, 51712);
	struct page page;
	struct req q;
	struct rsp rsp;

	peer_connect(&p);
	page = page_new(&p, false);
	memset(page.mem, 0x42, PAGE);
	q = req_io(WRITE, 16, &page, 2, 5);
	q.id = 0x1122334455667788;
	nbd_hold(n, 1u << NBD_WRITE);
	put(r, &q);
	push(r);
	nbd_wait(n, 1);
	memset(slot_at(r, 0), 0xff, slot_bytes(r));
	nbd_hold(n, 0);
	rsp = take(r);
	must(rsp.id == q.id && rsp.op == WRITE && rsp.status == 0,
	     "expected the answer to the slot as it was, saw id %llx, "
	     "operation %u, status %d",
	     (unsigned long long)rsp.id, rsp.op, rsp.status);
	nbd_expect(n, 0, NBD_WRITE, 16 * 512, 4 * 512);
	page_free(&p, &page);
	nbd_end(n, &p);
}

/* ---- responses ----------------------------------------------------------- */

#define MANY 2000u

static struct req some_request(unsigned i, const struct page *page)
{
	struct req q;

	switch (i % 5) {
	case 0:
		q = req_io(READ, i % 64, page, 0, 7);
		break;
	case 1:
		q = req_io(WRITE, i % 64, page, 1, i % 8 ? 3 : 9); /* or bad */
		break;
	case 2:
		q = flush(0);
		break;
	case 3:
		q = (struct req){ .op = (uint8_t)(i % 256) };
		q.op = q.op == FLUSH || q.op == BARRIER ? RESERVED : q.op;
		q.nr = 12;
		break;
	default:
		q = req_io(READ, i % 7 ? 0 : 8190, page, 0, 7);
		q.seg[0].gref = i % 11 ? page->gref : 60000;
	}
	q.id = i;
	return q;
}

static void rg_25(void)
{
	static uint8_t answers[MANY];
	unsigned i, taken = 0, some;
	struct peer p;
	struct ring *r = &p.ring[0];
	struct page page;

	peer_begin(&p, 51712);
	p.order = 1;
	peer_connect(&p);
	page = page_new(&p, false);
	for (i = 0; i < MANY;) {
		some = 1 + i * 7 % r->entries;
		while (some-- && i < MANY &&
		       r->req_prod - r->rsp_cons < r->entries) {
			struct req q = some_request(i++, &page);

			put(r, &q);
		}
		push(r);
		while (taken < i - i % 3) {
			uint64_t id = take(r).id;

			taken++;
			must(id < i && !answers[id]++,
			     "id %llu was answered twice, or never asked",
			     (unsigned long long)id);
		}
	}
	while (taken < MANY) {
		must(!answers[take(r).id]++, "an id was answered twice");
		taken++;
	}
	settle(r);
	same("responses", index_get(r, RSP_PROD), MANY);
	page_free(&p, &page);
	peer_end(&p);
}

static void rg_26(void)
{
	static const uint64_t id[] = { 0, 1, UINT64_MAX, 1ull << 63,
				       0x0102030405060708 };
	struct peer p;
	struct req q = flush(0x7777777777777777);
	unsigned i, j;

	peer_begin(&p, 51712);
	for (i = 0; i < 3; i++) {
		p.abi = every_abi[i];
		peer_connect(&p);
		for (j = 0; j < 5; j++) {
			struct req one = flush(id[j]);

			served(&p.ring[0], &one, 0); /* and the id */
		}
		peer_reconnect(&p);
	}
	/* Two of one id: the backend copes. */
	p.abi = ABI_64;
	peer_connect(&p);
	put(&p.ring[0], &q);
	put(&p.ring[0], &q);
	push(&p.ring[0]);
	for (i = 0; i < 2; i++)
		must(take(&p.ring[0]).id == q.id, "the id is another one");
	peer_end(&p);
}

static void op_echoed(struct ring *r, const struct req *q, uint8_t op)
{
	same("the operation echoed", ask(r, q).op, op);
}

static void rg_27(void)
{
	struct peer p;
	struct req q;
	unsigned i, op;

	peer_begin(&p, 51712);
	for (i = 0; i < 3; i++) {
		p.abi = every_abi[i];
		peer_connect(&p);
		for (op = 0; op < 256; op++) {
			q = (struct req){ .op = (uint8_t)op };
			q.inner = op == INDIRECT ? WRITE : 0;
			op_echoed(&p.ring[0], &q, op == INDIRECT ? WRITE : op);
		}
		q = (struct req){ .op = INDIRECT, .inner = READ };
		op_echoed(&p.ring[0], &q, READ);
		peer_reconnect(&p);
	}
	peer_end(&p);
}

static void rg_28(void)
{
	struct peer p;
	struct ring *r = &p.ring[0];
	struct page page;
	unsigned i;
	int seen[3] = { 0 };

	peer_begin(&p, 51712);
	peer_connect(&p);
	page = page_new(&p, false);
	for (i = 0; i < 300; i++) {
		struct req q = some_request(i, &page);
		int status = ask(r, &q).status;

		must(status <= 0 && status >= -2, "status %d", status);
		seen[-status]++;
	}
	must(seen[0] && seen[1] && seen[2],
	     "expected each status, saw %d, %d, "
	     "%d of 0, -1, -2",
	     seen[0], seen[1], seen[2]);
	page_free(&p, &page);
	peer_end(&p);
}

const struct conf_case ring_rules[] = {
	{ "RG-20 more requests than slots", rg_20, NULL },
	{ "RG-21 responses never more than slots", rg_21, NULL },
	{ "RG-22 indices over 2^32", rg_22, NULL },
	{ "RG-22 req_prod goes back", rg_22_back, NULL },
	{ "RG-24 a slot that changes once taken", rg_24, NULL },
	{ "RG-25 one response for each request", rg_25, NULL },
	{ "RG-26 the id is echoed", rg_26, NULL },
	{ "RG-27 the operation is echoed", rg_27, NULL },
	{ "RG-28 each status, and no other", rg_28, NULL },
	{ 0 }
};
