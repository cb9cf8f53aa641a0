/* SPDX-License-Identifier: MIT */
/*
 * What BPF programs see of Linux's xen-blkback, as events of the catalogue:
 * here the raw records are made by hand.  That a kernel makes such ones is for
 * tests/host/trace.sh.
 */
#include <errno.h>

#include "kernel_rig.h"
#include "trace/kernel/order.h"

#define REQ 0xffff888000001000u

static int begin(void **state)
{
	return rig_begin(state, &kernel_blkback);
}

/* ---- records --------------------------------------------------------------
 */

static struct raw_ring ring(const struct rig *rig)
{
	return (struct raw_ring){ .addr = 0x1000,
				  .devid = 51712,
				  .domid = 3,
				  .irq = 40,
				  .entries = 32,
				  .req_cons = rig->req_cons,
				  .rsp_prod_pvt = rig->rsp_prod,
				  .rsp_event = rig->rsp_prod + 5,
				  .protocol = 3 };
}

static void map(struct rig *rig, uint8_t op, uint64_t id, uint64_t sector,
		uint32_t pages)
{
	struct raw_map raw = { .head = head(rig, RAW_MAP, sizeof(raw)),
			       .req = REQ + id,
			       .id = id,
			       .count = pages,
			       .bytes = pages * 4096,
			       .segments = (uint16_t)pages,
			       .op = op,
			       .writable = op == EV_OP_READ };

	rig->req_cons++;
	raw.ring = ring(rig);
	slot_make(raw.slot, op, (uint8_t)pages, id, sector);
	GIVE(rig, raw);
}

static void mapped(struct rig *rig, uint32_t n)
{
	struct raw_mapped raw = { .head = head(rig, RAW_MAPPED, sizeof(raw)),
				  .count = n };

	for (uint32_t i = 0; i < n; i++)
		raw.gref[i] = 100 + i;
	GIVE(rig, raw);
}

static void map_end(struct rig *rig)
{
	struct raw_head raw = head(rig, RAW_MAP_END, sizeof(raw));

	assert_int_equal(kstate_take(rig->b, &raw, sizeof(raw)), 0);
}

static void bio(struct rig *rig, enum raw_what what, uint64_t id,
		uint64_t sector, uint32_t left, uint32_t status)
{
	struct raw_bio raw = { .head = head(rig, what, sizeof(raw)),
			       .req = REQ + id,
			       .sector = sector,
			       .left = left,
			       .status = status };

	GIVE(rig, raw);
}

static void unmapped(struct rig *rig, uint64_t id, uint64_t count)
{
	struct raw_unmapped raw = { .head = head(rig, RAW_UNMAPPED,
						 sizeof(raw)),
				    .req = REQ + id,
				    .count = count };

	GIVE(rig, raw);
}

static void respond(struct rig *rig, uint8_t op, uint64_t id, int status)
{
	struct raw_respond raw = { .head = head(rig, RAW_RESPOND, sizeof(raw)),
				   .ring = ring(rig),
				   .id = id,
				   .op = op,
				   .status = status };

	slot_make(raw.slot, op, 1, id, 8);
	GIVE(rig, raw);
	rig->rsp_prod++;
}

static void notify(struct rig *rig)
{
	struct raw_irq raw = { .head = head(rig, RAW_NOTIFY, sizeof(raw)),
			       .irq = 40 };

	GIVE(rig, raw);
}

static void responded(struct rig *rig)
{
	struct raw_on_ring raw = {
		.head = head(rig, RAW_RESPONDED, sizeof(raw)), .ring = ring(rig)
	};

	GIVE(rig, raw);
}

static void a_read(void **state)
{
	struct rig *rig = *state;
	const struct kept *k;

	map(rig, EV_OP_READ, 7, 2048, 2);
	mapped(rig, 2);
	map_end(rig);
	bio(rig, RAW_SUBMIT, 7, 2048, 1, 0);
	bio(rig, RAW_DONE, 7, 0, 0, 0);
	unmapped(rig, 7, 2);
	respond(rig, EV_OP_READ, 7, 0);
	notify(rig);
	responded(rig);
	kinds(rig, "ring_slot request_take request_check grant_map "
		   "disk_submit disk_done grant_unmap request_respond "
		   "ring_produce ring_notify evtchn_notify");
	k = nth(rig, EV_KIND_request_take, 0);
	assert_int_equal(k->event.actor, EV_ACTOR_BACKEND);
	assert_int_equal(k->event.domid, 3);
	assert_int_equal(k->event.devid, 51712);
	assert_int_equal(k->event.queue, 0);
	assert_int_equal(k->event.value[0].number, 1); /* seq */
	assert_int_equal(k->event.value[1].number, 7);
	assert_int_equal(k->event.value[2].number, 0); /* idx */
	assert_int_equal(k->event.value[5].number, 2);
	assert_int_equal(k->event.value[6].number, 2048);
	assert_int_equal(value(rig, EV_KIND_request_check, 0, 2), 2048 * 512);
	assert_int_equal(value(rig, EV_KIND_request_check, 0, 3), 8192);
	k = nth(rig, EV_KIND_grant_map, 0);
	assert_int_equal(k->event.value[1].number, 1); /* writable */
	assert_int_equal(k->event.value[2].array.count, 2);
	assert_int_equal(k->gref[1], 101);
	assert_int_equal(value(rig, EV_KIND_disk_submit, 0, 1), EV_DISKOP_READ);
	assert_int_equal(value(rig, EV_KIND_disk_submit, 0, 3), 8192);
	assert_int_equal(value(rig, EV_KIND_request_respond, 0, 0), 1);
	assert_int_equal(value(rig, EV_KIND_request_respond, 0, 6), 60);
	/* Notified: so it had asked for this one. */
	assert_int_equal(value(rig, EV_KIND_ring_notify, 0, 3), 1);
	assert_int_equal(value(rig, EV_KIND_ring_notify, 0, 4), 1);
}

static void kept_grants_and_two_bios(void **state)
{
	struct rig *rig = *state;

	map(rig, EV_OP_WRITE, 7, 8, 3);
	mapped(rig, 1);
	map_end(rig);
	bio(rig, RAW_SUBMIT, 7, 8, 2, 0);
	bio(rig, RAW_SUBMIT, 7, 16, 2, 0);
	bio(rig, RAW_DONE, 7, 0, 0, 10);
	bio(rig, RAW_DONE, 7, 0, 0, 0);
	unmapped(rig, 7, 0);
	respond(rig, EV_OP_WRITE, 7, -1);
	responded(rig);
	kinds(rig, "ring_slot request_take request_check grant_map grant_reuse "
		   "disk_submit disk_done request_respond ring_produce "
		   "ring_notify");
	assert_int_equal(value(rig, EV_KIND_grant_reuse, 0, 1), 2);
	assert_int_equal((int64_t)value(rig, EV_KIND_disk_done, 0, 1), -EIO);
	assert_int_equal((int64_t)value(rig, EV_KIND_request_respond, 0, 5),
			 -1);
	assert_int_equal(value(rig, EV_KIND_ring_notify, 0, 4), 0);
	assert_int_not_equal(value(rig, EV_KIND_ring_notify, 0, 3), 1);
}

/* The list of an indirect write of 32 segments. */
static void list(struct rig *rig, uint64_t id)
{
	struct raw_map raw = { .head = head(rig, RAW_MAP, sizeof(raw)),
			       .req = REQ + id,
			       .id = id,
			       .count = 1,
			       .op = EV_OP_WRITE,
			       .list = 1 };
	uint16_t segments = 32;

	rig->req_cons++;
	raw.ring = ring(rig);
	slot_make(raw.slot, EV_OP_INDIRECT, 1, id, 64);
	memcpy(raw.slot + 2, &segments, 2);
	GIVE(rig, raw);
	mapped(rig, 1);
	map_end(rig);
}

static void an_indirect_write(void **state)
{
	struct rig *rig = *state;

	list(rig, 9);
	rig->req_cons--; /* the same request goes on */
	map(rig, EV_OP_WRITE, 9, 64, 32);
	mapped(rig, 11);
	mapped(rig, 11);
	mapped(rig, 10);
	map_end(rig);
	kinds(rig, "ring_slot request_take grant_map request_list "
		   "request_check grant_map grant_map grant_map");
	assert_int_equal(value(rig, EV_KIND_request_take, 0, 4),
			 EV_OP_INDIRECT);
	assert_int_equal(value(rig, EV_KIND_request_take, 0, 5), 32);
	assert_int_equal(value(rig, EV_KIND_request_list, 0, 1), 1);
	assert_int_equal(value(rig, EV_KIND_request_list, 0, 2), 32);
	assert_int_equal(value(rig, EV_KIND_request_check, 0, 1), EV_OP_WRITE);
	assert_int_equal(value(rig, EV_KIND_request_check, 0, 2), 64 * 512);
	assert_int_equal(value(rig, EV_KIND_grant_map, 3, 0), 1);
}

static void discard(struct rig *rig, enum raw_what what, int error)
{
	struct raw_discard raw = { .head = head(rig, what, sizeof(raw)),
				   .sector = 128,
				   .sectors = 16,
				   .error = error };

	rig->req_cons += what == RAW_DISCARD;
	raw.ring = ring(rig);
	slot_make(raw.slot, EV_OP_DISCARD, 0, 4, 128);
	GIVE(rig, raw);
}

static void a_discard(void **state)
{
	struct rig *rig = *state;

	discard(rig, RAW_DISCARD, 0);
	discard(rig, RAW_DISCARDED, -EOPNOTSUPP);
	respond(rig, EV_OP_DISCARD, 4, -2);
	responded(rig);
	kinds(rig, "ring_slot request_take request_check disk_submit disk_done "
		   "request_respond ring_produce ring_notify");
	assert_int_equal(value(rig, EV_KIND_disk_submit, 0, 3), 8192);
	assert_int_equal((int64_t)value(rig, EV_KIND_disk_done, 0, 1),
			 -EOPNOTSUPP);
}

/* One that was answered before anything was mapped; not if some are missing. */
static void a_refused_one(void **state)
{
	struct rig *rig = *state;

	rig->req_cons = 1;
	respond(rig, EV_OP_WRITE, 5, -1);
	responded(rig);
	kinds(rig, "ring_slot request_take request_refuse request_respond "
		   "ring_produce ring_notify");
	rig->n = 0;
	rig->req_cons = 2;
	kstate_lost(rig->b);
	respond(rig, EV_OP_WRITE, 6, -1);
	responded(rig);
	kinds(rig, "ring_produce ring_notify");
}

/* A bad grant, or sectors that there are not: no storage, and no callback. */
static void one_that_fails_after_its_grants(void **state)
{
	struct rig *rig = *state;

	map(rig, EV_OP_READ, 7, 0, 1);
	mapped(rig, 1);
	map_end(rig);
	respond(rig, EV_OP_READ, 7, -1);
	responded(rig);
	kinds(rig, "ring_slot request_take request_check grant_map "
		   "request_respond ring_produce ring_notify");
	assert_int_equal(value(rig, EV_KIND_request_respond, 0, 0), 1);
	rig->n = 0;
	list(rig, 9);
	respond(rig, EV_OP_WRITE, 9, -1);
	responded(rig);
	map(rig, EV_OP_WRITE, 9, 0, 1); /* the next one has its place */
	kinds(rig, "ring_slot request_take grant_map request_respond "
		   "ring_produce ring_notify "
		   "ring_slot request_take request_check");
}

/* The request whose list was mapped: its data, which are in no slot of its own.
 */
static void list_data(struct rig *rig, uint64_t id, uint32_t pages)
{
	struct raw_map raw = { .head = head(rig, RAW_MAP, sizeof(raw)),
			       .ring = ring(rig),
			       .req = REQ + id,
			       .id = id,
			       .count = pages,
			       .op = EV_OP_WRITE };

	slot_make(raw.slot, EV_OP_INDIRECT, 1, id, 64);
	GIVE(rig, raw);
}

/*
 * What was lost may have been the end of a request and the beginning of another
 * one with the same id, at the same address: nothing that is seen later is told
 * of it, but it is counted.
 */
static void what_was_lost_may_be_an_end(void **state)
{
	struct rig *rig = *state;

	map(rig, EV_OP_READ, 7, 2048, 1);
	mapped(rig, 1);
	map_end(rig);
	bio(rig, RAW_SUBMIT, 7, 2048, 1, 0);
	rig->n = 0;
	kstate_lost(rig->b);
	bio(rig, RAW_DONE, 7, 0, 0, 0);
	unmapped(rig, 7, 1);
	respond(rig, EV_OP_READ, 7, 0);
	responded(rig);
	kinds(rig, "ring_produce ring_notify");
	assert_int_equal(kstate_untold(rig->b), 3);
	rig->n = 0;
	map(rig, EV_OP_READ, 7, 2048, 1);
	mapped(rig, 1);
	map_end(rig);
	unmapped(rig, 7, 1);
	respond(rig, EV_OP_READ, 7, 0);
	responded(rig);
	kinds(rig, "ring_slot request_take request_check grant_map grant_unmap "
		   "request_respond ring_produce ring_notify");
	assert_int_equal(value(rig, EV_KIND_request_respond, 0, 0), 2);
	assert_int_equal(kstate_untold(rig->b), 3);
}

static void a_list_before_a_loss(void **state)
{
	struct rig *rig = *state;

	list(rig, 9);
	rig->n = 0;
	kstate_lost(rig->b);
	list_data(rig, 9, 2);
	mapped(rig, 1); /* one of two: the other was mapped already */
	map_end(rig);
	bio(rig, RAW_SUBMIT, 9, 64, 1, 0);
	kinds(rig, "");
	assert_int_equal(kstate_untold(rig->b), 3);
	unmapped(rig, 9, 1);
	respond(rig, EV_OP_WRITE, 9, 0);
	responded(rig);
	kinds(rig, "ring_produce ring_notify");
	assert_int_equal(kstate_untold(rig->b), 5);
}

/* That some had not to be mapped is not said where only their map was lost. */
static void grants_before_a_loss(void **state)
{
	struct rig *rig = *state;

	map(rig, EV_OP_READ, 7, 2048, 2);
	rig->n = 0;
	kstate_lost(rig->b);
	map_end(rig);
	mapped(rig, 1); /* of a request that began unseen */
	kinds(rig, "");
	/* It fails then: the thread's last one, but is it still that? */
	respond(rig, EV_OP_READ, 7, -1);
	responded(rig);
	kinds(rig, "ring_produce ring_notify");
	assert_int_equal(kstate_untold(rig->b), 3);
}

static void a_discard_before_a_loss(void **state)
{
	struct rig *rig = *state;

	discard(rig, RAW_DISCARD, 0);
	rig->n = 0;
	kstate_lost(rig->b);
	discard(rig, RAW_DISCARDED, 0);
	respond(rig, EV_OP_DISCARD, 4, 0);
	responded(rig);
	kinds(rig, "ring_produce ring_notify");
	assert_int_equal(kstate_untold(rig->b), 2);
}

/* Two processors answer at once: both saw the same index of the ring. */
static void two_at_once(void **state)
{
	struct rig *rig = *state;

	map(rig, EV_OP_READ, 1, 0, 1);
	map(rig, EV_OP_READ, 2, 8, 1);
	rig->cpu = 0;
	unmapped(rig, 1, 1);
	rig->cpu = 3;
	unmapped(rig, 2, 1);
	respond(rig, EV_OP_READ, 2, 0);
	rig->cpu = 0;
	rig->rsp_prod--;
	respond(rig, EV_OP_READ, 1, 0);
	rig->rsp_prod++;
	rig->cpu = 3;
	notify(rig);
	responded(rig);
	rig->cpu = 0;
	responded(rig);
	assert_int_equal(value(rig, EV_KIND_request_respond, 0, 0), 2);
	assert_int_equal(value(rig, EV_KIND_request_respond, 0, 2), 0);
	assert_int_equal(value(rig, EV_KIND_request_respond, 1, 0), 1);
	assert_int_equal(value(rig, EV_KIND_request_respond, 1, 2), 1);
	assert_int_equal(value(rig, EV_KIND_ring_notify, 0, 4), 1);
	assert_int_equal(value(rig, EV_KIND_ring_notify, 1, 4), 0);
}

/* What was in flight before: its response is published, and has no number. */
static void one_from_before(void **state)
{
	struct rig *rig = *state;

	bio(rig, RAW_DONE, 1, 0, 0, 0);
	unmapped(rig, 1, 1);
	respond(rig, EV_OP_READ, 1, -1);
	responded(rig);
	list_data(rig, 9, 1);
	kinds(rig, "ring_produce ring_notify");
	assert_int_equal(kstate_untold(rig->b), 0);
}

static void handshake(void **state)
{
	struct rig *rig = *state;
	struct raw_device dev = { .head = head(rig, RAW_STATE, sizeof(dev)),
				  .domid = 3,
				  .from = 1,
				  .to = 2,
				  .node = "backend/vbd/3/51712" };
	struct raw_text text = { .head = head(rig, RAW_READ, sizeof(text)),
				 .error = -ENOENT,
				 .dir = "/local/domain/3/device/vbd/51712",
				 .node = "multi-queue-num-queues" };
	struct raw_grants grants = { .head = head(rig, RAW_GRANTS,
						  sizeof(grants)),
				     .count = 2,
				     .gref = { 8, 9 },
				     .node = "backend/vbd/3/51712" };
	struct raw_irq irq = { .head = head(rig, RAW_PORT, sizeof(irq)),
			       .irq = 40,
			       .number = 17 };
	struct raw_on_ring on = { .head = head(rig, RAW_RING, sizeof(on)),
				  .ring = ring(rig) };
	struct raw_status status = { .head = head(rig, RAW_STATUS,
						  sizeof(status)),
				     .devid = 51712,
				     .domid = 3,
				     .state = 4,
				     .running = 1 };

	GIVE(rig, dev);
	GIVE(rig, text);
	text.head.what = RAW_WRITE;
	strcpy(text.dir, "backend/vif/3/0"); /* of no disk */
	GIVE(rig, text);
	strcpy(text.dir, "backend/vbd/3/51712");
	strcpy(text.node, "state");
	strcpy(text.value, "2");
	GIVE(rig, text);
	GIVE(rig, text); /* told once */
	GIVE(rig, grants);
	GIVE(rig, irq);
	irq.head.what = RAW_BIND;
	irq.number = 5;
	GIVE(rig, irq);
	GIVE(rig, on);
	GIVE(rig, status);
	GIVE(rig, status);
	status.head.what = RAW_DISCONNECT;
	GIVE(rig, status);
	GIVE(rig, status);
	kinds(rig, "store_read store_write state_switch store_write ring_map "
		   "evtchn_bind queue_start evtchn_unbind ring_unmap");
	assert_int_equal(value(rig, EV_KIND_state_switch, 0, 1), 2);
	assert_int_equal(nth(rig, EV_KIND_state_switch, 0)->event.queue, 65535);
	assert_string_equal(
		nth(rig, EV_KIND_store_read, 0)->text[0],
		"/local/domain/3/device/vbd/51712/multi-queue-num-queues");
	assert_int_equal((int64_t)value(rig, EV_KIND_store_read, 0, 2),
			 -ENOENT);
	assert_int_equal(value(rig, EV_KIND_ring_map, 0, 0), 1);
	assert_int_equal(value(rig, EV_KIND_evtchn_bind, 0, 0), 17);
	assert_int_equal(value(rig, EV_KIND_evtchn_bind, 0, 1), 5);
	assert_int_equal(value(rig, EV_KIND_evtchn_unbind, 0, 0), 17);
}

/* The number of its interrupt is given to the next guest. */
static void another_guest_with_its_irq(void **state)
{
	struct rig *rig = *state;
	struct raw_status gone = { .head = head(rig, RAW_DISCONNECT,
						sizeof(gone)),
				   .devid = 51712,
				   .domid = 3 };
	struct raw_respond answer = { .head = head(rig, RAW_RESPOND,
						   sizeof(answer)),
				      .ring = ring(rig),
				      .id = 1 };

	respond(rig, EV_OP_READ, 1, 0);
	responded(rig);
	GIVE(rig, gone);
	answer.ring.domid = 4;
	GIVE(rig, answer);
	notify(rig);
	assert_int_equal(nth(rig, EV_KIND_evtchn_notify, 0)->event.domid, 4);
}

/* ---- order ----------------------------------------------------------------
 */

static uint64_t seen[8];
static unsigned seen_n;

static int see(const struct raw_head *raw, size_t len, void *user)
{
	(void)user;
	assert_int_equal(len, sizeof(*raw));
	seen[seen_n++] = raw->t_ns;
	return 0;
}

static void in_order(void **state)
{
	static const uint64_t times[] = { 30, 10, 50, 20 };
	struct order o = { 0 };

	(void)state;
	seen_n = 0;
	for (unsigned i = 0; i < 4; i++) {
		struct raw_head raw = { .t_ns = times[i] };

		assert_int_equal(order_add(&o, &raw, sizeof(raw)), 0);
	}
	assert_int_equal(order_give(&o, 30, see, NULL), 0);
	assert_int_equal(seen_n, 3);
	assert_true(seen[0] == 10 && seen[1] == 20 && seen[2] == 30);
	assert_int_equal(order_give(&o, UINT64_MAX, see, NULL), 0);
	assert_int_equal(seen_n, 4);
	assert_int_equal(seen[3], 50);
	order_free(&o);
}

/* A kind can be seen where all the functions that it needs are there. */
static void what_can_be_seen(void **state)
{
	const struct kernel_driver *d = &kernel_blkback;
	bool there[64] = { false };

	(void)state;
	assert_true(d->hooks <= 32);
	assert_false(hooks_see(d->hook, d->hooks, EV_KIND_grant_map, there));
	for (unsigned i = 0; i < d->hooks; i++)
		there[i] = true;
	assert_true(hooks_see(d->hook, d->hooks, EV_KIND_grant_map, there));
	assert_false(hooks_see(d->hook, d->hooks, EV_KIND_request_push, there));
	for (unsigned i = 0; i < d->hooks; i++)
		if (!strcmp(d->hook[i].function, "gnttab_map_refs"))
			there[i] = false;
	assert_false(hooks_see(d->hook, d->hooks, EV_KIND_grant_map, there));
	assert_true(hooks_see(d->hook, d->hooks, EV_KIND_request_take, there));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_read),
		TEST(kept_grants_and_two_bios),
		TEST(an_indirect_write),
		TEST(a_discard),
		TEST(a_refused_one),
		TEST(one_that_fails_after_its_grants),
		TEST(what_was_lost_may_be_an_end),
		TEST(a_list_before_a_loss),
		TEST(grants_before_a_loss),
		TEST(a_discard_before_a_loss),
		TEST(two_at_once),
		TEST(one_from_before),
		TEST(handshake),
		TEST(another_guest_with_its_irq),
		cmocka_unit_test(in_order),
		cmocka_unit_test(what_can_be_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
