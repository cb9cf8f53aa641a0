/* SPDX-License-Identifier: MIT */
/* A frontend's queue against a backend in the same process. */
#include "tests/unit/front_rig.h"

#include "frontend/queue.h"
#include "frontend/request.h"

static const struct xen_ops fake_ops = {
	.name = "fake",
	.evtchn = FAKE_EVTCHN_OPS,
};

static struct xen_host fake_host = { .ops = &fake_ops, .domid = 3 };

/* ---- the test's own --------------------------------------------------------
 */

static struct front_queue q;
static unsigned dones;

static void count_done(struct front_io *io)
{
	assert_ptr_equal(io->opaque, &dones);
	dones++;
}

static struct front_io io_make(enum ring_op op, uint64_t off, uint32_t len,
			       void *buf)
{
	struct front_io io = {
		.op = op,
		.off_bytes = off,
		.len_bytes = len,
		.buf = buf,
		.done = count_done,
		.opaque = &dones,
		.error = 12345,
	};

	return io;
}

static void queue_open(unsigned pages, enum ring_abi abi, unsigned segs_max,
		       bool persistent)
{
	struct front_queue_options opt = {
		.host = &fake_host,
		.backend_id = RIG_BACKEND,
		.pages = pages,
		.abi = abi,
		.segs_max = segs_max,
		.persistent = persistent,
		.id_seed = 42,
		.ev = { .actor = EV_ACTOR_FRONTEND, .domid = 3 },
	};
	struct why why;

	rig_reset();
	rig_persistent = persistent;
	dones = 0;
	assert_int_equal(front_queue_open(&q, &opt, &why), 0);
	ring_back_init(&back, q.ring_pages, pages, abi, &opt.ev);
	ring_back_final_check(&back);
}

static int setup(void **state)
{
	(void)state;
	queue_open(1, RING_ABI_X86_64, 0, false);
	return 0;
}

/* Whatever a test did, nothing may be left. */
static int teardown(void **state)
{
	(void)state;
	if (q.ring_pages) {
		front_queue_fail(&q, -ESHUTDOWN);
		for (unsigned i = 0; i < GRANTS; i++)
			grants[i].mapped = 0;
		assert_int_equal(front_queue_close(&q), 0);
		rig_empty();
	}
	return 0;
}

static void run(enum ring_status status)
{
	assert_int_equal(front_queue_pump(&q), 0);
	while (front_queue_busy(&q)) {
		back_serve(status);
		assert_true(port_pending);
		assert_int_equal(front_queue_service(&q), 0);
	}
}

/* ---- the way of the data ---------------------------------------------------
 */

static void test_read_any_place(void **state)
{
	static const struct {
		uint32_t off, len;
		unsigned requests;
	} cases[] = {
		{ 0, 512, 1 },
		{ 512, 4096, 1 },
		{ 4096, 45056, 1 },
		{ 3584, 41472, 1 },
		{ 3584, 45056, 2 },
		{ 1024, 200 * 1024, 5 },
		{ DISK_BYTES - 512, 512, 1 },
	};
	static uint8_t buf[256 * 1024];

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct front_io io =
			io_make(RING_OP_READ, cases[i].off, cases[i].len, buf);
		uint64_t before = q.seq;

		memset(buf, 0xee, sizeof(buf));
		front_queue_submit(&q, &io);
		run(RING_STATUS_OKAY);
		assert_int_equal(io.error, 0);
		assert_memory_equal(buf, disk + cases[i].off, cases[i].len);
		assert_int_equal(buf[cases[i].len], 0xee);
		assert_int_equal(q.seq - before, cases[i].requests);
		assert_int_equal(dones, i + 1);
		assert_int_equal(granted, 1); /* the ring */
	}
}

static void test_write_then_flush(void **state)
{
	static uint8_t buf[100 * 1024], before[DISK_BYTES];
	struct front_io io = io_make(RING_OP_WRITE, 1536, sizeof(buf), buf);
	struct front_io flush = io_make(RING_OP_FLUSH, 0, 0, NULL);

	(void)state;
	memcpy(before, disk, sizeof(disk));
	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 13);
	front_queue_submit(&q, &io);
	run(RING_STATUS_OKAY);
	assert_memory_equal(disk + 1536, buf, sizeof(buf));
	assert_memory_equal(disk, before, 1536);
	assert_memory_equal(disk + 1536 + sizeof(buf),
			    before + 1536 + sizeof(buf),
			    DISK_BYTES - 1536 - sizeof(buf));
	front_queue_submit(&q, &flush);
	run(RING_STATUS_OKAY);
	assert_int_equal(flush.error, 0);
	assert_int_equal(dones, 2);
}

static void test_one_push_for_a_batch(void **state)
{
	static uint8_t buf[40][4096];
	struct front_io io[40];
	unsigned i;

	(void)state;
	for (i = 0; i < 40; i++) {
		io[i] = io_make(RING_OP_READ, i * 4096, 4096, buf[i]);
		front_queue_submit(&q, &io[i]);
	}
	assert_int_equal(notified, 0);
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(notified, 1);
	assert_int_equal(q.in_flight, 32); /* what the ring holds */
	assert_int_equal(back_take(), 32);
	/* The backend is awake: the other 8 need no notification. */
	for (i = 0; i < 32; i++)
		back_answer(&taken[i], RING_STATUS_OKAY);
	back_push();
	assert_int_equal(front_queue_service(&q), 0);
	assert_int_equal(notified, 1);
	assert_int_equal(q.notifies_saved, 1);
	assert_int_equal(dones, 32);
	back_serve(RING_STATUS_OKAY);
	assert_int_equal(front_queue_service(&q), 0);
	assert_int_equal(dones, 40);
	for (i = 0; i < 40; i++)
		assert_memory_equal(buf[i], disk + i * 4096, 4096);
}

static void test_errors_come_back(void **state)
{
	uint8_t buf[512];
	struct front_io io = io_make(RING_OP_READ, 0, 512, buf);
	struct front_io flush = io_make(RING_OP_FLUSH, 0, 0, NULL);

	(void)state;
	memset(buf, 0x55, sizeof(buf));
	front_queue_submit(&q, &io);
	run(RING_STATUS_ERROR);
	assert_int_equal(io.error, -EIO);
	assert_int_equal(buf[0], 0x55); /* no data came with the error */
	front_queue_submit(&q, &flush);
	run(RING_STATUS_EOPNOTSUPP);
	assert_int_equal(flush.error, -EOPNOTSUPP);
	assert_int_equal(granted, 1);
}

static void test_one_part_fails(void **state)
{
	static uint8_t buf[90112]; /* two requests */
	struct front_io io = io_make(RING_OP_READ, 0, sizeof(buf), buf);

	(void)state;
	front_queue_submit(&q, &io);
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(back_take(), 2);
	back_answer(&taken[0], RING_STATUS_ERROR);
	back_push();
	assert_int_equal(front_queue_service(&q), 0);
	assert_int_equal(dones, 0); /* the other is still out */
	back_answer(&taken[1], RING_STATUS_OKAY);
	back_push();
	assert_int_equal(front_queue_service(&q), 0);
	assert_int_equal(dones, 1);
	assert_int_equal(io.error, -EIO);
}

/* ---- ids and notifications --------------------------------------------------
 */

static void test_ids(void **state)
{
	uint64_t seen[1000];
	unsigned i, k, index, differ = 0;
	uint64_t seq;

	(void)state;
	for (i = 0; i < 1000; i++) {
		seen[i] = front_request_id(42, i, i % 32);
		front_request_id_split(42, seen[i], &seq, &index);
		assert_int_equal(seq, i);
		assert_int_equal(index, i % 32);
		for (k = 0; k < i; k++)
			assert_true(seen[k] != seen[i]);
		/* A number and its successor have little in common. */
		if (i)
			differ += (unsigned)__builtin_popcountll(seen[i] ^
								 seen[i - 1]);
	}
	assert_in_range(differ, 28 * 999, 36 * 999);
}

static void test_spurious_wakeup(void **state)
{
	(void)state;
	port_pending = true;
	assert_int_equal(front_queue_service(&q), 0);
	assert_int_equal(q.wakeups, 1);
	assert_int_equal(q.spurious, 1);
	assert_false(port_masked);
}

static struct front_io late;

/* Answers the next request only while the first is being taken. */
static void done_then_answer(struct front_io *io)
{
	dones++;
	if (io == &late)
		return;
	back_answer(&taken[1], RING_STATUS_OKAY);
	/* Nobody asked to be notified: the final check has to see it. */
	assert_false(ring_back_push(&back));
}

static void test_no_lost_wakeup(void **state)
{
	uint8_t buf[2][512];
	struct front_io io = io_make(RING_OP_READ, 0, 512, buf[0]);

	(void)state;
	late = io_make(RING_OP_READ, 512, 512, buf[1]);
	io.done = late.done = done_then_answer;
	front_queue_submit(&q, &io);
	front_queue_submit(&q, &late);
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(back_take(), 2);
	back_answer(&taken[0], RING_STATUS_OKAY);
	back_push();
	assert_int_equal(front_queue_service(&q), 0);
	assert_int_equal(dones, 2);
}

static struct front_io forever;

/* A backend that has answered before anybody can look away. */
static void done_again(struct front_io *io)
{
	dones++;
	front_queue_submit(&q, io);
	front_queue_pump(&q);
	back_serve(RING_STATUS_OKAY);
}

static void test_service_ends(void **state)
{
	uint8_t buf[512];

	(void)state;
	forever = io_make(RING_OP_READ, 0, 512, buf);
	forever.done = done_again;
	front_queue_submit(&q, &forever);
	assert_int_equal(front_queue_pump(&q), 0);
	back_serve(RING_STATUS_OKAY);
	assert_int_equal(front_queue_service(&q), 0);
	assert_true(q.again); /* and it will come back by itself */
	assert_true(dones >= 1000 && dones < 10000);
	forever.done = count_done;
	port_pending = false;
	assert_int_equal(front_queue_service(&q), 0);
	assert_false(q.again);
	assert_false(front_queue_busy(&q));
}

/* ---- what a backend may not do ----------------------------------------------
 */

/* Two reads in taken[]; nothing answered. */
static struct front_io *two_reads(void)
{
	static uint8_t buf[2][512];
	static struct front_io io[2];

	for (unsigned i = 0; i < 2; i++) {
		io[i] = io_make(RING_OP_READ, i * 512, 512, buf[i]);
		front_queue_submit(&q, &io[i]);
	}
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(back_take(), 2);
	return io;
}

static void expect_fault(const char *rule)
{
	back_push();
	assert_int_equal(front_queue_service(&q), -EPROTO);
	assert_non_null(q.fault.rule);
	assert_string_equal(q.fault.rule, rule);
	assert_non_null(strstr(q.fault.why.text, rule));
	/* And nothing it does afterwards counts. */
	assert_int_equal(front_queue_service(&q), -EPROTO);
	assert_int_equal(front_queue_pump(&q), -EPROTO);
}

static void test_unknown_id(void **state)
{
	(void)state;
	two_reads();
	ring_back_respond(&back, 0x1234, RING_OP_READ, RING_STATUS_OKAY);
	expect_fault("RG-26");
	assert_int_equal(dones, 0);
}

static void test_future_id(void **state)
{
	(void)state;
	two_reads();
	ring_back_respond(&back, front_request_id(q.id_key, q.seq + 1, 0),
			  RING_OP_READ, RING_STATUS_OKAY);
	expect_fault("RG-26");
}

static void test_second_answer(void **state)
{
	(void)state;
	two_reads();
	back_answer(&taken[0], RING_STATUS_OKAY);
	back_answer(&taken[0], RING_STATUS_OKAY);
	expect_fault("RG-25");
	assert_int_equal(dones, 1);
}

/* The entry is in use again, but by another request. */
static void test_second_answer_later(void **state)
{
	uint64_t old;
	struct front_io *io = two_reads();

	(void)state;
	old = taken[0].id;
	back_answer(&taken[1], RING_STATUS_OKAY);
	back_answer(&taken[0], RING_STATUS_OKAY);
	back_push();
	assert_int_equal(front_queue_service(&q), 0);
	front_queue_submit(&q, &io[0]);
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(back_take(), 1);
	ring_back_respond(&back, old, RING_OP_READ, RING_STATUS_OKAY);
	expect_fault("RG-25");
}

static void test_wrong_operation(void **state)
{
	(void)state;
	two_reads();
	ring_back_respond(&back, taken[0].id, RING_OP_WRITE, RING_STATUS_OKAY);
	expect_fault("RG-27");
}

static void test_wrong_status(void **state)
{
	(void)state;
	two_reads();
	ring_back_respond(&back, taken[0].id, RING_OP_READ,
			  (enum ring_status)1);
	expect_fault("RG-28");
}

static void test_status_too_low(void **state)
{
	(void)state;
	two_reads();
	ring_back_respond(&back, taken[0].id, RING_OP_READ,
			  (enum ring_status) - 3);
	expect_fault("RG-28");
}

/* Leave `value` in the padding of the first response, at byte `off`. */
static void dirty_padding(unsigned off)
{
	two_reads();
	back_answer(&taken[0], RING_STATUS_OKAY);
	((uint8_t *)q.ring_pages)[RING_HEADER_BYTES + off] = 0x80;
	expect_fault("RG-29");
}

static void test_dirty_padding(void **state)
{
	(void)state;
	dirty_padding(offsetof(struct ring_response_x86_64, pad0));
}

static void test_dirty_tail(void **state)
{
	(void)state;
	dirty_padding(sizeof(struct ring_response_x86_64) - 1);
}

static void test_too_many_responses(void **state)
{
	(void)state;
	two_reads();
	/* The third index of the ring is the responses'. */
	((uint32_t *)q.ring_pages)[2] = 3;
	port_pending = true;
	assert_int_equal(front_queue_service(&q), -EPROTO);
	assert_string_equal(q.fault.rule, "RG-21");
	assert_int_equal(dones, 0);
}

static void test_still_mapped(void **state)
{
	struct front_io *io = two_reads();

	(void)state;
	grants[taken[0].seg[0].gref].mapped = 1;
	back_answer(&taken[0], RING_STATUS_OKAY);
	expect_fault("GR-46");
	/* Both come back with the reason, once. */
	front_queue_fail(&q, -EPROTO);
	assert_int_equal(dones, 2);
	assert_int_equal(io[0].error, -EPROTO);
	assert_int_equal(io[1].error, -EPROTO);
	/* The page that is mapped is never used again. */
	assert_int_equal(front_queue_close(&q), 1);
	assert_int_equal(granted, 1);
	assert_int_equal(mem_used - freed, 1);
}

/* ---- other requests, other rings
 * ---------------------------------------------
 */

/* A write and a read of all of it, and what they took. */
static void there_and_back(uint64_t off, uint32_t len)
{
	static uint8_t out[DISK_BYTES], in[DISK_BYTES];
	struct front_io w = io_make(RING_OP_WRITE, off, len, out);
	struct front_io r = io_make(RING_OP_READ, off, len, in);

	for (unsigned i = 0; i < len; i++)
		out[i] = (uint8_t)(i * 31 + i / 4096);
	front_queue_submit(&q, &w);
	run(RING_STATUS_OKAY);
	assert_int_equal(w.error, 0);
	assert_memory_equal(disk + off, out, len);
	memset(in, 0, len);
	front_queue_submit(&q, &r);
	run(RING_STATUS_OKAY);
	assert_int_equal(r.error, 0);
	assert_memory_equal(in, out, len);
}

static int closed(void **state)
{
	(void)state;
	return 0;
}

/* Each layout, each order of ring, with requests of both kinds. */
static void test_rings(void **state)
{
	(void)state;
	for (unsigned order = 0; order <= 4; order++) {
		for (int abi = RING_ABI_X86_64; abi <= RING_ABI_X86_32; abi++) {
			queue_open(1u << order, (enum ring_abi)abi, 32, false);
			assert_int_equal(q.ring.entries, 32u << order);
			there_and_back(512, 44 * 1024);
			assert_int_equal(q.indirects, 2);
			there_and_back(0, 44 * 1024);
			assert_int_equal(q.indirects, 2);
			there_and_back(1536, DISK_BYTES - 4096);
			assert_int_equal(q.indirects, 2 + 2 * 8);
			teardown(NULL);
		}
	}
}

/* More segments than one page of a list holds. */
static void test_long_list(void **state)
{
	static uint8_t buf[2100 * 1024];
	struct front_io io = io_make(RING_OP_READ, 0, sizeof(buf), buf);
	const struct ring_indirect_x86_64 *r = (const void *)&taken[0];
	const struct ring_segment *list;

	(void)state;
	queue_open(1, RING_ABI_X86_64, 525, false);
	/* The second time the pages of the list are not neighbours. */
	for (unsigned i = 0; i < 2; i++) {
		front_queue_submit(&q, &io);
		assert_int_equal(front_queue_pump(&q), 0);
		assert_int_equal(back_take(), 1);
		assert_int_equal(r->operation, RING_OP_INDIRECT);
		assert_int_equal(r->nr_segments, 525);
		assert_int_not_equal(r->list_gref[1], 0);
		assert_int_equal(r->list_gref[2], 0);
		list = grants[r->list_gref[1]].page;
		/* The segments of the second page are the last 13. */
		assert_non_null(grants[list[12].gref].page);
		assert_int_equal(list[12].last_sect, RING_SECTOR_LAST);
		assert_int_equal(list[13].gref, 0);
		ring_back_respond(&back, r->id, RING_OP_READ, RING_STATUS_OKAY);
		back_push();
		assert_int_equal(front_queue_service(&q), 0);
		assert_int_equal(dones, i + 1);
		assert_int_equal(granted, 1);
	}
}

/* RG-27: the answer names what is inside. */
static void test_indirect_operation(void **state)
{
	static uint8_t buf[64 * 1024];
	struct front_io io = io_make(RING_OP_READ, 0, sizeof(buf), buf);

	(void)state;
	queue_open(1, RING_ABI_X86_64, 32, false);
	front_queue_submit(&q, &io);
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(back_take(), 1);
	ring_back_respond(&back, taken[0].id, RING_OP_INDIRECT,
			  RING_STATUS_OKAY);
	back_push();
	assert_int_equal(front_queue_service(&q), -EPROTO);
	assert_string_equal(q.fault.rule, "RG-27");
}

/* What was offered late counts. */
static void test_settled_to_direct(void **state)
{
	(void)state;
	queue_open(1, RING_ABI_X86_64, 32, true);
	front_queue_settle(&q, RING_SEGS_MAX, false, 512);
	rig_persistent = false;
	there_and_back(0, 128 * 1024);
	assert_int_equal(q.indirects, 0);
	assert_int_equal(granted, 1);
}

static void test_x86_32_padding(void **state)
{
	uint8_t buf[512];
	struct front_io io = io_make(RING_OP_READ, 0, 512, buf);

	(void)state;
	queue_open(1, RING_ABI_X86_32, 0, false);
	front_queue_submit(&q, &io);
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(back_take(), 1);
	back_answer(&taken[0], RING_STATUS_OKAY);
	((uint8_t *)q.ring_pages)[RING_HEADER_BYTES +
				  offsetof(struct ring_response_x86_32, pad0)] =
		1;
	back_push();
	assert_int_equal(front_queue_service(&q), -EPROTO);
	assert_string_equal(q.fault.rule, "RG-29");
}

/* GR-47: granted once, read-write, and the last one given back comes first. */
static void test_persistent(void **state)
{
	uint8_t buf[512];
	struct front_io io = io_make(RING_OP_WRITE, 0, 512, buf);
	uint32_t gref;

	(void)state;
	memset(buf, 7, sizeof(buf));
	queue_open(1, RING_ABI_X86_64, 32, true);
	front_queue_submit(&q, &io);
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(back_take(), 1);
	gref = taken[0].seg[0].gref;
	/* That it stays mapped is no fault here. */
	grants[gref].mapped = 1;
	back_answer(&taken[0], RING_STATUS_OKAY);
	back_push();
	assert_int_equal(front_queue_service(&q), 0);
	assert_int_equal(dones, 1);
	assert_int_equal(granted, 2);
	for (unsigned i = 0; i < 10; i++) {
		io.op = i & 1 ? RING_OP_WRITE : RING_OP_READ;
		front_queue_submit(&q, &io);
		assert_int_equal(front_queue_pump(&q), 0);
		assert_int_equal(back_take(), 1);
		assert_int_equal(taken[0].seg[0].gref, gref);
		back_answer(&taken[0], RING_STATUS_OKAY);
		back_push();
		assert_int_equal(front_queue_service(&q), 0);
	}
	/* More at once need more, once. */
	there_and_back(0, 512 * 1024);
	assert_int_equal(granted, 1 + 128 + 4);
	there_and_back(4096, 512 * 1024);
	assert_int_equal(granted, 1 + 128 + 4);
	/* The backend may keep them as long as it is connected. */
	front_queue_fail(&q, -ESHUTDOWN);
	assert_int_equal(front_queue_close(&q), 1);
	grants[gref].mapped = 0;
	grants[gref].page = NULL;
	assert_int_equal(granted, 1);
}

static void test_barrier(void **state)
{
	static uint8_t buf[64 * 1024];
	struct front_io io = io_make(RING_OP_BARRIER, 4096, sizeof(buf), buf);
	unsigned i;

	(void)state;
	memset(buf, 0x5c, sizeof(buf));
	queue_open(1, RING_ABI_X86_64, 32, false);
	front_queue_submit(&q, &io);
	assert_int_equal(front_queue_pump(&q), 0);
	/* RQ-36: none of it may be indirect. */
	assert_int_equal(back_take(), 2);
	for (i = 0; i < 2; i++) {
		assert_int_equal(taken[i].operation, RING_OP_BARRIER);
		back_answer(&taken[i], RING_STATUS_OKAY);
	}
	back_push();
	assert_int_equal(front_queue_service(&q), 0);
	assert_int_equal(io.error, 0);
	assert_memory_equal(disk + 4096, buf, sizeof(buf));
}

static void test_discard(void **state)
{
	struct front_io io = io_make(RING_OP_DISCARD, 8192, 64 * 4096, NULL);
	const struct ring_discard_x86_64 *r = (const void *)&taken[0];

	(void)state;
	front_queue_submit(&q, &io);
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(back_take(), 1);
	assert_int_equal(r->operation, RING_OP_DISCARD);
	assert_int_equal(r->flag, 0);
	assert_int_equal(r->sector_number, 16);
	assert_int_equal(r->nr_sectors, 512);
	assert_int_equal(granted, 1);
	back_answer(&taken[0], RING_STATUS_OKAY);
	back_push();
	assert_int_equal(front_queue_service(&q), 0);
	assert_int_equal(io.error, 0);
	assert_int_equal(dones, 1);
}

/* Fewer pages than the ring could use: what does not fit waits. */
static void test_few_pages(void **state)
{
	struct front_queue_options opt = {
		.host = &fake_host,
		.backend_id = RIG_BACKEND,
		.pages = 1,
		.segs_max = 32,
		.data_max = 50,
		.id_seed = 1,
	};
	static uint8_t buf[4][128 * 1024];
	struct front_io io[4];
	struct why why;

	(void)state;
	rig_reset();
	assert_int_equal(front_queue_open(&q, &opt, &why), 0);
	ring_back_init(&back, q.ring_pages, 1, RING_ABI_X86_64, &opt.ev);
	ring_back_final_check(&back);
	assert_int_equal(q.pool.total, 50);
	for (unsigned i = 0; i < 4; i++) {
		io[i] = io_make(RING_OP_READ, i * 4096, sizeof(buf[i]), buf[i]);
		front_queue_submit(&q, &io[i]);
	}
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(q.in_flight, 1);
	run(RING_STATUS_OKAY);
	for (unsigned i = 0; i < 4; i++)
		assert_memory_equal(buf[i], disk + i * 4096, sizeof(buf[i]));
	assert_int_equal(q.pool.free_count, 50);
}

/* ---- running out
 * -------------------------------------------------------------- */

static void test_fail_half_put(void **state)
{
	static uint8_t big[64 * 45056];
	struct front_io io = io_make(RING_OP_READ, 0, 20 * 45056, big);
	struct front_io io2 = io_make(RING_OP_READ, 0, 20 * 45056, big);
	struct front_io io3 = io_make(RING_OP_READ, 0, 512, big);

	(void)state;
	front_queue_submit(&q, &io);
	front_queue_submit(&q, &io2); /* 12 of 20 parts fit */
	front_queue_submit(&q, &io3);
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(q.in_flight, 32);
	front_queue_fail(&q, -ETIMEDOUT);
	assert_int_equal(dones, 3);
	assert_int_equal(io2.error, -ETIMEDOUT);
	assert_false(front_queue_busy(&q));
}

static void test_few_grants(void **state)
{
	static uint8_t buf[8][8192];
	struct front_io io[8];

	(void)state;
	grants_max = 6; /* the ring's and five more: two requests */
	for (unsigned i = 0; i < 8; i++) {
		io[i] = io_make(RING_OP_READ, i * 8192, 8192, buf[i]);
		front_queue_submit(&q, &io[i]);
	}
	assert_int_equal(front_queue_pump(&q), 0);
	assert_int_equal(q.in_flight, 2);
	assert_int_equal(granted, 5); /* none of the half-granted third */
	run(RING_STATUS_OKAY);
	assert_int_equal(dones, 8);
	grants_max = 2;
	front_queue_submit(&q, &io[0]);
	assert_int_equal(front_queue_pump(&q), -ENOSPC);
	front_queue_fail(&q, -ENOSPC);
	assert_int_equal(dones, 9);
	assert_int_equal(io[0].error, -ENOSPC);
}

static void test_small_memory(void **state)
{
	struct front_queue_options opt = {
		.host = &fake_host,
		.backend_id = RIG_BACKEND,
		.pages = 1,
	};
	struct front_queue small;
	struct why why = { "" };

	(void)state;
	mem_pages = mem_used + 1 + 2 * RING_SEGS_MAX + 3;
	assert_int_equal(front_queue_open(&small, &opt, &why), 0);
	assert_int_equal(small.pool.total, 2 * RING_SEGS_MAX + 3);
	assert_int_equal(front_queue_close(&small), 0);
	/* For requests of 100 segments and their list it is too small. */
	opt.segs_max = 100;
	mem_pages = mem_used + 1 + 30;
	assert_int_equal(front_queue_open(&small, &opt, &why), 0);
	assert_int_equal(small.segs_max, 29);
	assert_int_equal(front_queue_close(&small), 0);
	mem_pages = mem_used + 1 + RING_SEGS_MAX - 1;
	assert_int_equal(front_queue_open(&small, &opt, &why), -ENOMEM);
	assert_non_null(strstr(why.text, "memory"));
	assert_int_equal(granted, 1);
	mem_pages = MEM_PAGES;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_read_any_place),
		T(test_write_then_flush),
		T(test_one_push_for_a_batch),
		T(test_errors_come_back),
		T(test_one_part_fails),
		T(test_ids),
		T(test_spurious_wakeup),
		T(test_no_lost_wakeup),
		T(test_service_ends),
		T(test_unknown_id),
		T(test_future_id),
		T(test_second_answer),
		T(test_second_answer_later),
		T(test_wrong_operation),
		T(test_wrong_status),
		T(test_status_too_low),
		T(test_dirty_padding),
		T(test_dirty_tail),
		T(test_too_many_responses),
		T(test_still_mapped),
#define O(name) cmocka_unit_test_setup_teardown(name, closed, teardown)
		O(test_rings),
		O(test_long_list),
		O(test_indirect_operation),
		O(test_settled_to_direct),
		O(test_x86_32_padding),
		O(test_persistent),
		O(test_barrier),
		T(test_discard),
		O(test_few_pages),
#undef O
		T(test_fail_half_put),
		T(test_few_grants),
		T(test_small_memory),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
