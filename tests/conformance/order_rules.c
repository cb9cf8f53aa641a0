/* SPDX-License-Identifier: MIT */
/* RQ: what the storage is asked, in which sectors and in which order. */
#include <stdio.h>
#include <string.h>

#include "tests/conformance/nbd.h"

#define ENOTSUP_NBD 95u
#define EIO_NBD	    5u

static void put_id(struct ring *r, struct req q, uint64_t id)
{
	q.id = id;
	put(r, &q);
}

static void take_id(struct ring *r, uint64_t id, int status)
{
	struct rsp rsp = take(r);

	same("the id of the next response", (long long)rsp.id, (long long)id);
	same("its status", rsp.status, status);
}

/* Writes, a barrier with or without data, a write; the storage is slow. */
static void barrier_try(struct ring *r, struct nbd *n, struct page *page,
			bool data)
{
	struct req q = req_io(WRITE, 0, page, 0, 0), b = { .op = BARRIER };
	unsigned at = nbd_asked(n), i;

	nbd_hold(n, 1u << NBD_WRITE);
	for (i = 0; i < 3; i++) {
		q.sector = i;
		put_id(r, q, i);
	}
	if (data)
		b = req_io(BARRIER, 8, page, 0, 3);
	put_id(r, b, 3);
	q.sector = 32;
	put_id(r, q, 4);
	push(r);
	nbd_wait(n, at + 3);
	settle(r);
	same("commands before the first writes are done", nbd_asked(n), at + 3);
	nbd_hold(n, 1u << NBD_FLUSH);
	nbd_wait(n, at + 4);
	settle(r);
	same("commands before the barrier's flush is done", nbd_asked(n),
	     at + 4);
	nbd_hold(n, 0);
	for (i = 0; i < 3; i++)
		take(r);
	take_id(r, 3, 0);
	take_id(r, 4, 0);
	for (i = 0; i < 3; i++)
		nbd_expect(n, at + i, NBD_WRITE, i * 512, 512);
	nbd_expect(n, at + 3, NBD_FLUSH, 0, 0);
	if (data) {
		nbd_expect(n, at + 4, NBD_WRITE, 8 * 512, 4 * 512);
		nbd_expect(n, at + 5, NBD_FLUSH, 0, 0);
	}
	nbd_expect(n, at + (data ? 6 : 4), NBD_WRITE, 32 * 512, 512);
	same("commands in all", nbd_asked(n), at + (data ? 7 : 5));
}

static void rq_42(void)
{
	struct peer p;
	struct nbd *n = nbd_begin(&p, 51712);
	struct page page;

	peer_connect(&p);
	page = page_new(&p, false);
	barrier_try(&p.ring[0], n, &page, true);
	barrier_try(&p.ring[0], n, &page, false);
	page_free(&p, &page);
	nbd_end(n, &p);
}

static void rq_43(void)
{
	struct peer p;
	struct nbd *n = nbd_begin(&p, 51712);
	struct ring *r = &p.ring[0];
	struct page page;
	struct req q = { .op = FLUSH };

	peer_connect(&p);
	page = page_new(&p, false);
	nbd_hold(n, 1u << NBD_FLUSH);
	put_id(r, q, 1);
	push(r);
	nbd_wait(n, 1);
	settle(r);
	nbd_expect(n, 0, NBD_FLUSH, 0, 0);
	same("responses before the storage has flushed", index_get(r, RSP_PROD),
	     0);
	nbd_hold(n, 0);
	take_id(r, 1, 0);
	/* It cannot: that is no success. */
	nbd_error(n, NBD_FLUSH, EIO_NBD);
	served(r, &q, -1);
	q.op = BARRIER;
	served(r, &q, -1);
	nbd_error(n, NBD_FLUSH, 0);
	/* With data: the cache first, then the data. */
	q = req_io(FLUSH, 8, &page, 0, 7);
	served(r, &q, 0);
	nbd_expect(n, 3, NBD_FLUSH, 0, 0);
	nbd_expect(n, 4, NBD_WRITE, 8 * 512, PAGE);
	page_free(&p, &page);
	nbd_end(n, &p);
}

static void rq_44(void)
{
	struct peer p;
	struct nbd *n = nbd_begin(&p, 51712);
	struct ring *r = &p.ring[0];
	struct page page;
	struct req q = { .op = DISCARD, .sector = 8, .nr_sectors = 8 };

	peer_connect(&p);
	page = page_new(&p, false);
	same("feature-discard", back_number(&p, "feature-discard"), 1);
	served(r, &q, 0);
	nbd_expect(n, 0, NBD_TRIM, 8 * 512, 8 * 512);
	/* Offered, and not possible after all. */
	nbd_error(n, NBD_TRIM, ENOTSUP_NBD);
	served(r, &q, -2);
	nbd_error(n, NBD_TRIM, EIO_NBD);
	served(r, &q, -1);
	nbd_error(n, NBD_FLUSH, ENOTSUP_NBD);
	q = (struct req){ .op = FLUSH };
	served(r, &q, -2);
	q.op = BARRIER;
	served(r, &q, -2);
	/* And the disk goes on. */
	data_check(r, 0, 17);
	page_free(&p, &page);
	nbd_end(n, &p);
}

/* A disk with sectors of 4096 bytes, counted in 512. */
static void rq_39(void)
{
	static const char *const more[] = { "ringside-sector-size", "4096",
					    NULL };
	struct page page;
	struct ring *r;
	struct peer p;
	struct req q;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, &(struct attach){ .target = "mem:4M", .more = more });
	peer_connect(&p);
	same("sector-size", back_number(&p, "sector-size"), 4096);
	r = &p.ring[0];
	page = page_new(&p, false);
	data_check(r, 8, 39);
	q = req_io(READ, 1, &page, 0, 7); /* a place that is none */
	refused(r, &q, -1, "RQ-39");
	q = req_io(WRITE, 8, &page, 0, 3); /* half a sector */
	refused(r, &q, -1, "RQ-39");
	q = req_io(READ, 8, &page, 1, 7);
	refused(r, &q, -1, "RQ-39");
	q = (struct req){ .op = DISCARD, .sector = 8, .nr_sectors = 4 };
	refused(r, &q, -1, "RQ-39");
	q.nr_sectors = 8;
	served(r, &q, 0);
	page_free(&p, &page);
	peer_end(&p);
}

const struct conf_case order_rules[] = {
	{ "RQ-39 parts of large sectors", rq_39, NULL },
	{ "RQ-42 what is before and after a barrier", rq_42, NULL },
	{ "RQ-43 a flush ends when the storage has flushed", rq_43, NULL },
	{ "RQ-44 an offered operation that the storage cannot do", rq_44,
	  NULL },
	{ 0 }
};
