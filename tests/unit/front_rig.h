/* SPDX-License-Identifier: MIT */
/*
 * For the tests of the frontend: a guest's memory, grant table and event
 * channel stood in for, and a backend in the same process at the other end
 * of a real ring, which does what a test tells it, right or wrong.  Each unit
 * test is one file, hence the definitions here.
 */
#ifndef TESTS_UNIT_FRONT_RIG_H
#define TESTS_UNIT_FRONT_RIG_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "ring/back.h"
#include "xen/desk/guest.h"

#define RIG_BACKEND 7 /* domain */

#define MEM_PAGES  4096u
#define GRANTS	   4096u
#define DISK_BYTES (1u << 20)
#define TEST_PORT  5

/* ---- a guest's memory and grant table ----------------------------------- */

static uint8_t *mem;
static unsigned mem_used;
static unsigned mem_pages = MEM_PAGES;
static unsigned freed;

struct grant {
	const void *page;
	bool readonly;
	unsigned mapped;
};

static struct grant grants[GRANTS];
static unsigned grants_max = GRANTS;
static unsigned granted;

void *desk_guest_memory(struct xen_host *h, size_t *pages)
{
	(void)h;
	*pages = MEM_PAGES;
	return mem;
}

void *desk_guest_alloc(struct xen_host *h, unsigned count)
{
	void *addr = mem + (size_t)mem_used * XEN_PAGE_SIZE;

	(void)h;
	if (mem_used + count > mem_pages)
		return NULL;
	mem_used += count;
	return addr;
}

void desk_guest_free(struct xen_host *h, void *addr, unsigned count)
{
	(void)h;
	(void)addr;
	freed += count;
	if (freed == mem_used)
		freed = mem_used = 0;
}

int desk_guest_grant(struct xen_host *h, uint16_t domid, const void *addr,
		     bool readonly)
{
	unsigned i;

	(void)h;
	assert_int_equal(domid, RIG_BACKEND);
	if (granted == grants_max)
		return -ENOSPC;
	for (i = 8; grants[i].page; i++)
		;
	grants[i].page = addr;
	grants[i].readonly = readonly;
	granted++;
	return (int)i;
}

int desk_guest_grant_end(struct xen_host *h, uint32_t gref)
{
	(void)h;
	assert_non_null(grants[gref].page);
	if (grants[gref].mapped)
		return -EBUSY;
	grants[gref].page = NULL;
	granted--;
	return 0;
}

/* ---- an event channel -----------------------------------------------------
 */

static bool port_pending, port_masked, port_open;
static unsigned notified;
static int port_fd = -1; /* an eventfd, where a test has a loop */
static void (*on_notify)(void);

static inline int fake_open(struct xen_host *h, struct xen_evtchn **out)
{
	(void)h;
	*out = (struct xen_evtchn *)&notified;
	return 0;
}

static inline void fake_close(struct xen_evtchn *e)
{
	(void)e;
}

static inline int fake_fd(struct xen_evtchn *e)
{
	(void)e;
	return port_fd;
}

static inline void port_raise(void)
{
	port_pending = true;
	if (port_fd >= 0)
		(void)!write(port_fd, &(uint64_t){ 1 }, 8);
}

static inline int fake_alloc(struct xen_evtchn *e, uint16_t remote)
{
	(void)e;
	assert_int_equal(remote, RIG_BACKEND);
	port_open = true;
	return TEST_PORT;
}

static inline int fake_unbind(struct xen_evtchn *e, uint32_t port)
{
	(void)e;
	assert_int_equal(port, TEST_PORT);
	port_open = false;
	return 0;
}

static inline int fake_notify(struct xen_evtchn *e, uint32_t port)
{
	(void)e;
	assert_int_equal(port, TEST_PORT);
	notified++;
	if (on_notify)
		on_notify();
	return 0;
}

static inline int fake_pending(struct xen_evtchn *e)
{
	(void)e;
	if (!port_pending || port_masked)
		return -EAGAIN;
	port_pending = false;
	port_masked = true;
	if (port_fd >= 0)
		(void)!read(port_fd, &(uint64_t){ 0 }, 8);
	return TEST_PORT;
}

static inline int fake_unmask(struct xen_evtchn *e, uint32_t port)
{
	(void)e;
	assert_int_equal(port, TEST_PORT);
	port_masked = false;
	return 0;
}

#define FAKE_EVTCHN_OPS                                                        \
	{                                                                      \
		.open = fake_open, .close = fake_close, .fd = fake_fd,         \
		.alloc_unbound = fake_alloc, .unbind = fake_unbind,            \
		.notify = fake_notify, .pending = fake_pending,                \
		.unmask = fake_unmask,                                         \
	}

/* ---- a backend ------------------------------------------------------------
 */

static struct ring_back back;
static uint8_t disk[DISK_BYTES];
static struct ring_request_x86_64 taken[512];
static unsigned ntaken;
static bool rig_persistent; /* the frontend keeps its grants, read-write */

/* An x86_32 slot as the other layout has it. */
static inline void back_widen(const uint8_t *bytes,
			      struct ring_request_x86_64 *out)
{
	struct ring_request_x86_32 r;

	if (bytes[0] == RING_OP_INDIRECT) {
		struct ring_indirect_x86_64 *o = (void *)out;
		struct ring_indirect_x86_32 i;

		memcpy(&i, bytes, sizeof(i));
		o->operation = i.operation;
		o->inner_op = i.inner_op;
		o->nr_segments = i.nr_segments;
		o->id = i.id;
		o->sector_number = i.sector_number;
		memcpy(o->list_gref, i.list_gref, sizeof(o->list_gref));
		return;
	}
	memcpy(&r, bytes, sizeof(r));
	out->operation = r.operation;
	out->nr_segments = r.nr_segments;
	out->id = r.id;
	out->sector_number = r.sector_number;
	memcpy(out->seg, r.seg, sizeof(out->seg));
}

/* Take all requests that are there into taken[]; returns how many. */
static inline unsigned back_take(void)
{
	struct ring_slot slot;
	int ready = ring_back_ready(&back);
	int i;

	assert_true(ready >= 0);
	ntaken = 0;
	for (i = 0; i < ready; i++) {
		ring_back_take(&back, &slot);
		if (back.abi == RING_ABI_X86_32)
			back_widen(slot.bytes, &taken[ntaken++]);
		else
			memcpy(&taken[ntaken++], slot.bytes, sizeof(taken[0]));
	}
	return ntaken;
}

/* One segment, checking all that the protocol asks; returns its length. */
static inline size_t back_move_segment(const struct ring_segment *s, bool write,
				       uint64_t at)
{
	struct grant *g = &grants[s->gref];
	uint8_t *page = (uint8_t *)(uintptr_t)g->page;
	size_t len;

	assert_non_null(page);
	assert_in_range(s->last_sect, s->first_sect, RING_SECTOR_LAST);
	len = (s->last_sect - s->first_sect + 1u) * 512;
	assert_true(at + len <= DISK_BYTES);
	page += s->first_sect * 512;
	assert_int_equal(g->readonly, write && !rig_persistent);
	if (write)
		memcpy(disk + at, page, len);
	else
		memcpy(page, disk + at, len);
	return len;
}

static inline void back_move_indirect(const struct ring_indirect_x86_64 *r)
{
	uint64_t at = r->sector_number * 512;
	unsigned i;

	assert_in_range(r->nr_segments, RING_SEGS_MAX + 1,
			RING_LIST_PAGES_MAX * RING_LIST_SEGS);
	for (i = 0; i < r->nr_segments; i++) {
		struct grant *g = &grants[r->list_gref[i / RING_LIST_SEGS]];
		const struct ring_segment *list = g->page;

		assert_non_null(list);
		assert_int_equal(g->readonly, !rig_persistent);
		at += back_move_segment(&list[i % RING_LIST_SEGS],
					r->inner_op == RING_OP_WRITE, at);
	}
}

/* Move the data of a request. */
static inline void back_move(const struct ring_request_x86_64 *r)
{
	bool write = r->operation == RING_OP_WRITE ||
		     r->operation == RING_OP_BARRIER;
	uint64_t at = r->sector_number * 512;
	unsigned i;

	switch (r->operation) {
	case RING_OP_FLUSH:
		assert_int_equal(r->nr_segments, 0);
		return;
	case RING_OP_INDIRECT:
		back_move_indirect((const void *)r);
		return;
	case RING_OP_DISCARD:
		memset(disk + at, 0,
		       512 * ((const struct ring_discard_x86_64 *)r)
				       ->nr_sectors);
		return;
	default:
		break;
	}
	assert_in_range(r->nr_segments, 1, RING_SEGS_MAX);
	for (i = 0; i < r->nr_segments; i++)
		at += back_move_segment(&r->seg[i], write, at);
}

static inline void back_push(void)
{
	if (ring_back_push(&back))
		port_raise();
}

static inline void back_answer(const struct ring_request_x86_64 *r,
			       enum ring_status status)
{
	if (status == RING_STATUS_OKAY)
		back_move(r);
	/* RG-27: of an indirect request what is inside. */
	ring_back_respond(
		&back, r->id,
		r->operation == RING_OP_INDIRECT
			? ((const struct ring_indirect_x86_64 *)r)->inner_op
			: r->operation,
		status);
}

/* Serve all there is, the last first, as a disk may. */
static inline void back_serve(enum ring_status status)
{
	while (back_take()) {
		while (ntaken)
			back_answer(&taken[--ntaken], status);
		back_push();
	}
	ring_back_final_check(&back);
}

/* An empty guest and a disk with something on it. */
static inline void rig_reset(void)
{
	free(mem);
	mem = aligned_alloc(XEN_PAGE_SIZE, MEM_PAGES * XEN_PAGE_SIZE);
	memset(mem, 0, MEM_PAGES * XEN_PAGE_SIZE);
	memset(grants, 0, sizeof(grants));
	for (unsigned i = 0; i < DISK_BYTES; i++)
		disk[i] = (uint8_t)(i * 7 + i / 512);
	mem_used = freed = granted = notified = 0;
	mem_pages = MEM_PAGES;
	grants_max = GRANTS;
	port_pending = port_masked = port_open = false;
	on_notify = NULL;
	rig_persistent = false;
}

/* Nothing that a frontend took is left. */
static inline void rig_empty(void)
{
	assert_int_equal(granted, 0);
	assert_int_equal(freed, mem_used);
	assert_false(port_open);
}

#endif
