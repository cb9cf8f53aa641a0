/* SPDX-License-Identifier: MIT */
/* XB-19: however a disk goes, nothing of it stays. */
#include <stdio.h>

#include "tests/conformance/nbd.h"

/* Just now in state 6: nothing may be mapped or bound. */
static void all_free(struct peer *p, uint32_t bound)
{
	rings_free(p);
	same("ends of channels bound in state 6", ports_bound(), bound);
	p->ring[0].mem = NULL;
}

static void xb_19(void)
{
	uint32_t bound = ports_bound();
	struct nbd *n;
	struct peer p, other;
	struct page page;
	struct req q;

	n = nbd_begin(&p, 51712);
	peer_connect(&p);
	page = page_new(&p, false);
	q = req_io(WRITE, 0, &page, 0, 7);
	/* A frontend that closes: with a request in flight. */
	nbd_hold(n, 1u << NBD_WRITE);
	put(&p.ring[0], &q);
	push(&p.ring[0]);
	nbd_wait(n, 1);
	peer_offline(&p);
	back_wait(&p, 5);
	/* 5 was the toolstack's word; what comes later was answered. */
	peer_begin(&other, 51728);
	same("the backend's state while the frontend stays",
	     back_number(&p, "state"), 5);
	peer_end(&other);
	front_state(&p, 6);
	nbd_hold(n, 0);
	back_wait(&p, 6);
	same("responses", index_get(&p.ring[0], RSP_PROD), 1);
	page_free(&p, &page);
	all_free(&p, bound);
	nbd_end(n, &p);
}

static void xb_19_stays(void)
{
	uint32_t bound = ports_bound();
	struct peer p;

	peer_begin(&p, 51712);
	peer_connect(&p);
	peer_offline(&p);
	back_wait(&p, 5);
	data_check(&p.ring[0], 0, 11); /* as long as there is grace */
	back_wait(&p, 6);	       /* it never closes */
	all_free(&p, bound);
	peer_end(&p);
}

static void xb_19_never(void)
{
	struct peer p;

	/* Not connected at all. */
	peer_begin(&p, 51712);
	peer_offline(&p);
	back_wait(&p, 6);
	peer_end(&p);
	/* Refused, and it does not move. */
	peer_begin(&p, 51712);
	front_state(&p, 3);
	refused_by(&p, "XB-03");
	peer_offline(&p);
	back_wait(&p, 6);
	peer_end(&p);
}

/* Its directory goes while it is connected: there is nothing to be said. */
static void xb_19_gone(void)
{
	uint32_t bound = ports_bound();
	struct peer p;

	peer_begin(&p, 51712);
	peer_connect(&p);
	data_check(&p.ring[0], 0, 13);
	p.tool->ops->store.rm(p.tool, 0, p.back);
	until(ports_bound() <= bound && !counters_of(&p).mappings,
	      "expected the channel unbound and the ring unmapped, saw %u "
	      "ends bound and %u pages mapped",
	      ports_bound() - bound, counters_of(&p).mappings);
	rings_free(&p);
	must(!back_get(&p, "state"),
	     "the directory was removed, and written again: state is %s",
	     back_get(&p, "state"));
	p.ring[0].mem = NULL;
	peer_remove(&p);
	peer_shut(&p);
}

const struct conf_case removal_rules[] = {
	{ "XB-19 removal with a request in flight", xb_19, NULL },
	{ "XB-19 removal from a frontend that stays", xb_19_stays,
	  "--grace 300" },
	{ "XB-19 a directory that goes", xb_19_gone, NULL },
	{ "XB-19 removal before a connection", xb_19_never, NULL },
	{ 0 }
};
