/* SPDX-License-Identifier: MIT */
/* GR: what is mapped, how, and until when. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/conformance/nbd.h"

#define KEEP	 1056u /* pages that a queue keeps */
#define BAD_GREF 60000u

static struct req full_request(enum op op, uint64_t sector,
			       const struct page *page, unsigned n)
{
	struct req q = { .op = (uint8_t)op,
			 .nr = (uint8_t)n,
			 .sector = sector };
	unsigned i;

	for (i = 0; i < n; i++)
		q.seg[i] = (struct seg){ page[i].gref, 0, 7 };
	return q;
}

static void pages_new_all(struct peer *p, struct page *page, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		page[i] = page_new(p, false);
}

static void pages_free_all(struct peer *p, struct page *page, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		page_free(p, &page[i]);
}

/* ---- mapped for one request ---------------------------------------------- */

/* As soon as the response is there, the pages are the frontend's. */
static void gr_46(void)
{
	struct page page[8 * SEGS_MAX];
	struct peer p;
	struct ring *r = &p.ring[0];
	unsigned round, i, j;

	peer_begin(&p, 51712);
	peer_connect(&p);
	for (round = 0; round < 300; round++) {
		unsigned n = 1 + round % 8;
		uint32_t end = r->req_prod + n;

		pages_new_all(&p, page, n * SEGS_MAX);
		for (i = 0; i < n; i++) {
			struct req q =
				full_request(round & 1 ? READ : WRITE, i * 88,
					     page + i * SEGS_MAX, SEGS_MAX);

			q.id = i;
			put(r, &q);
		}
		push(r);
		while (r->rsp_cons != end) {
			uint32_t prod = index_get(r, RSP_PROD);

			if (prod == r->rsp_cons) {
				take(r); /* waits, and one is behind us */
				r->rsp_cons--;
				continue;
			}
			while (r->rsp_cons != prod) {
				i = (unsigned)take(r).id * SEGS_MAX;
				for (j = 0; j < SEGS_MAX; j++)
					page_free(&p, &page[i + j]);
			}
		}
	}
	peer_end(&p);
}

/*
 * What one look at the ring takes is mapped by one call of the hypervisor, and
 * unmapped by one; also where a request of it fails.
 */
static void gr_46_calls(void)
{
	enum { N = 32 };
	struct desk_tally before, after;
	struct page page[N];
	struct peer p;
	struct ring *r = &p.ring[0];
	unsigned i, bad;

	peer_begin(&p, 51712);
	peer_connect(&p);
	pages_new_all(&p, page, N);
	for (bad = 0; bad < 2; bad++) {
		settle(r);
		before = counters_of(&p).tally;
		for (i = 0; i < N; i++) {
			struct req q = req_io(i & 1 ? READ : WRITE, i * 8,
					      &page[i], 0, 7);

			if (bad && i == N / 2)
				q.seg[0].gref = BAD_GREF;
			q.id = i;
			put(r, &q);
		}
		push(r);
		for (i = 0; i < N; i++) {
			struct rsp rsp = take(r);

			same("status", rsp.status,
			     bad && rsp.id == N / 2 ? -1 : 0);
		}
		after = counters_of(&p).tally;
		same("pages mapped", after.pages_mapped - before.pages_mapped,
		     N - bad);
		same("calls to map them", after.map_calls - before.map_calls,
		     1);
		same("calls to unmap them",
		     after.unmap_calls - before.unmap_calls, 1);
	}
	pages_free_all(&p, page, N);
	peer_end(&p);
}

/* A page that may only be read is enough for data that goes to the disk. */
static void gr_49(void)
{
	static const enum op op[] = { WRITE, BARRIER, FLUSH };
	struct page page, list;
	struct peer p;
	struct ring *r = &p.ring[0];
	struct req q;
	unsigned i;

	peer_begin(&p, 51712);
	peer_connect(&p);
	page = page_new(&p, true);
	list = page_new(&p, true);
	for (i = 0; i < 3; i++) {
		q = req_io(op[i], 8, &page, 0, 7);
		served(r, &q, 0);
	}
	memcpy(list.mem, &page.gref, 4);
	list.mem[5] = 7;
	q = (struct req){ .op = INDIRECT, .inner = WRITE, .nr_indirect = 1 };
	q.list[0] = list.gref;
	served(r, &q, 0);
	/* And is not enough for data that comes from it. */
	q.inner = READ;
	served(r, &q, -1);
	q = req_io(READ, 8, &page, 0, 7);
	served(r, &q, -1);
	page_free(&p, &page);
	page_free(&p, &list);
	peer_end(&p);
}

/* The same page in several requests at a time, and twice in one. */
static void gr_48_on(bool persistent)
{
	struct peer p;
	struct nbd *n = nbd_begin(&p, 51712);
	struct ring *r = &p.ring[0];
	struct page page;
	struct req q;
	unsigned i;

	p.persistent = persistent;
	peer_connect(&p);
	page = page_new(&p, false);
	nbd_hold(n, 1u << NBD_WRITE);
	for (i = 0; i < 6; i++) {
		q = req_io(WRITE, i * 8, &page, 0, 7);
		if (i == 5)
			q.seg[q.nr++] = q.seg[0];
		put(r, &q);
	}
	push(r);
	nbd_wait(n, 6);
	settle(r);
	same("result of taking the page back while it is used",
	     page_end(&p, &page), -EBUSY);
	nbd_hold(n, 0);
	for (i = 0; i < 6; i++)
		same("status", take(r).status, 0);
	if (persistent)
		peer_disconnect(&p);
	page_free(&p, &page);
	p.ring[0].mem = persistent ? NULL : p.ring[0].mem;
	nbd_end(n, &p);
}

static void gr_48(void)
{
	gr_48_on(false);
}

static void gr_48_kept(void)
{
	gr_48_on(true);
}

/* Sectors in the middle of pages, in and out: each where it belongs. */
static void pieces_check(struct peer *p)
{
	struct page page[SEGS_MAX];
	struct ring *r = &p->ring[0];
	struct req q = { .op = WRITE, .nr = SEGS_MAX };
	unsigned i, j, sector;

	pages_new_all(p, page, SEGS_MAX);
	for (i = 0; i < SEGS_MAX; i++) {
		memset(page[i].mem, (int)(0x30 + i), PAGE);
		q.seg[i] =
			(struct seg){ page[i].gref, i % 8, i < 8 ? 7 : i % 8 };
	}
	served(r, &q, 0);
	/* Back into other places: each sector where it belongs. */
	for (i = 0; i < SEGS_MAX; i++)
		memset(page[i].mem, 0xee, PAGE);
	q.op = READ;
	served(r, &q, 0);
	for (i = 0; i < SEGS_MAX; i++)
		for (j = 0; j < PAGE; j++) {
			sector = j / 512;
			same("a byte", page[i].mem[j],
			     sector >= q.seg[i].first && sector <= q.seg[i].last
				     ? (long long)(0x30 + i)
				     : 0xee);
		}
	pages_free_all(p, page, SEGS_MAX);
	data_check(r, 64, 5);
}

static void rq_37_mapped(void)
{
	struct peer p;

	peer_begin(&p, 51712);
	peer_connect(&p);
	pieces_check(&p);
	peer_end(&p);
}

/* ---- copied -------------------------------------------------------------- */

static void gr_50(void)
{
	struct peer p;

	peer_begin(&p, 51712);
	same("feature-persistent", back_number(&p, "feature-persistent"), 0);
	peer_connect(&p);
	pieces_check(&p);
	peer_end(&p);
}

/* ---- kept ---------------------------------------------------------------- */

static bool is_kept(struct peer *p, struct page *page)
{
	int err = page_end(p, page);

	must(!err || err == -EBUSY, "a grant's end: %s", strerror(-err));
	return err;
}

/* Only if both sides offered it. */
static void gr_47_offer(void)
{
	struct page page;
	struct peer p;
	struct req q;

	peer_begin(&p, 51712);
	same("feature-persistent", back_number(&p, "feature-persistent"), 1);
	peer_connect(&p); /* the frontend does not */
	page = page_new(&p, false);
	q = req_io(READ, 0, &page, 0, 7);
	served(&p.ring[0], &q, 0);
	page_free(&p, &page);
	peer_reconnect(&p);
	p.persistent = true; /* it does */
	peer_connect(&p);
	page = page_new(&p, false);
	q = req_io(READ, 0, &page, 0, 7);
	served(&p.ring[0], &q, 0);
	settle(&p.ring[0]);
	must(is_kept(&p, &page), "the page is not kept");
	q.op = WRITE; /* what is mapped for all is writable */
	served(&p.ring[0], &q, 0);
	peer_disconnect(&p);
	page_free(&p, &page);
	p.ring[0].mem = NULL;
	peer_end(&p);
}

static void gr_47_none(void)
{
	struct page page;
	struct peer p;
	struct req q;

	peer_begin(&p, 51712);
	same("feature-persistent", back_number(&p, "feature-persistent"), 0);
	p.persistent = true; /* it was not offered */
	peer_connect(&p);
	page = page_new(&p, false);
	q = req_io(READ, 0, &page, 0, 7);
	served(&p.ring[0], &q, 0);
	page_free(&p, &page);
	peer_end(&p);
}

/* No more than KEEP; and the one not used for longest goes first. */
static void gr_47_least(void)
{
	static struct page page[KEEP + SEGS_MAX];
	struct peer p;
	struct ring *r = &p.ring[0];
	struct req q;
	unsigned i, kept = 0;

	peer_begin(&p, 51712);
	p.persistent = true;
	peer_connect(&p);
	pages_new_all(&p, page, KEEP + SEGS_MAX);
	for (i = 0; i < KEEP; i += SEGS_MAX) {
		q = full_request(READ, 0, page + i, SEGS_MAX);
		served(r, &q, 0);
	}
	q = full_request(READ, 0, page, SEGS_MAX); /* the first are used */
	served(r, &q, 0);
	q = full_request(READ, 0, page + KEEP, SEGS_MAX);
	served(r, &q, 0);
	settle(r);
	for (i = 0; i < KEEP + SEGS_MAX; i++) {
		bool kept_now = is_kept(&p, &page[i]);

		kept += kept_now;
		must(kept_now == (i < SEGS_MAX || i >= 2 * SEGS_MAX),
		     "page %u is %skept, where pages %u to %u were not used "
		     "for longest",
		     i, kept_now ? "" : "not ", SEGS_MAX, 2 * SEGS_MAX - 1);
	}
	same("pages kept", kept, KEEP);
	peer_disconnect(&p);
	for (i = 0; i < KEEP + SEGS_MAX; i++)
		if (i < SEGS_MAX || i >= 2 * SEGS_MAX)
			page_free(&p, &page[i]);
	p.ring[0].mem = NULL;
	peer_end(&p);
}

const struct conf_case grant_rules[] = {
	{ "GR-46 unmapped before the response", gr_46, NULL },
	{ "GR-46 one call for what is taken at once", gr_46_calls, NULL },
	{ "GR-47 kept if both sides offer it", gr_47_offer, NULL },
	{ "GR-47 not kept if the backend does not offer it", gr_47_none,
	  "--grants map" },
	{ "GR-47 the least recently used one goes first", gr_47_least, NULL },
	{ "GR-48 one grant in several requests", gr_48, NULL },
	{ "GR-48 one kept grant in several requests", gr_48_kept, NULL },
	{ "GR-49 data for the disk is mapped read-only", gr_49, NULL },
	{ "RQ-37 sectors in the middle of pages", rq_37_mapped, NULL },
	{ "GR-50 copies stay in their pages", gr_50, "--grants copy" },
	{ 0 }
};
