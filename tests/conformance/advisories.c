/* SPDX-License-Identifier: MIT */
/* Faults of other backends: rings, requests, states. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/conformance/nbd.h"

/* A thread that does one thing until it is told to stop. */
struct nuisance {
	pthread_t thread;
	void (*once)(void *arg);
	void *arg;
	bool stop;
	uint64_t times;
};

static void *nuisance_main(void *arg)
{
	struct nuisance *n = arg;

	while (!__atomic_load_n(&n->stop, __ATOMIC_SEQ_CST)) {
		n->once(n->arg);
		n->times++;
	}
	return NULL;
}

static void nuisance_start(struct nuisance *n, void (*once)(void *), void *arg)
{
	*n = (struct nuisance){ .once = once, .arg = arg };
	must(!pthread_create(&n->thread, NULL, nuisance_main, n), "no thread");
}

static void nuisance_stop(struct nuisance *n)
{
	__atomic_store_n(&n->stop, true, __ATOMIC_SEQ_CST);
	pthread_join(n->thread, NULL);
	must(n->times, "the nuisance never came to work");
}

/* ---- rings --------------------------------------------------------------- */

static void overrun(struct peer *p)
{
	struct ring *r = &p->ring[0];

	served(r, &(struct req){ .op = FLUSH }, 0);
	settle(r);
	r->req_prod += 1u << 31;
	push(r);
	refused_by(p, "RG-20");
	same("rsp_prod of a ring that is stopped", index_get(r, RSP_PROD), 1);
}

static void req_prod_overrun(void)
{
	struct peer p, other;

	peer_begin(&p, 51712);
	peer_begin(&other, 51728);
	peer_connect(&p);
	peer_connect(&other);
	overrun(&p);
	data_check(&other.ring[0], 0, 1); /* even of the same domain */
	peer_end(&other);
	peer_end(&p);
}

/* A stopped ring still comes to its end, and may come again. */
static void halted_twice(void)
{
	struct peer p;
	unsigned i;

	peer_begin(&p, 51712);
	for (i = 0; i < 3; i++) {
		peer_connect(&p);
		overrun(&p);
		notify(&p.ring[0]);
		peer_reconnect(&p);
	}
	peer_connect(&p);
	overrun(&p);
	peer_offline(&p); /* the toolstack, in the midst of it */
	peer_end(&p);
}

static void storm(void *ring)
{
	notify(ring);
}

static void event_storm(void)
{
	struct nuisance n;
	struct peer p, other;
	unsigned i;

	peer_begin(&p, 51712);
	peer_begin(&other, 51728);
	peer_connect(&p);
	peer_connect(&other);
	nuisance_start(&n, storm, &p.ring[0]);
	for (i = 0; i < 200; i++) {
		data_check(&other.ring[0], i * 8, (uint8_t)i);
		data_check(&p.ring[0], i * 8, (uint8_t)i);
	}
	nuisance_stop(&n);
	peer_end(&other);
	peer_end(&p);
}

/* ---- a request that changes while it is looked at ------------------------ */

static struct page flip_list;
static uint32_t flip_idx;

static void flip(void *arg)
{
	struct ring *r = arg;
	uint32_t idx = __atomic_load_n(&flip_idx, __ATOMIC_SEQ_CST);
	uint8_t *slot = slot_at(r, idx);
	unsigned body = r->peer->abi == ABI_64 ? 24 : 20;

	__atomic_xor_fetch(&slot[1], 0xf4, __ATOMIC_RELAXED); /* 11 or 255 */
	if (idx & 1) /* a direct one: in the others this is the list's gref */
		__atomic_xor_fetch(&slot[body + 5], 0xf8, __ATOMIC_RELAXED);
	__atomic_xor_fetch(&flip_list.mem[5], 0xf8, __ATOMIC_RELAXED);
	__atomic_xor_fetch(&flip_list.mem[4 + 8 * 7], 0xf0, __ATOMIC_RELAXED);
}

static void double_fetch_on(enum abi abi)
{
	struct nuisance n;
	struct page page;
	struct peer p;
	struct ring *r = &p.ring[0];
	struct req q, list = { .op = INDIRECT, .inner = READ };
	unsigned i, j, seen[2] = { 0 };

	peer_begin(&p, 51712);
	p.abi = abi;
	peer_connect(&p);
	page = page_new(&p, false);
	flip_list = page_new(&p, false);
	q = req_io(READ, 0, &page, 0, 7);
	q.nr = SEGS_MAX;
	for (i = 0; i < SEGS_MAX; i++)
		q.seg[i] = (struct seg){ page.gref, 0, 7 };
	list.nr_indirect = 8;
	list.list[0] = flip_list.gref;
	for (i = 0; i < 8; i++) {
		memcpy(flip_list.mem + 8 * i, &page.gref, 4);
		flip_list.mem[8 * i + 5] = 7;
	}
	nuisance_start(&n, flip, r);
	for (i = 0; i < 4000; i++) {
		__atomic_store_n(&flip_idx, r->req_prod, __ATOMIC_SEQ_CST);
		put(r, i & 1 ? &q : &list);
		index_set(r, REQ_PROD, r->req_prod);
		notify(r);
		j = (unsigned)-take(r).status;
		must(j < 3, "status -%u", j);
		seen[j != 0]++;
	}
	nuisance_stop(&n);
	settle(r);
	/* Every page can be mapped: what failed, failed by a rule. */
	same("reads that were found good, and then failed",
	     (long long)stats_of(&p).errors[STATS_READ], 0);
	must(seen[0] && seen[1], "expected both good and bad ones, saw %u, %u",
	     seen[0], seen[1]);
	page_free(&p, &page);
	page_free(&p, &flip_list);
	peer_end(&p);
}

static void double_fetch(void)
{
	double_fetch_on(ABI_64);
	double_fetch_on(ABI_32);
}

/* ---- states -------------------------------------------------------------- */

static void close_pending(void)
{
	struct page page;
	struct peer p;
	struct nbd *n = nbd_begin(&p, 51712);
	struct req q;
	unsigned i;

	peer_connect(&p);
	page = page_new(&p, false);
	q = req_io(READ, 0, &page, 0, 7);
	nbd_hold(n, 1u << NBD_READ);
	for (i = 0; i < p.ring[0].entries; i++)
		put(&p.ring[0], &q);
	push(&p.ring[0]);
	nbd_wait(n, p.ring[0].entries);
	/* It goes without a word; its pages may still be written. */
	front_state(&p, 6);
	until(!stats_there(&p), "the backend does not begin to close");
	same("result of taking back what is being written", page_end(&p, &page),
	     -EBUSY);
	nbd_hold(n, 0);
	back_wait(&p, 6);
	same("responses", index_get(&p.ring[0], RSP_PROD), p.ring[0].entries);
	page_free(&p, &page);
	nbd_end(n, &p);
}

static void no_medium(void)
{
	struct page page;
	struct peer p;
	struct req q;

	peer_open(&p, case_domid(), 51712);
	peer_attach(&p, &(struct attach){ .target = "",
					  .mode = "r",
					  .device_type = "cdrom" });
	peer_connect(&p);
	same("sectors", back_number(&p, "sectors"), 0);
	page = page_new(&p, false);
	q = req_io(READ, 0, &page, 0, 7);
	refused(&p.ring[0], &q, -1, "RQ-38");
	page_free(&p, &page);
	peer_disconnect(&p);
	peer_end(&p);
}

static void state_storm(void)
{
	struct peer p, other;
	unsigned i;

	peer_begin(&p, 51712);
	peer_connect(&p);
	for (i = 0; i < 5000; i++)
		front_state(&p, 4);
	peer_begin(&other, 51728); /* others still get their turn */
	peer_connect(&other);
	for (i = 0; i < 500; i++) {
		front_state(&p, i & 1 ? 4 : 8);
		data_check(&other.ring[0], 0, (uint8_t)i);
	}
	front_state(&p, 4);
	data_check(&p.ring[0], 0, 1);
	peer_end(&other);
	peer_end(&p);
}

/* Connect and disconnect, with requests in flight each time. */
static void toggle(unsigned times)
{
	struct peer p;
	struct req q = { .op = FLUSH };
	unsigned i, j;

	peer_begin(&p, 51712);
	for (i = 0; i < times; i++) {
		p.queues = 1 + i % 4;
		peer_connect(&p);
		for (j = 0; j < p.queues * 8; j++)
			put(&p.ring[j % p.queues], &q);
		for (j = 0; j < p.queues; j++)
			push(&p.ring[j]);
		/* With and without state 5, or back to 1 at once. */
		if (i % 3 == 1)
			front_state(&p, 5);
		front_state(&p, i % 3 == 2 ? 1 : 6);
		until(back_number(&p, "state") == 6 ||
			      (i % 3 == 2 && back_number(&p, "state") == 2),
		      "the backend does not close");
		rings_free(&p);
		keys_remove(&p);
		front_state(&p, 6);
		back_wait(&p, 6);
		front_state(&p, 1);
		back_wait(&p, 2);
	}
	peer_end(&p);
}

static void connect_disconnect(void)
{
	toggle(120);
}

/* Whoever reads statistics while devices come and go. */
static void stats_look(void *arg)
{
	char path[300], room[4096];
	const struct dirent *e;
	DIR *dir;
	int fd;

	(void)arg;
	snprintf(path, sizeof(path), "%.200s/stats", case_dir);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (strstr(e->d_name, ".part"))
			continue; /* that is no name yet */
		fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && read(fd, room, sizeof(room)) >= 7 &&
		    memcmp(room, "RSSTATS", 7) != 0)
			abort(); /* half a file */
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
}

static void stats_teardown(void)
{
	struct nuisance n;

	nuisance_start(&n, stats_look, NULL);
	toggle(60);
	nuisance_stop(&n);
}

const struct conf_case advisories[] = {
	{ "CVE-2010-4247 req_prod far ahead", req_prod_overrun, NULL },
	{ "XSA-39 req_prod far ahead", req_prod_overrun, NULL },
	{ "CVE-2010-3699 closed with requests in flight", close_pending, NULL },
	{ "CVE-2010-4238 no medium", no_medium, NULL },
	{ "XSA-155 a request that changes all the time", double_fetch, NULL },
	{ "XSA-332 notifications without requests", event_storm, NULL },
	{ "XSA-349 states without end", state_storm, NULL },
	{ "XSA-350 connected and disconnected", connect_disconnect, NULL },
	{ "XSA-374 a stopped ring is closed", halted_twice, NULL },
	{ "XSA-528 statistics while devices go", stats_teardown, NULL },
	{ 0 }
};
