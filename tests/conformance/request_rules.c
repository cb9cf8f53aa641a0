/* SPDX-License-Identifier: MIT */
/* RQ: the fields of a request, each wrong once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/peer.h"

#define DISK_SECTORS 8192u /* of the disk that peer_begin() makes */

static const enum abi every_abi[] = { ABI_64, ABI_32, ABI_NONE };

/* A connection of each ABI, with a page. */
static void with_each_abi(void (*run)(struct ring *r, struct page *page))
{
	struct peer p;
	struct page page;
	unsigned i;

	peer_begin(&p, 51712);
	for (i = 0; i < 3; i++) {
		p.abi = every_abi[i];
		peer_connect(&p);
		page = page_new(&p, false);
		run(&p.ring[0], &page);
		page_free(&p, &page);
		peer_reconnect(&p);
	}
	peer_end(&p);
}

/* The page with a list of `n` segments, all like `s`, and its request. */
static struct req indirect(struct page *list, enum op inner, uint64_t sector,
			   unsigned n, struct seg s)
{
	struct req q = { .op = INDIRECT,
			 .inner = (uint8_t)inner,
			 .nr_indirect = (uint16_t)n,
			 .sector = sector };
	unsigned i;

	for (i = 0; i < n && i < PAGE / 8; i++) {
		memcpy(list->mem + i * 8, &s.gref, 4);
		list->mem[i * 8 + 4] = s.first;
		list->mem[i * 8 + 5] = s.last;
	}
	for (i = 0; i < 8; i++)
		q.list[i] = list->gref;
	return q;
}

static void rq_33_try(struct ring *r, struct page *page)
{
	static const uint8_t op[] = { 4, 7, 8, 127, 128, 255 };
	unsigned i;

	for (i = 0; i < sizeof(op); i++) {
		struct req q = req_io((enum op)op[i], 0, page, 0, 7);

		refused(r, &q, -2, "RQ-33");
	}
}

static void rq_33(void)
{
	with_each_abi(rq_33_try);
}

static void rq_34(void)
{
	struct req q = { .op = DISCARD, .nr_sectors = 8 };
	struct page page;
	struct peer p;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, &(struct attach){ .target = "mem:4M",
					  .discard_enable = "0" });
	back_wait(&p, 2);
	peer_connect(&p);
	refused(&p.ring[0], &q, -2, "RQ-34");
	page = page_new(&p, false);
	q = indirect(&page, READ, 0, 1, (struct seg){ page.gref, 0, 7 });
	refused(&p.ring[0], &q, -2, "RQ-34");
	page_free(&p, &page);
	peer_end(&p);
}

/* Memory cannot discard securely: the flag means nothing. */
static void rq_34_secure_try(struct ring *r, struct page *page)
{
	struct req q = req_io(WRITE, 0, page, 0, 7);
	unsigned i;

	memset(page->mem, 0x77, PAGE);
	served(r, &q, 0);
	same("discard-secure", back_number(r->peer, "discard-secure"), 0);
	q = (struct req){ .op = DISCARD, .nr_sectors = 8, .flag = 1 };
	served(r, &q, 0);
	q = req_io(READ, 0, page, 0, 7);
	served(r, &q, 0);
	for (i = 0; i < PAGE; i++)
		same("a byte that was discarded", page->mem[i], 0);
}

static void rq_34_secure(void)
{
	with_each_abi(rq_34_secure_try);
}

static void rq_35_try(struct ring *r, struct page *page)
{
	static const uint8_t bad[] = { 0, 12, 128, 255 };
	struct req q = { .op = FLUSH };
	unsigned i;

	for (i = 0; i < SEGS_MAX; i++)
		q.seg[i] = (struct seg){ page->gref, 0, 7 };
	served(r, &q, 0); /* those two may be empty */
	q.op = BARRIER;
	served(r, &q, 0);
	q.op = READ;
	q.nr = SEGS_MAX;
	served(r, &q, 0);
	for (i = 0; i < 4; i++) {
		q.op = i & 1 ? WRITE : READ;
		q.nr = bad[i];
		refused(r, &q, -1, "RQ-35");
	}
	q.op = FLUSH;
	q.nr = 12;
	refused(r, &q, -1, "RQ-35");
}

static void rq_35(void)
{
	with_each_abi(rq_35_try);
}

static void rq_36_try(struct ring *r, struct page *page)
{
	static const uint8_t inner[] = { FLUSH, BARRIER, DISCARD, INDIRECT };
	const struct seg s = { page->gref, 0, 7 };
	struct page list = page_new(r->peer, false);
	struct req q;
	unsigned i;

	for (i = 0; i < sizeof(inner); i++) {
		q = indirect(&list, (enum op)inner[i], 0, 2, s);
		refused(r, &q, -1, "RQ-36");
	}
	q = indirect(&list, READ, 0, 0, s);
	refused(r, &q, -1, "RQ-36");
	q = indirect(&list, READ, 0, 257, s);
	refused(r, &q, -1, "RQ-36");
	q = indirect(&list, WRITE, 0, 65535, s);
	refused(r, &q, -1, "RQ-36");
	q = indirect(&list, READ, 0, 256, s);
	served(r, &q, 0);
	q = indirect(&list, WRITE, 0, 1, s);
	served(r, &q, 0);
	q.list[0] = 60000; /* the list itself is not granted */
	served(r, &q, -1);
	page_free(r->peer, &list);
}

static void rq_36(void)
{
	with_each_abi(rq_36_try);
}

/* More than one page of segments: 513 of them, and each in its place. */
static void rq_36_pages(void)
{
	struct page data, list[2];
	struct peer p;
	struct req q;
	unsigned i;

	peer_begin(&p, 51712);
	same("feature-max-indirect-segments",
	     back_number(&p, "feature-max-indirect-segments"), 1024);
	peer_connect(&p);
	data = page_new(&p, false);
	list[0] = page_new(&p, false);
	list[1] = page_new(&p, false);
	q = indirect(&list[0], WRITE, 8, 512, (struct seg){ data.gref, 0, 0 });
	q.nr_indirect = 513;
	indirect(&list[1], WRITE, 8, 1, (struct seg){ data.gref, 1, 1 });
	q.list[1] = list[1].gref;
	memset(data.mem, 0x10, 512);
	memset(data.mem + 512, 0x20, 512);
	served(&p.ring[0], &q, 0);
	q = req_io(READ, 8 + 511, &data, 0, 2);
	served(&p.ring[0], &q, 0);
	for (i = 0; i < 3; i++)
		same("a byte", data.mem[i * 512 + 9],
		     i == 0   ? 0x10
		     : i == 1 ? 0x20
			      : 0);
	q = indirect(&list[0], READ, 0, 1025, (struct seg){ data.gref, 0, 0 });
	refused(&p.ring[0], &q, -1, "RQ-36");
	page_free(&p, &data);
	page_free(&p, &list[0]);
	page_free(&p, &list[1]);
	peer_end(&p);
}

static void rq_37_try(struct ring *r, struct page *page)
{
	static const struct seg bad[] = {
		{ 0, 1, 0 },   { 0, 0, 8 },   { 0, 8, 8 },
		{ 0, 7, 255 }, { 0, 255, 0 },
	};
	struct page list = page_new(r->peer, false);
	struct req q;
	unsigned i;

	for (i = 0; i < 5; i++) {
		q = req_io(i & 1 ? WRITE : READ, 0, page, bad[i].first,
			   bad[i].last);
		if (i < 3) {
			refused(r, &q, -1, "RQ-37");
			continue;
		}
		/* Or of an indirect request, the last but one. */
		q = indirect(&list, READ, 0, 3, q.seg[0]);
		list.mem[4] = list.mem[20] = 0;
		list.mem[5] = list.mem[21] = 7;
		refused(r, &q, -1, "RQ-37");
	}
	page_free(r->peer, &list);
}

static void rq_37(void)
{
	with_each_abi(rq_37_try);
}

static void rq_38_try(struct ring *r, struct page *page)
{
	static const uint64_t bad[] = {
		DISK_SECTORS, DISK_SECTORS - 7, 1ull << 55,
		1ull << 63,   UINT64_MAX - 3,
	};
	struct req q;
	unsigned i;

	q = req_io(READ, DISK_SECTORS - 8, page, 0, 7);
	served(r, &q, 0);
	for (i = 0; i < 5; i++) {
		q = req_io(i & 1 ? WRITE : READ, bad[i], page, 0, 7);
		refused(r, &q, -1, "RQ-38");
	}
}

static void rq_38(void)
{
	with_each_abi(rq_38_try);
}

static void rq_38_others_try(struct ring *r, struct page *page)
{
	static const uint64_t bad[][2] = {
		{ 0, DISK_SECTORS + 1 },
		{ 8, UINT64_MAX - 7 },
		{ UINT64_MAX, 1 },
		{ 1ull << 55, 1ull << 55 },
	};
	struct page list = page_new(r->peer, false);
	struct req q = { .op = DISCARD, .nr_sectors = DISK_SECTORS };
	unsigned i;

	served(r, &q, 0);
	for (i = 0; i < 4; i++) {
		q.sector = bad[i][0];
		q.nr_sectors = bad[i][1];
		refused(r, &q, -1, "RQ-38");
	}
	q = indirect(&list, READ, DISK_SECTORS - 23, 3,
		     (struct seg){ page->gref, 0, 7 });
	refused(r, &q, -1, "RQ-38");
	page_free(r->peer, &list);
}

static void rq_38_others(void)
{
	with_each_abi(rq_38_others_try);
}

/* ---- a disk that can only be read ---------------------------------------- */

static void readonly_try(struct ring *r, struct page *page)
{
	struct page list = page_new(r->peer, false);
	const struct seg s = { page->gref, 0, 7 };
	struct req q;

	q = req_io(WRITE, 0, page, 0, 7);
	refused(r, &q, -1, "RQ-41");
	q.op = BARRIER;
	refused(r, &q, -1, "RQ-41");
	q.op = FLUSH;
	refused(r, &q, -1, "RQ-41");
	q = indirect(&list, WRITE, 0, 2, s);
	refused(r, &q, -1, "RQ-41");
	q = (struct req){ .op = BARRIER };
	served(r, &q, 0);
	q = indirect(&list, READ, 0, 2, s);
	served(r, &q, 0);
	q = req_io(READ, 0, page, 0, 7);
	served(r, &q, 0);
	same("a byte of the disk", page->mem[100], 0);
	page_free(r->peer, &list);
}

static void rq_41(void)
{
	struct page page;
	struct peer p;
	unsigned i;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, &(struct attach){ .target = "mem:4M", .mode = "r" });
	back_wait(&p, 2);
	for (i = 0; i < 3; i++) {
		p.abi = every_abi[i];
		peer_connect(&p);
		page = page_new(&p, false);
		memset(page.mem, 0x99, PAGE);
		readonly_try(&p.ring[0], &page);
		page_free(&p, &page);
		peer_reconnect(&p);
	}
	peer_end(&p);
}

static void rq_45_try(struct ring *r, struct page *page)
{
	static const uint16_t handle[] = { 0, 1, 51712, 65535 };
	struct page list = page_new(r->peer, false);
	struct req q;
	unsigned i;

	for (i = 0; i < 4; i++) {
		q = req_io(WRITE, i, page, 0, 0);
		q.handle = handle[i];
		served(r, &q, 0);
		q = indirect(&list, READ, 0, 1,
			     (struct seg){ page->gref, 0, 7 });
		q.handle = handle[i];
		served(r, &q, 0);
	}
	page_free(r->peer, &list);
}

static void rq_45(void)
{
	with_each_abi(rq_45_try);
}

/* ---- the same, as advisories have it ------------------------------------- */

static void many_segments(void)
{
	struct page page;
	struct peer p;
	struct req q;
	unsigned nr;

	peer_begin(&p, 51712);
	p.abi = ABI_32;
	peer_connect(&p);
	page = page_new(&p, false);
	for (nr = 12; nr < 256; nr++) {
		q = req_io(nr & 1 ? WRITE : READ, 0, &page, 0, 7);
		q.nr = (uint8_t)nr;
		refused(&p.ring[0], &q, -1, "RQ-35");
	}
	page_free(&p, &page);
	peer_end(&p);
}

const struct conf_case request_rules[] = {
	{ "RQ-33 operations that are not known", rq_33, NULL },
	{ "RQ-34 operations that were not offered", rq_34, "--indirect 0" },
	{ "RQ-34 the secure flag means nothing", rq_34_secure, NULL },
	{ "RQ-35 how many segments", rq_35, NULL },
	{ "RQ-36 indirect requests", rq_36, NULL },
	{ "RQ-36 several pages of segments", rq_36_pages, "--indirect 1024" },
	{ "RQ-37 sectors beyond a page", rq_37, NULL },
	{ "RQ-38 reads and writes beyond the disk", rq_38, NULL },
	{ "RQ-38 discards and lists beyond the disk", rq_38_others, NULL },
	{ "RQ-41 writes to a read-only disk", rq_41, NULL },
	{ "RQ-45 any handle", rq_45, NULL },
	{ "CVE-2007-5498 255 segments from a 32-bit guest", many_segments,
	  NULL },
	{ 0 }
};
