/* SPDX-License-Identifier: MIT */
/* RG: what else a response may hold, and who is woken when: one subject. */
#include <stdio.h>
#include <string.h>

#include "tests/conformance/peer.h"

static const enum abi every_abi[] = { ABI_64, ABI_32, ABI_NONE };

static struct req flush(void)
{
	return (struct req){ .op = FLUSH };
}

/* ---- padding ------------------------------------------------------------- */

#define POISON 0xa5

/*
 * All slots hold a pattern of ours.  A byte of a response that is no field
 * has to be 0 or that, and behind the response nothing changes.
 */
static void padding_try(struct ring *r, const struct req *q)
{
	unsigned bytes = r->peer->abi == ABI_64 ? 16 : 12, i;
	uint8_t before[112], *slot = slot_at(r, r->req_prod);

	memset(slot, POISON, slot_bytes(r));
	put(r, q);
	memcpy(before, slot, slot_bytes(r));
	push(r);
	take(r);
	for (i = 9; i < slot_bytes(r); i++) {
		if (i == 10 || i == 11 || (i < bytes && !slot[i]))
			continue;
		must(slot[i] == before[i],
		     "expected byte %u of the slot to be %02x or 0, saw %02x",
		     i, before[i], slot[i]);
	}
}

static void padding(void)
{
	struct peer p;
	struct page page;
	struct req q[6];
	unsigned i, j;

	peer_begin(&p, 51712);
	for (i = 0; i < 3; i++) {
		p.abi = every_abi[i];
		peer_connect(&p);
		page = page_new(&p, false);
		q[0] = req_io(READ, 0, &page, 0, 7);
		q[1] = req_io(WRITE, 0, &page, 0, 7);
		q[2] = flush();
		q[3] = (struct req){ .op = RESERVED };
		q[4] = (struct req){ .op = DISCARD, .nr_sectors = 8 };
		q[5] = (struct req){ .op = INDIRECT, .inner = READ };
		for (j = 0; j < 60; j++)
			padding_try(&p.ring[0], &q[j % 6]);
		page_free(&p, &page);
		peer_reconnect(&p);
	}
	peer_end(&p);
}

/* ---- notifications ------------------------------------------------------- */

static void asked_at(struct ring *r, uint32_t after)
{
	index_set(r, RSP_EVENT, r->rsp_cons + after);
}

static void not_heard(struct ring *r, const char *when)
{
	settle(r); /* whatever it would notify of, it has */
	must(!heard(r), "expected no notification %s", when);
}

static void rg_30(void)
{
	struct peer p;
	struct ring *r = &p.ring[0];
	struct req q = flush();
	unsigned i;

	peer_begin(&p, 51712);
	peer_connect(&p);
	settle(r);
	heard(r);
	for (i = 0; i < 20; i++) {
		asked_at(r, 3);
		served(r, &q, 0);
		not_heard(r, "of the first of 3 responses");
		served(r, &q, 0);
		not_heard(r, "of the second of 3 responses");
		served(r, &q, 0);
		until(heard(r), "no notification of the third response");
		asked_at(r, 0); /* that is over */
		served(r, &q, 0);
		not_heard(r, "of a response after the one asked for");
		asked_at(r, 1000);
		served(r, &q, 0);
		not_heard(r, "of a response long before the one asked for");
	}
	asked_at(r, 5);
	for (i = 0; i < 8; i++)
		put(r, &q);
	push(r);
	for (i = 0; i < 8; i++)
		take(r);
	until(heard(r), "no notification of the fifth of 8 responses");
	not_heard(r, "twice");
	peer_end(&p);
}

/* The same around 2^32 - 1, where a plain comparison of indices goes wrong. */
static void rg_30_wrap(void)
{
	const uint32_t start = 0xffffffe0u;
	struct peer p;
	struct ring *r = &p.ring[0];
	struct req q = flush();

	peer_begin(&p, 51712);
	rings_make(&p);
	ring_begin_at(r, start);
	keys_write(&p);
	front_state(&p, 3);
	back_wait(&p, 4);
	front_state(&p, 4);
	settle(r);
	heard(r);
	while (r->req_prod - start < 64) {
		asked_at(r, 2);
		served(r, &q, 0);
		not_heard(r, "of the first of 2 responses");
		put(r, &q);
		put(r, &q);
		push(r);
		take(r);
		take(r);
		until(heard(r), "no notification of response %u",
		      r->rsp_cons - 1);
	}
	peer_end(&p);
}

static void rg_32(void)
{
	struct peer p;
	struct ring *r = &p.ring[0];
	struct req q = flush();
	struct stats_queue s;
	unsigned i;

	peer_begin(&p, 51712);
	peer_connect(&p);
	served(r, &q, 0);
	settle(r);
	s = stats_of(&p);
	for (i = 1; i <= 10; i++) {
		notify(r);
		until(stats_of(&p).spurious >= s.spurious + i,
		      "expected %llu wake-ups for nothing to be counted, saw "
		      "%llu",
		      (unsigned long long)s.spurious + i,
		      (unsigned long long)stats_of(&p).spurious);
	}
	must(stats_of(&p).wakeups >= s.wakeups + 10,
	     "a wake-up for nothing is no wake-up");
	peer_end(&p);
}

/* ---- RQ-40, which is counted likewise ------------------------------------ */

static void rq_40(void)
{
	struct req whole = { .op = DISCARD, .sector = 8, .nr_sectors = 16 };
	struct req odd = { .op = DISCARD, .sector = 9, .nr_sectors = 3 };
	struct page page;
	struct peer p;
	struct ring *r = &p.ring[0];
	struct req q;
	unsigned i;

	peer_begin(&p, 51712);
	same("discard-granularity", back_number(&p, "discard-granularity"),
	     4096);
	peer_connect(&p);
	page = page_new(&p, false);
	memset(page.mem, 0x11, PAGE);
	q = req_io(WRITE, 8, &page, 0, 7);
	served(r, &q, 0);
	served(r, &odd, 0);
	until(stats_of(&p).tolerated == 1,
	      "expected 1 tolerated request, saw %llu",
	      (unsigned long long)stats_of(&p).tolerated);
	/* Of what was asked, every sector and no other. */
	q = req_io(READ, 8, &page, 0, 7);
	served(r, &q, 0);
	for (i = 0; i < PAGE; i++)
		same("a byte", page.mem[i],
		     i / 512 >= 1 && i / 512 < 4 ? 0 : 0x11);
	served(r, &whole, 0);
	settle(r);
	same("tolerated requests", (long long)stats_of(&p).tolerated, 1);
	page_free(&p, &page);
	peer_end(&p);
}

const struct conf_case notify_rules[] = {
	{ "RG-29 bytes between the fields of a response", padding, NULL },
	{ "XSA-216 bytes between the fields of a response", padding, NULL },
	{ "RG-30 notified of what was asked for", rg_30, NULL },
	{ "RG-30 notified across 2^32", rg_30_wrap, NULL },
	{ "RG-32 wake-ups for nothing are counted", rg_32, NULL },
	{ "RQ-40 a discard that is not aligned", rq_40, NULL },
	{ 0 }
};
