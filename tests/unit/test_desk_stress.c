/* SPDX-License-Identifier: MIT */
/*
 * Two backends map and unmap while the guest grants and takes back as fast
 * as it can, and now and then a backend is killed.  At the end everything is
 * accounted for: no mapping, no mark in the grant table, no port.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "desk_rig.h"

#include <xen/grant_table.h>

#include "xen/desk/guest.h"
#include "xen/desk/host.h"

#define GREFS 24u
#define LIVES 6

/* What guest and backends share beside the desk. */
struct shared {
	uint32_t gref[GREFS]; /* 0 while it is not granted */
	uint32_t stop;
	uint64_t mapped, refused, wrong, busy, ended;
};

static struct shared *shared;

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static bool stopped(void)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE);
}

static void check(uint32_t seen, uint32_t gref)
{
	if (seen && seen != gref)
		add(&shared->wrong, 1);
}

/* A granted page holds its own gref, or 0 for a moment before. */
static void backend(unsigned seed)
{
	struct xen_host *h = rig_host(0);
	const struct xen_gnttab_ops *ops = &h->ops->gnttab;
	struct xen_map m[4];
	uint32_t grefs[4][3];
	struct xen_gnttab *g;
	unsigned i, j;

	if (ops->open(h, &g))
		_exit(1);
	while (!stopped()) {
		for (i = 0; i < 4; i++) {
			for (j = 0; j < 3; j++)
				grefs[i][j] = __atomic_load_n(
					&shared->gref[(unsigned)rand_r(&seed) %
						      GREFS],
					__ATOMIC_ACQUIRE);
			m[i] = (struct xen_map){
				.domid = 1,
				.writable = rand_r(&seed) % 2,
				.count = 1 + (unsigned)rand_r(&seed) % 3,
				.grefs = grefs[i],
			};
		}
		if (ops->map(g, m, 4) < 0)
			_exit(2);
		for (i = 0; i < 4; i++) {
			add(m[i].addr ? &shared->mapped : &shared->refused, 1);
			for (j = 0; m[i].addr && j < m[i].count; j++)
				check(((uint32_t *)m[i].addr)[j * 1024],
				      grefs[i][j]);
		}
		if (ops->unmap(g, m, 4))
			_exit(3);
	}
	ops->close(g);
	xen_host_close(h);
}

static void guest(void)
{
	struct xen_host *h = rig_host(1);
	uint32_t *page[GREFS], gref;
	unsigned i, seed = 1;

	for (i = 0; i < GREFS; i++) {
		page[i] = desk_guest_alloc(h, 1);
		if (!page[i])
			_exit(1);
	}
	while (!stopped()) {
		i = (unsigned)rand_r(&seed) % GREFS;
		gref = shared->gref[i];
		if (!gref) {
			int n = desk_guest_grant(h, 0, page[i], false);

			/* Its number is written before anybody knows it. */
			*page[i] = (uint32_t)n;
			__atomic_store_n(&shared->gref[i], (uint32_t)n,
					 __ATOMIC_RELEASE);
			continue;
		}
		switch (desk_guest_grant_end(h, gref)) {
		case 0:
			*page[i] = 0;
			__atomic_store_n(&shared->gref[i], 0, __ATOMIC_RELEASE);
			add(&shared->ended, 1);
			break;
		case -EBUSY:
			add(&shared->busy, 1);
			break;
		default:
			_exit(2);
		}
	}
	for (i = 0; i < GREFS; i++) {
		int left = 5000;

		while (shared->gref[i] && left-- &&
		       desk_guest_grant_end(h, shared->gref[i]) == -EBUSY)
			usleep(1000);
		if (left < 0)
			_exit(4);
	}
	xen_host_close(h);
}

static pid_t run(void (*what)(unsigned), unsigned seed)
{
	pid_t pid = rig_fork();

	if (pid == 0) {
		what(seed);
		_exit(0);
	}
	return pid;
}

static void run_guest(unsigned seed)
{
	(void)seed;
	guest();
}

static void everything_is_accounted_for(void **state)
{
	struct desk_counters c;
	struct desk_view *v;
	struct xen_host *h;
	pid_t g, steady, victim;
	uint64_t before;
	unsigned i;

	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rig_domain(1);
	g = run(run_guest, 0);
	steady = run(backend, 1);
	for (i = 0; i < LIVES; i++) {
		victim = run(backend, i + 2);
		/* As far as it came, and then no further. */
		before = __atomic_load_n(&shared->mapped, __ATOMIC_RELAXED);
		while (__atomic_load_n(&shared->mapped, __ATOMIC_RELAXED) <
		       before + 2000)
			usleep(500);
		rig_kill(victim);
	}
	__atomic_store_n(&shared->stop, 1, __ATOMIC_RELEASE);
	assert_int_equal(rig_exit_status(steady), 0);
	assert_int_equal(rig_exit_status(g), 0);
	rig_wait_counter(connections, 0);
	rig_wait_counter(mappings, 0);
	c = rig_counters();
	assert_int_equal(c.grants, 0);
	/* All of it happened: mapped, refused, busy, taken back. */
	assert_true(shared->mapped > 1000);
	assert_true(shared->refused > 0);
	assert_true(shared->ended > 0);
	assert_true(shared->busy > 0);
	assert_int_equal(shared->wrong, 0);
	/* No mark, no count is left in the tables themselves. */
	h = rig_host(0);
	assert_int_equal(desk_view_get(desk_host_of(h), 1, &v), 0);
	for (i = 0; i < DESK_GRANT_ENTRIES; i++) {
		assert_int_equal(v->grant[i].head, 0);
		assert_int_equal(v->active->entry[i].readers, 0);
		assert_int_equal(v->active->entry[i].writers, 0);
	}
	desk_view_put(desk_host_of(h), v);
	xen_host_close(h);
	munmap(shared, sizeof(*shared));
}

/* ---- handles of one host, side by side ------------------------------------
 */

struct worker {
	pthread_t thread;
	struct xen_host *back, *guest;
	uint32_t gref;
	int err;
};

/* Its own handles for grants and ports, on hosts that all share. */
static void *work(void *arg)
{
	struct worker *w = arg;
	const struct xen_gnttab_ops *gops = &w->back->ops->gnttab;
	const struct xen_evtchn_ops *eops = &w->back->ops->evtchn;
	struct xen_map m = {
		.domid = 1, .count = 1, .writable = true, .grefs = &w->gref
	};
	struct xen_evtchn *mine, *theirs;
	struct xen_gnttab *g;
	int i, port, bound;

	w->err = 1;
	for (i = 0; i < 20; i++) {
		if (gops->open(w->back, &g) || eops->open(w->back, &mine) ||
		    eops->open(w->guest, &theirs))
			return NULL;
		port = eops->alloc_unbound(theirs, 0);
		bound = eops->bind_interdomain(mine, 1, (uint32_t)port);
		if (port <= 0 || bound <= 0 || gops->map(g, &m, 1) ||
		    eops->pending(mine) != bound ||
		    eops->notify(mine, (uint32_t)bound) ||
		    eops->pending(theirs) != port ||
		    *(uint32_t *)m.addr != w->gref || gops->unmap(g, &m, 1))
			return NULL;
		if (i % 2)
			eops->close(theirs);
		eops->close(mine);
		if (i % 2 == 0)
			eops->close(theirs);
		gops->close(g);
	}
	w->err = 0;
	return NULL;
}

static void threads_side_by_side(void **state)
{
	struct worker w[4];
	uint32_t *page;
	unsigned i;

	(void)state;
	rig_domain(1);
	w[0].back = rig_host(0);
	w[0].guest = rig_host(1);
	for (i = 0; i < 4; i++) {
		w[i].back = w[0].back;
		w[i].guest = w[0].guest;
		page = desk_guest_alloc(w[0].guest, 1);
		w[i].gref =
			(uint32_t)desk_guest_grant(w[0].guest, 0, page, false);
		*page = w[i].gref;
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].err, 0);
	}
	assert_int_equal(rig_counters().mappings, 0);
	assert_int_equal(rig_counters().ports_bound, 0);
	assert_int_equal(rig_counters().ports_unbound, 0);
	xen_host_close(w[0].guest);
	xen_host_close(w[0].back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_is_accounted_for,
						rig_start, rig_stop),
		cmocka_unit_test_setup_teardown(threads_side_by_side, rig_start,
						rig_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
