/* SPDX-License-Identifier: MIT */
/* Faults of other backends: grants, and disks that can only be read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/conformance/peer.h"
#include "xen/desk/control.h"

#define BAD_GREF 60000u

static uint32_t mappings(void)
{
	struct desk_counters c;
	struct why why;

	if (desk_control_counters(case_dir, &c, &why))
		fail("%s", why.text);
	return c.mappings;
}

/* ---- bad grants ---------------------------------------------------------- */

/* A request of `n` pages, of which one is none. */
static struct req spoiled(enum op op, const struct page *page, unsigned n,
			  unsigned bad)
{
	struct req q = { .op = (uint8_t)op, .nr = (uint8_t)n };
	unsigned i;

	for (i = 0; i < n; i++)
		q.seg[i] = (struct seg){ i == bad ? BAD_GREF : page[i].gref, 0,
					 7 };
	return q;
}

static void bad_again_and_again(bool persistent, unsigned rounds)
{
	struct page page[SEGS_MAX];
	struct peer p;
	struct ring *r = &p.ring[0];
	uint32_t before = 0;
	unsigned i, j;

	peer_begin(&p, 51712);
	p.persistent = persistent;
	peer_connect(&p);
	for (i = 0; i < SEGS_MAX; i++)
		page[i] = page_new(&p, false);
	for (i = 0; i < rounds; i++) {
		for (j = 0; j < r->entries; j++) {
			struct req q = spoiled(j & 1 ? READ : WRITE, page,
					       SEGS_MAX, (i + j) % SEGS_MAX);

			put(r, &q);
		}
		push(r);
		for (j = 0; j < r->entries; j++)
			same("status", take(r).status, -1);
		if (i == SEGS_MAX)
			before = mappings();
	}
	settle(r);
	same("mappings after all of it", mappings(), before);
	if (persistent)
		peer_disconnect(&p);
	for (i = 0; i < SEGS_MAX; i++)
		page_free(&p, &page[i]);
	if (persistent)
		p.ring[0].mem = NULL;
	peer_end(&p);
}

/* 32 requests a round: 10^5 of them. */
static void bad_grefs(void)
{
	bad_again_and_again(false, 3125);
}

/* The same, for who wants to know soon. */
static void bad_grefs_few(void)
{
	bad_again_and_again(false, 200);
}

/* One bad one in a batch: itself fails, all others are served and free. */
static void batch_status(void)
{
	enum { N = 20 };
	struct page page[N], list[2];
	struct peer p;
	struct ring *r = &p.ring[0];
	unsigned i, bad;

	peer_begin(&p, 51712);
	peer_connect(&p);
	for (bad = 0; bad < N; bad += 3) {
		struct req q = { .op = INDIRECT,
				 .inner = READ,
				 .nr_indirect = N,
				 .id = bad };

		for (i = 0; i < N; i++)
			page[i] = page_new(&p, false);
		list[0] = page_new(&p, true);
		list[1] = page_new(&p, true);
		for (i = 0; i < N; i++) {
			uint32_t gref = i == bad ? BAD_GREF : page[i].gref;

			memcpy(list[0].mem + i * 8, &gref, 4);
			memcpy(list[1].mem + i * 8, &page[i].gref, 4);
			list[0].mem[i * 8 + 5] = list[1].mem[i * 8 + 5] = 7;
		}
		for (i = 0; i < 4; i++) {
			q.list[0] = list[i & 1].gref;
			q.id = i;
			put(r, &q);
		}
		q.list[0] = BAD_GREF;
		q.id = 4;
		put(r, &q);
		push(r);
		for (i = 0; i < 5; i++) {
			struct rsp rsp = take(r);

			same("status of one in a batch", rsp.status,
			     rsp.id == 1 || rsp.id == 3 ? 0 : -1);
		}
		for (i = 0; i < N; i++)
			page_free(&p, &page[i]);
		page_free(&p, &list[0]);
		page_free(&p, &list[1]);
	}
	peer_end(&p);
}

/* Kept ones stay kept, also where a request with them fails. */
static void known_and_bad(void)
{
	struct page page[SEGS_MAX];
	struct peer p;
	struct ring *r = &p.ring[0];
	struct req q;
	uint32_t before;
	unsigned i;

	peer_begin(&p, 51712);
	p.persistent = true;
	peer_connect(&p);
	for (i = 0; i < SEGS_MAX; i++)
		page[i] = page_new(&p, false);
	q = spoiled(READ, page, 5, SEGS_MAX); /* 0 to 4 are known */
	served(r, &q, 0);
	settle(r);
	before = mappings();
	for (i = 0; i < 100; i++) {
		q = spoiled(i & 1 ? READ : WRITE, page, 5, i % 5);
		served(r, &q, -1);
	}
	settle(r);
	same("mappings, of known pages", mappings(), before);
	q = spoiled(READ, page, SEGS_MAX, SEGS_MAX - 1); /* and new ones */
	served(r, &q, -1);
	settle(r);
	same("mappings, with 5 new pages", mappings(), before + 5);
	for (i = 0; i < 10; i++)
		same("result of taking back a page that is kept",
		     page_end(&p, &page[i]), -EBUSY);
	q = spoiled(READ, page, SEGS_MAX, SEGS_MAX); /* they still serve */
	served(r, &q, 0);
	peer_disconnect(&p);
	for (i = 0; i < SEGS_MAX; i++)
		page_free(&p, &page[i]);
	p.ring[0].mem = NULL;
	peer_end(&p);
	bad_again_and_again(true, 200);
}

/* ---- too many ------------------------------------------------------------ */

#define CAP   65536u /* of the daemon, in all; or half of the kernel's */
#define KEEP  1056u  /* of a queue */
#define DISKS 4u

static unsigned cap(void)
{
	FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
	unsigned most = 2 * CAP;

	if (f && fscanf(f, "%u", &most) != 1)
		most = 2 * CAP;
	if (f)
		fclose(f);
	return most / 2 < CAP ? most / 2 : CAP;
}

static void many_kept(void)
{
	const unsigned most = cap();
	static struct page page[KEEP];
	static struct peer p[DISKS];
	uint32_t before = mappings(), now, rings = 0;
	unsigned d, i, j, k;

	for (d = 0; d < DISKS; d++) {
		peer_begin(&p[d], 51712 + 16 * d);
		p[d].persistent = true;
		p[d].queues = QUEUES_MAX;
		peer_connect(&p[d]);
		rings += QUEUES_MAX;
	}
	for (i = 0; i < KEEP; i++)
		page[i] = page_new(&p[0], false);
	for (i = 0; i < KEEP; i += SEGS_MAX) {
		struct req q = spoiled(READ, page + i, SEGS_MAX, SEGS_MAX);

		for (d = 0; d < DISKS; d++)
			for (j = 0; j < QUEUES_MAX; j++) {
				put(&p[d].ring[j], &q);
				push(&p[d].ring[j]);
			}
		for (d = 0; d < DISKS; d++)
			for (j = 0; j < QUEUES_MAX; j++)
				same("status", take(&p[d].ring[j]).status, 0);
	}
	for (d = 0; d < DISKS; d++)
		for (j = 0; j < QUEUES_MAX; j++)
			settle(&p[d].ring[j]);
	now = mappings() - before - rings;
	must(now <= most && now > most / 2,
	     "expected up to %u pages kept of %u, saw %u", most,
	     DISKS * QUEUES_MAX * KEEP, now);
	for (d = 0; d < DISKS; d++)
		peer_disconnect(&p[d]);
	for (k = 0; k < KEEP; k++)
		page_free(&p[0], &page[k]);
	for (d = DISKS; d--;) {
		p[d].ring[0].mem = NULL;
		peer_end(&p[d]);
	}
}

/* ---- disks that can only be read ----------------------------------------- */

static const char *image_new(const char *name)
{
	static char path[300];
	char bytes[PAGE];
	int fd, i;

	snprintf(path, sizeof(path), "%.200s/%s", case_dir, name);
	memset(bytes, 0x5a, sizeof(bytes));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0, "cannot make %s", path);
	for (i = 0; i < 16; i++)
		must(write(fd, bytes, sizeof(bytes)) == sizeof(bytes),
		     "cannot write %s", path);
	close(fd);
	return path;
}

static void image_same(const char *path)
{
	char bytes[PAGE];
	unsigned i;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	must(fd >= 0 && read(fd, bytes, sizeof(bytes)) == sizeof(bytes),
	     "cannot read %s", path);
	close(fd);
	for (i = 0; i < PAGE; i++)
		same("a byte of the image", bytes[i], 0x5a);
}

/*
 * A lease to read is given where nobody can write, one to write where nobody
 * has the file open at all: whoever ringsided's processes are, and wherever.
 */
static void open_readonly(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	must(fd >= 0, "cannot open %s", path);
	must(!fcntl(fd, F_SETLEASE, F_RDLCK),
	     "the image is open for writing: %s", strerror(errno));
	must(fcntl(fd, F_SETLEASE, F_WRLCK) && errno == EAGAIN,
	     "the image is not open");
	close(fd);
}

static void readonly(const char *mode, const struct req *q, const char *rule,
		     int status)
{
	const char *path = image_new("readonly.img");
	struct page page;
	struct peer p;
	struct req with = *q;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, &(struct attach){ .target = path, .mode = mode });
	back_wait(&p, 2);
	open_readonly(path);
	peer_connect(&p);
	same("info", back_number(&p, "info"), 4);
	page = page_new(&p, false);
	if (with.nr)
		with.seg[0] = (struct seg){ page.gref, 0, 7 };
	refused(&p.ring[0], &with, status, rule);
	image_same(path);
	page_free(&p, &page);
	peer_end(&p);
}

static void write_readonly(void)
{
	const struct req q = { .op = WRITE, .nr = 1 };

	readonly("r", &q, "RQ-41", -1);
	readonly("", &q, "RQ-41", -1); /* what is not clearly writable */
	readonly("ro", &q, "RQ-41", -1);
	readonly("W", &q, "RQ-41", -1);
}

static void discard_readonly(void)
{
	const struct req q = { .op = DISCARD, .nr_sectors = 8 };

	/* It is not even offered there. */
	readonly("r", &q, "RQ-34", -2);
}

const struct conf_case advisories_grants[] = {
	{ "CVE-2013-2140 a discard on a read-only disk", discard_readonly,
	  NULL },
	{ "XSA-71 bad grants, a hundred thousand", bad_grefs, NULL },
	{ "XSA-71 bad grants, 200 rounds", bad_grefs_few, NULL },
	{ "XSA-142 a write to a read-only disk", write_readonly, NULL },
	{ "XSA-300 more pages kept than there may be", many_kept,
	  "--queues 16" },
	{ "XSA-361 one bad grant in a batch", batch_status, NULL },
	{ "XSA-362 one bad grant in a batch", batch_status, NULL },
	{ "XSA-365 one bad grant in a batch", batch_status, NULL },
	{ "XSA-367 one bad grant in a batch", batch_status, NULL },
	{ "XSA-371 kept grants and bad ones", known_and_bad, NULL },
	{ 0 }
};
