/* SPDX-License-Identifier: MIT */
/*
 * The three ways to a guest's pages, over a guest of 64 pages in an array.
 * grefs are page numbers; from 64 on they are bad.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "grant/flight.h"
#include "grant/space.h"

#define GUEST_PAGES 64u
#define USES	    8u
#define SEGS	    4u

static uint8_t *guest;
static int mapped[GUEST_PAGES];
/* Pages that do not follow each other are mapped to where they do. */
static struct view {
	uint8_t *addr;
	uint32_t gref[SEGS];
} views[USES * SEGS];
static unsigned made_maps; /* that there are */
static unsigned live, map_calls, unmap_calls, copy_calls;
static uint32_t refused = UINT32_MAX; /* copies of this gref fail */

static bool in_a_row(const struct xen_map *m)
{
	uint32_t i;

	for (i = 1; i < m->count; i++)
		if (m->grefs[i] != m->grefs[0] + i)
			return false;
	return true;
}

static struct view *view_of(const uint8_t *addr)
{
	unsigned i;

	for (i = 0; i < USES * SEGS; i++)
		if (views[i].addr == addr)
			return &views[i];
	return NULL;
}

static uint8_t *view_make(const struct xen_map *m)
{
	struct view *v = view_of(NULL);
	uint32_t i;

	assert_non_null(v);
	v->addr = mmap(NULL, m->count * XEN_PAGE_SIZE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(v->addr, MAP_FAILED);
	for (i = 0; i < m->count; i++) {
		/* With an old size of 0 it is mapped there, too. */
		assert_ptr_equal(mremap(guest + m->grefs[i] * XEN_PAGE_SIZE, 0,
					XEN_PAGE_SIZE,
					MREMAP_MAYMOVE | MREMAP_FIXED,
					v->addr + i * XEN_PAGE_SIZE),
				 v->addr + i * XEN_PAGE_SIZE);
		v->gref[i] = m->grefs[i];
	}
	return v->addr;
}

static int fake_map(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	unsigned i, failed = 0;
	uint32_t j;

	(void)g;
	map_calls++;
	for (i = 0; i < n; i++) {
		bool good = true;

		for (j = 0; j < maps[i].count; j++) {
			bool ok = maps[i].grefs[j] < GUEST_PAGES;

			if (maps[i].status)
				maps[i].status[j] = ok ? XEN_GNTST_OKAY
						       : XEN_GNTST_BAD_GNTREF;
			good &= ok;
		}
		failed += !good;
		maps[i].addr = NULL;
		if (!good)
			continue;
		maps[i].addr =
			in_a_row(&maps[i])
				? guest + maps[i].grefs[0] * XEN_PAGE_SIZE
				: view_make(&maps[i]);
		for (j = 0; j < maps[i].count; j++)
			mapped[maps[i].grefs[j]]++;
		made_maps++;
		live += maps[i].count;
	}
	return (int)failed;
}

static int fake_unmap(struct xen_gnttab *g, struct xen_map *maps, unsigned n)
{
	unsigned i;
	uint32_t j, page;

	(void)g;
	unmap_calls++;
	for (i = 0; i < n; i++) {
		struct view *v = view_of(maps[i].addr);

		page = (uint32_t)(((uint8_t *)maps[i].addr - guest) /
				  XEN_PAGE_SIZE);
		for (j = 0; j < maps[i].count; j++)
			assert_true(mapped[v ? v->gref[j] : page + j]-- > 0);
		if (v) {
			munmap(v->addr, maps[i].count * XEN_PAGE_SIZE);
			v->addr = NULL;
		}
		made_maps--;
		live -= maps[i].count;
		maps[i].addr = NULL;
	}
	return 0;
}

static int fake_copy(struct xen_gnttab *g, struct xen_copy *c, unsigned n)
{
	unsigned i, failed = 0;

	(void)g;
	copy_calls++;
	for (i = 0; i < n; i++) {
		uint8_t *page = guest + c[i].gref * XEN_PAGE_SIZE;

		/* GR-50 on both sides. */
		assert_true(c[i].off_bytes + c[i].len_bytes <= XEN_PAGE_SIZE);
		assert_true((uintptr_t)c[i].local % XEN_PAGE_SIZE +
				    c[i].len_bytes <=
			    XEN_PAGE_SIZE);
		c[i].status = XEN_GNTST_OKAY;
		if (c[i].gref >= GUEST_PAGES || c[i].gref == refused) {
			c[i].status = XEN_GNTST_BAD_GNTREF;
			failed++;
		} else if (c[i].to_guest) {
			memcpy(page + c[i].off_bytes, c[i].local,
			       c[i].len_bytes);
		} else {
			memcpy(c[i].local, page + c[i].off_bytes,
			       c[i].len_bytes);
		}
	}
	return (int)failed;
}

static const struct xen_ops ops = {
	.gnttab = { .map = fake_map, .unmap = fake_unmap, .copy = fake_copy },
};
static const struct xen_host host = { .ops = &ops };
static struct grant_budget budget;
static struct grant_space *space;
static struct grant_seg seg[USES][SEGS];
static struct grant_use use[USES];

static void open_space(enum grant_path path, unsigned keep, unsigned max)
{
	const struct grant_space_setup setup = {
		.host = &host,
		.domid = 1,
		.path = path,
		.uses_max = USES,
		.pages_max = USES * SEGS,
		.keep_pages = keep,
		.budget = &budget,
	};

	atomic_store(&budget.used, 0);
	budget.max_pages = max;
	live = map_calls = unmap_calls = copy_calls = 0;
	refused = UINT32_MAX;
	assert_int_equal(grant_space_open(&space, &setup, NULL), 0);
}

static void close_space(void)
{
	grant_space_close(space);
	assert_int_equal(live, 0);
	assert_int_equal(atomic_load(&budget.used), 0);
}

/* Use `i` names `count` grefs from `first` on, whole pages. */
static struct grant_use *want(unsigned i, bool to_guest, uint32_t first,
			      uint32_t count)
{
	uint32_t j;

	for (j = 0; j < count; j++)
		seg[i][j] = (struct grant_seg){ .gref = first + j,
						.len_bytes = XEN_PAGE_SIZE };
	use[i] = (struct grant_use){ .seq = i + 1,
				     .to_guest = to_guest,
				     .count = count,
				     .segs = seg[i] };
	return &use[i];
}

static void get(struct grant_use *u)
{
	grant_space_acquire(space, &u, 1);
}

static void put(struct grant_use *u)
{
	grant_space_release(space, &u, 1);
	assert_int_equal(u->count, 0);
}

/* One whole use, and how many map calls it cost. */
static unsigned cost(uint32_t first, uint32_t count)
{
	unsigned before = map_calls;
	struct grant_use *u = want(0, true, first, count);

	get(u);
	assert_int_equal(u->error, 0);
	put(u);
	return map_calls - before;
}

static void kept_pages_are_mapped_once(void **state)
{
	struct grant_use *u;
	unsigned i;

	(void)state;
	open_space(GRANT_PATH_PERSIST, 16, 100);
	assert_int_equal(cost(1, 4), 1);
	for (i = 0; i < 10; i++)
		assert_int_equal(cost(1, 4), 0);
	assert_int_equal(unmap_calls, 0);
	assert_int_equal(live, 4);
	u = want(0, false, 3, 2);
	seg[0][1].off_bytes = 512;
	seg[0][1].len_bytes = 1024;
	get(u);
	assert_ptr_equal(seg[0][0].data, guest + 3 * XEN_PAGE_SIZE);
	assert_ptr_equal(seg[0][1].data, guest + 4 * XEN_PAGE_SIZE + 512);
	put(u);
	close_space();
}

/* GR-47: the least recently used goes first. */
static void the_least_recently_used_page_goes(void **state)
{
	(void)state;
	open_space(GRANT_PATH_PERSIST, 4, 100);
	cost(0, 1);
	cost(1, 1);
	cost(2, 1);
	cost(3, 1);
	cost(0, 1); /* 1 is the oldest now */
	assert_int_equal(cost(4, 1), 1);
	assert_int_equal(live, 4);
	assert_int_equal(mapped[1], 0);
	assert_int_equal(mapped[0], 1);
	assert_int_equal(cost(0, 1), 0);
	assert_int_equal(cost(1, 1), 1);
	close_space();
}

/* A full cache is slow, never an error; what is in use stays. */
static void more_than_may_be_kept_still_works(void **state)
{
	struct grant_use *u[USES];
	unsigned i;

	(void)state;
	open_space(GRANT_PATH_PERSIST, 3, 100);
	for (i = 0; i < USES; i++)
		u[i] = want(i, true, i * SEGS, SEGS);
	assert_int_equal(grant_space_acquire(space, u, USES), 0);
	for (i = 0; i < USES; i++)
		assert_int_equal(u[i]->error, 0);
	assert_int_equal(live, USES * SEGS);
	assert_int_equal(map_calls, 1);
	grant_space_release(space, u, USES);
	assert_int_equal(live, 3);
	assert_int_equal(unmap_calls, 1);
	close_space();
}

/* XSA-300: one cap over all. */
static void the_budget_binds_all(void **state)
{
	(void)state;
	open_space(GRANT_PATH_PERSIST, 16, 2);
	cost(0, 4);
	assert_int_equal(live, 2);
	assert_int_equal(atomic_load(&budget.used), 2);
	close_space();
}

/* A process may have so many mappings only: what is not kept has one a use. */
static void what_is_not_kept_is_mapped_together(void **state)
{
	struct grant_use *u[3] = { want(0, true, 10, 4), want(1, true, 20, 4),
				   want(2, true, 30, 2) };

	(void)state;
	open_space(GRANT_PATH_PERSIST, 3, 100);
	grant_space_acquire(space, u, 3);
	assert_int_equal(live, 10);
	assert_int_equal(made_maps, 3 + 1 + 1 + 1);
	assert_int_equal(map_calls, 1);
	put(u[0]);
	assert_int_equal(live, 9);
	put(u[2]);
	put(u[1]);
	assert_int_equal(live, 3);
	assert_int_equal(made_maps, 3);
	close_space();
	assert_int_equal(made_maps, 0);
}

/* XSA-361: the group of a bad gref has a page that another request names. */
static void a_bad_gref_fails_no_other_in_its_group(void **state)
{
	struct grant_use *u[2] = { want(0, true, 62, 3), want(1, true, 62, 2) };

	(void)state;
	open_space(GRANT_PATH_PERSIST, 0, 100);
	grant_space_acquire(space, u, 2);
	assert_int_equal(u[0]->error, -EFAULT);
	assert_int_equal(u[1]->error, 0);
	assert_ptr_equal(seg[1][1].data, guest + 63 * XEN_PAGE_SIZE);
	assert_int_equal(live, 2);
	put(u[1]);
	assert_int_equal(live, 0);
	close_space();
}

/* One use of a group goes, and another one still has a page of it. */
static void a_group_outlives_its_use(void **state)
{
	struct grant_use *u[2] = { want(0, true, 40, 4), want(1, true, 42, 1) };

	(void)state;
	open_space(GRANT_PATH_PERSIST, 0, 100);
	grant_space_acquire(space, u, 2);
	put(u[0]);
	assert_int_equal(live, 4);
	assert_int_equal(mapped[42], 1);
	/* The others of it may come again meanwhile. */
	get(want(0, true, 40, 2));
	assert_int_equal(use[0].error, 0);
	assert_int_equal(mapped[40], 2);
	put(u[1]);
	assert_int_equal(mapped[42], 0);
	put(&use[0]);
	assert_int_equal(live, 0);
	close_space();
}

/* XSA-371: a bad gref fails its request; the good pages stay. */
static void a_bad_gref_fails_only_its_use(void **state)
{
	struct grant_use *u[2] = { want(0, true, 62, 4), want(1, true, 5, 1) };

	(void)state;
	open_space(GRANT_PATH_PERSIST, 16, 100);
	grant_space_acquire(space, u, 2);
	assert_int_equal(u[0]->error, -EFAULT);
	assert_int_equal(u[1]->error, 0);
	assert_int_equal(live, 3); /* 62, 63, 5 */
	put(u[1]);
	get(want(0, true, 64, 1)); /* and again: it is not remembered */
	assert_int_equal(use[0].error, -EFAULT);
	assert_int_equal(cost(62, 2), 0);
	close_space();
}

/* GR-48: two requests name one gref; a third bad one names it too. */
static void a_gref_that_is_shared(void **state)
{
	struct grant_use *u[3] = { want(0, true, 7, 1), want(1, true, 7, 1),
				   want(2, true, 70, 1) };

	(void)state;
	open_space(GRANT_PATH_PERSIST, 0, 100); /* nothing may be kept */
	seg[0][1] = seg[0][0];
	u[0]->count = 2; /* twice in one request, too */
	grant_space_acquire(space, u, 3);
	assert_int_equal(u[0]->error, 0);
	assert_int_equal(u[1]->error, 0);
	assert_int_equal(u[2]->error, -EFAULT);
	assert_false(u[0]->shared); /* not with another one */
	assert_true(u[1]->shared);
	assert_int_equal(u[1]->shared_gref, 7);
	assert_false(u[2]->shared);
	assert_int_equal(live, 1);
	put(u[0]);
	assert_int_equal(live, 1); /* u[1] still uses it */
	put(u[1]);
	assert_int_equal(live, 0);
	close_space();
}

/* The same where nothing is kept, by the table of the grants in flight. */
static void a_gref_that_is_shared_in_passing(void **state)
{
	static const enum grant_path path[] = { GRANT_PATH_MAP,
						GRANT_PATH_COPY };
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct grant_use *u[2] = { want(0, true, 7, 1),
					   want(1, true, 7, 1) };

		open_space(path[i], 0, 100);
		grant_space_acquire(space, u, 2);
		assert_false(u[0]->shared);
		assert_true(u[1]->shared);
		assert_int_equal(u[1]->shared_gref, 7);
		put(u[0]);
		put(u[1]);
		close_space();
	}
}

static void idle_gives_memory_back(void **state)
{
	(void)state;
	open_space(GRANT_PATH_PERSIST, 16, 100);
	cost(0, 4);
	assert_int_not_equal(grant_space_kept(space), 0);
	assert_true(grant_space_idle(space)); /* they were used just now */
	assert_int_equal(live, 4);
	cost(1, 1);
	assert_true(grant_space_idle(space));
	assert_int_equal(live, 1);
	assert_false(grant_space_idle(space));
	assert_int_equal(grant_space_kept(space), 0);
	assert_int_equal(live, 0);
	assert_int_equal(cost(1, 1), 1);
	close_space();
}

/* Many grefs that fall together, against a count of each. */
static void grefs_in_flight(void **state)
{
	enum { GREFS = 64, ROOM = 48 };
	struct grant_flight f;
	uint32_t held[ROOM], gref;
	uint64_t last[GREFS] = { 0 };
	unsigned uses[GREFS] = { 0 }, n = 0, i, round;

	(void)state;
	assert_int_equal(grant_flight_open(&f, ROOM), 0);
	srandom(48);
	for (round = 0; round < 100000; round++) {
		if (n < ROOM && (!n || random() % 2)) {
			uint64_t seq = (uint64_t)random() % 4 + 1;

			i = (unsigned)random() % GREFS;
			/* Some in a row, and all of few homes. */
			gref = i % 8 + (i / 8) * 128;
			assert_int_equal(grant_flight_add(&f, gref, seq),
					 uses[i] && last[i] != seq);
			last[i] = seq;
			uses[i]++;
			held[n++] = i;
		} else {
			unsigned at = (unsigned)random() % n;

			i = held[at];
			held[at] = held[--n];
			uses[i]--;
			grant_flight_remove(&f, i % 8 + (i / 8) * 128);
		}
	}
	grant_flight_close(&f);
}

static void copies_go_both_ways(void **state)
{
	struct grant_use *u[2] = { want(0, false, 3, 2), want(1, true, 9, 1) };

	(void)state;
	open_space(GRANT_PATH_COPY, 0, 0);
	seg[0][1].off_bytes = 1024;
	seg[0][1].len_bytes = 512;
	memset(guest + 3 * XEN_PAGE_SIZE, 'x', XEN_PAGE_SIZE);
	memset(guest + 4 * XEN_PAGE_SIZE, 'y', XEN_PAGE_SIZE);
	memset(guest + 9 * XEN_PAGE_SIZE, 'z', XEN_PAGE_SIZE);
	assert_int_equal(grant_space_acquire(space, u, 2), 0);
	assert_int_equal(copy_calls, 1);
	assert_int_equal(((char *)seg[0][0].data)[4095], 'x');
	assert_int_equal(((char *)seg[0][1].data)[511], 'y');
	memset(seg[1][0].data, 'd', XEN_PAGE_SIZE); /* the storage's */
	assert_int_equal(guest[9 * XEN_PAGE_SIZE], 'z');
	grant_space_release(space, u, 2);
	assert_int_equal(guest[9 * XEN_PAGE_SIZE + 4095], 'd');
	assert_int_equal(live + map_calls, 0);
	close_space();
}

/* What other requests left in our pages never reaches the guest. */
static void a_failed_read_copies_nothing(void **state)
{
	struct grant_use *u = want(0, true, 9, 1);

	(void)state;
	open_space(GRANT_PATH_COPY, 0, 0);
	memset(guest + 9 * XEN_PAGE_SIZE, 'z', XEN_PAGE_SIZE);
	get(u);
	memset(seg[0][0].data, 's', XEN_PAGE_SIZE);
	u->failed = true;
	put(u);
	assert_int_equal(guest[9 * XEN_PAGE_SIZE], 'z');
	assert_int_equal(copy_calls, 0);
	close_space();
}

static void a_refused_copy_is_an_error(void **state)
{
	struct grant_use *u[2] = { want(0, false, 63, 2), want(1, true, 5, 1) };
	unsigned i;

	(void)state;
	open_space(GRANT_PATH_COPY, 0, 0);
	grant_space_acquire(space, u, 2);
	assert_int_equal(u[0]->error, -EFAULT);
	assert_int_equal(u[1]->error, 0);
	refused = 5; /* the guest took it back meanwhile */
	grant_space_release(space, &u[1], 1);
	assert_int_equal(u[1]->error, -EFAULT);
	refused = UINT32_MAX;
	/* No slot was lost on the way. */
	for (i = 0; i < 3; i++) {
		struct grant_use *all[USES];
		unsigned j;

		for (j = 0; j < USES; j++)
			all[j] = want(j, true, j, 1);
		assert_int_equal(grant_space_acquire(space, all, USES), 0);
		grant_space_release(space, all, USES);
	}
	close_space();
}

/* Many rounds of everything at once: nothing leaks, all data is right. */
static void a_long_random_life(void **state)
{
	uint32_t seed = 12345, round, i, j;

	(void)state;
	for (i = 0; i < GUEST_PAGES; i++)
		memcpy(guest + i * XEN_PAGE_SIZE, &i, sizeof(i));
	open_space(GRANT_PATH_PERSIST, 10, 8);
	for (round = 0; round < 20000; round++) {
		struct grant_use *u[USES], *held[USES];
		unsigned n = 0;

		for (i = 0; i < USES; i++) {
			seed = seed * 1664525 + 1013904223;
			u[i] = want(i, true, (seed >> 8) % (GUEST_PAGES + 2),
				    1 + (seed >> 20) % SEGS);
		}
		grant_space_acquire(space, u, USES);
		for (i = 0; i < USES; i++) {
			uint32_t last = seg[i][0].gref + u[i]->count;

			assert_int_equal(u[i]->error,
					 last > GUEST_PAGES ? -EFAULT : 0);
			if (u[i]->error)
				continue;
			for (j = 0; j < u[i]->count; j++)
				assert_int_equal(*(uint32_t *)seg[i][j].data,
						 seg[i][j].gref);
			held[n++] = u[i];
		}
		grant_space_release(space, held, n);
		assert_true(live <= 8);
		if (round % 1000 == 0)
			grant_space_idle(space);
	}
	close_space();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_pages_are_mapped_once),
		cmocka_unit_test(the_least_recently_used_page_goes),
		cmocka_unit_test(more_than_may_be_kept_still_works),
		cmocka_unit_test(the_budget_binds_all),
		cmocka_unit_test(what_is_not_kept_is_mapped_together),
		cmocka_unit_test(a_bad_gref_fails_no_other_in_its_group),
		cmocka_unit_test(a_group_outlives_its_use),
		cmocka_unit_test(a_bad_gref_fails_only_its_use),
		cmocka_unit_test(a_gref_that_is_shared),
		cmocka_unit_test(a_gref_that_is_shared_in_passing),
		cmocka_unit_test(idle_gives_memory_back),
		cmocka_unit_test(grefs_in_flight),
		cmocka_unit_test(copies_go_both_ways),
		cmocka_unit_test(a_failed_read_copies_nothing),
		cmocka_unit_test(a_refused_copy_is_an_error),
		cmocka_unit_test(a_long_random_life),
	};

	guest = mmap(NULL, GUEST_PAGES * XEN_PAGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guest == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
