/* SPDX-License-Identifier: MIT */
/* RG: the indices while the storage has requests and does not answer. */
#include "tests/conformance/nbd.h"

static struct req flush(uint64_t id)
{
	return (struct req){ .op = FLUSH, .id = id };
}

/* `n` more, which are taken, and stay in flight. */
static void in_flight(struct ring *r, struct nbd *n, unsigned count)
{
	struct req q = flush(1);
	unsigned i;

	nbd_hold(n, 1u << NBD_FLUSH);
	for (i = 0; i < count; i++)
		put(r, &q);
	push(r);
	nbd_wait(n, count);
	settle(r);
}

static void all_answered(struct ring *r, struct nbd *n, unsigned count)
{
	nbd_hold(n, 0);
	until(index_get(r, RSP_PROD) == count,
	      "expected %u responses to what was in flight, saw %u", count,
	      index_get(r, RSP_PROD));
}

/*
 * A slot is free when its response is written, not when its request was
 * taken: with `count` in flight there is room for that many fewer.
 */
static void beyond(unsigned count)
{
	struct peer p;
	struct ring *r = &p.ring[0];
	struct nbd *n = nbd_begin(&p, 51712);
	struct req q = flush(2);

	peer_connect(&p);
	in_flight(r, n, count);
	while (r->req_prod < r->entries + 1)
		put(r, &q);
	push(r);
	refused_by(&p, "RG-20");
	same("requests that the storage has", nbd_asked(n), count);
	all_answered(r, n, count);
	nbd_end(n, &p);
}

static void rg_20_in_flight(void)
{
	beyond(20);
	beyond(32); /* all that there is room for */
}

/* Among requests that were taken and are not answered. */
static void rg_22_back_in_flight(void)
{
	struct peer p;
	struct ring *r = &p.ring[0];
	struct nbd *n = nbd_begin(&p, 51712);

	peer_connect(&p);
	in_flight(r, n, 4);
	r->req_prod -= 2;
	push(r);
	refused_by(&p, "RG-22");
	all_answered(r, n, 4);
	nbd_end(n, &p);
}

static void rg_23(void)
{
	struct peer p;
	struct ring *r = &p.ring[0];
	struct nbd *n = nbd_begin(&p, 51712);
	struct page page;
	struct req q;
	unsigned i;

	peer_connect(&p);
	page = page_new(&p, false);
	/* Nothing is answered that was not asked for, or is not done. */
	nbd_hold(n, 1u << NBD_READ);
	q = req_io(READ, 8, &page, 0, 0);
	for (i = 0; i < 4; i++)
		put(r, &q);
	q = flush(99);
	put(r, &q);
	push(r);
	nbd_wait(n, 5);
	same("the id of what is done", (long long)take(r).id, 99);
	settle(r);
	same("rsp_prod while the storage has 4 of 5 requests",
	     index_get(r, RSP_PROD), 1);
	nbd_hold(n, 0);
	for (i = 0; i < 4; i++)
		take(r);
	settle(r);
	same("rsp_prod after 5 requests", index_get(r, RSP_PROD), 5);
	page_free(&p, &page);
	nbd_end(n, &p);
}

const struct conf_case flight_rules[] = {
	{ "RG-20 more requests than slots while some are in flight",
	  rg_20_in_flight, NULL },
	{ "RG-22 req_prod goes back among requests in flight",
	  rg_22_back_in_flight, NULL },
	{ "RG-23 no response before its request is done", rg_23, NULL },
	{ 0 }
};
