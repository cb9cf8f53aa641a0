/* SPDX-License-Identifier: MIT */
/*
 * What BPF programs see of Linux's xen-blkfront, as events of the catalogue:
 * here the raw records are made by hand.  That a kernel makes such ones is for
 * tests/host/trace.sh.
 */
#include <errno.h>

#include "kernel_rig.h"

#define BACKEND "/local/domain/0/backend/vbd/3/51712"

static int begin(void **state)
{
	return rig_begin(state, &kernel_blkfront);
}

/* ---- records --------------------------------------------------------------
 */

static struct raw_front front(void)
{
	return (struct raw_front){ .addr = 0xffff888000002000u,
				   .irq = 40,
				   .port = 17,
				   .entries = 32,
				   .pages = 1,
				   .queue = 2,
				   .gref = { 8 },
				   .otherend = BACKEND };
}

static void push(struct rig *rig, uint8_t op, uint64_t id, uint64_t sector,
		 uint8_t pages)
{
	struct raw_push raw = { .head = head(rig, RAW_PUSH, sizeof(raw)),
				.ring = front(),
				.id = id,
				.idx = rig->req_cons++,
				.bytes = pages * 4096u };

	slot_make(raw.slot, op, op == EV_OP_DISCARD ? 9 : pages, id, sector);
	GIVE(rig, raw);
}

static void publish(struct rig *rig, uint32_t before, uint32_t after,
		    bool notified)
{
	struct raw_publish raw = { .head = head(rig, RAW_PUBLISH, sizeof(raw)),
				   .ring = front(),
				   .idx = rig->req_cons - 1,
				   .event_before = before,
				   .event_after = after,
				   .notified = notified };

	GIVE(rig, raw);
}

static void on_ring(struct rig *rig, enum raw_what what)
{
	struct raw_on_front raw = { .head = head(rig, what, sizeof(raw)),
				    .ring = front() };

	if (what == RAW_GONE)
		raw.ring.irq = raw.ring.port = 0;
	GIVE(rig, raw);
}

static void complete(struct rig *rig, uint64_t id, int status)
{
	struct raw_complete raw = { .head = head(rig, RAW_COMPLETE,
						 sizeof(raw)),
				    .ring = front(),
				    .id = id,
				    .idx = rig->rsp_prod++,
				    .status = status };

	GIVE(rig, raw);
}

static void grant(struct rig *rig, enum raw_what what, bool busy,
		  bool persistent)
{
	struct raw_grant raw = { .head = head(rig, what, sizeof(raw)),
				 .ring = front(),
				 .frame = 0x1234,
				 .gref = 99,
				 .readonly = 1,
				 .busy = busy };

	raw.ring.persistent = persistent;
	GIVE(rig, raw);
}

static void text(struct rig *rig, enum raw_what what, const char *dir,
		 const char *node, const char *value)
{
	struct raw_text raw = { .head = head(rig, what, sizeof(raw)) };

	snprintf(raw.dir, sizeof(raw.dir), "%s", dir);
	snprintf(raw.node, sizeof(raw.node), "%s", node);
	snprintf(raw.value, sizeof(raw.value), "%s", value);
	GIVE(rig, raw);
}

/* ---- what must come of it -------------------------------------------------
 */

static void a_write(void **state)
{
	struct rig *rig = *state;
	struct raw_taken taken = { .ring = front(), .before = 40, .after = 41 };
	const struct kept *k;

	rig->req_cons = 35;
	rig->rsp_prod = 40;
	push(rig, EV_OP_WRITE, 7, 2048, 2);
	grant(rig, RAW_GRANT, false, true);
	publish(rig, 30, 31, true);
	on_ring(rig, RAW_INTERRUPT);
	complete(rig, 7, -1);
	taken.head = head(rig, RAW_TAKEN, sizeof(taken));
	GIVE(rig, taken);
	kinds(rig, "request_push grant_access ring_produce ring_notify "
		   "evtchn_notify evtchn_wakeup request_complete "
		   "ring_consume");
	k = nth(rig, EV_KIND_request_push, 0);
	assert_int_equal(k->event.t_ns, 1010);
	assert_int_equal(k->event.actor, EV_ACTOR_FRONTEND);
	assert_int_equal(k->event.domid, 3);
	assert_int_equal(k->event.devid, 51712);
	assert_int_equal(k->event.queue, 2);
	assert_int_equal(k->event.value[0].number, 1); /* seq */
	assert_int_equal(k->event.value[1].number, 7);
	assert_int_equal(k->event.value[2].number, 35); /* idx */
	assert_int_equal(k->event.value[3].number, 3);	/* slot */
	assert_int_equal(k->event.value[4].number, EV_OP_WRITE);
	assert_int_equal(k->event.value[5].number, 2);
	assert_int_equal(k->event.value[6].number, 2048);
	assert_int_equal(k->event.value[7].number, 8192);
	assert_int_equal(value(rig, EV_KIND_grant_access, 0, 0), 99);
	assert_int_equal(value(rig, EV_KIND_grant_access, 0, 1), 0);
	assert_int_equal(value(rig, EV_KIND_grant_access, 0, 2), 0x1234);
	assert_int_equal(value(rig, EV_KIND_ring_produce, 0, 0),
			 EV_SIDE_REQUEST);
	assert_int_equal(value(rig, EV_KIND_ring_produce, 0, 2), 36);
	assert_int_equal(value(rig, EV_KIND_ring_notify, 0, 3), 36);
	assert_int_equal(value(rig, EV_KIND_evtchn_notify, 0, 0), 17);
	assert_int_equal(value(rig, EV_KIND_evtchn_wakeup, 0, 0), 17);
	k = nth(rig, EV_KIND_request_complete, 0);
	assert_int_equal(k->event.value[0].number, 1);
	assert_int_equal(k->event.value[1].number, 7);
	assert_int_equal(k->event.value[2].number, 40);
	assert_int_equal(k->event.value[3].number, 8);
	assert_int_equal((int64_t)k->event.value[4].number, -1);
	assert_int_equal(value(rig, EV_KIND_ring_consume, 0, 0),
			 EV_SIDE_RESPONSE);
	assert_int_equal(value(rig, EV_KIND_ring_consume, 0, 2), 41);
}

/* The index is told by which the decision is right. */
static void not_notified(void **state)
{
	struct rig *rig = *state;

	push(rig, EV_OP_READ, 0, 8, 1);
	publish(rig, 0, 1, false); /* it asked for this one a moment later */
	push(rig, EV_OP_READ, 1, 8, 1);
	publish(rig, 1, 9, false);
	kinds(rig, "request_push ring_produce ring_notify request_push "
		   "ring_produce ring_notify");
	assert_int_equal(value(rig, EV_KIND_ring_notify, 0, 3), 0);
	assert_int_equal(value(rig, EV_KIND_ring_notify, 1, 3), 9);
	assert_int_equal(value(rig, EV_KIND_ring_notify, 1, 4), 0);
}

static void an_indirect_one_and_a_discard(void **state)
{
	struct rig *rig = *state;
	struct raw_push raw = { .head = head(rig, RAW_PUSH, sizeof(raw)),
				.ring = front(),
				.id = 4,
				.bytes = 131072 };
	uint16_t segments = 32;

	slot_make(raw.slot, EV_OP_INDIRECT, EV_OP_WRITE, 4, 64);
	memcpy(raw.slot + 2, &segments, 2);
	GIVE(rig, raw);
	push(rig, EV_OP_DISCARD, 5, 8, 1);
	assert_int_equal(value(rig, EV_KIND_request_push, 0, 4),
			 EV_OP_INDIRECT);
	assert_int_equal(value(rig, EV_KIND_request_push, 0, 5), 32);
	assert_int_equal(value(rig, EV_KIND_request_push, 0, 7), 131072);
	assert_int_equal(value(rig, EV_KIND_request_push, 1, 5), 0);
}

/* An id comes again; what was in flight before, or at a loss, has no number. */
static void ids_come_again(void **state)
{
	struct rig *rig = *state;

	complete(rig, 0, 0);
	push(rig, EV_OP_READ, 0, 8, 1);
	complete(rig, 0, 0);
	complete(rig, 0, 0);
	push(rig, EV_OP_READ, 0, 16, 1);
	complete(rig, 0, 0);
	push(rig, EV_OP_READ, 0, 16, 1);
	kstate_lost(rig->b);
	complete(rig, 0, 0);
	assert_int_equal(kstate_untold(rig->b), 1);
	push(rig, EV_OP_READ, 0, 16, 1);
	complete(rig, 0, 0);
	kinds(rig, "request_push request_complete request_push "
		   "request_complete request_push request_push "
		   "request_complete");
	assert_int_equal(value(rig, EV_KIND_request_complete, 1, 0), 2);
	assert_int_equal(value(rig, EV_KIND_request_complete, 2, 0), 4);
}

/* A push must not seem to be later than it was; other steps may. */
static void too_late(void **state)
{
	struct rig *rig = *state;

	push(rig, EV_OP_READ, 0, 8, 1);
	rig->now = 900;
	push(rig, EV_OP_READ, 1, 8, 1);
	publish(rig, 0, 9, false);
	kinds(rig, "request_push ring_produce ring_notify");
	assert_int_equal(kstate_untold(rig->b), 1);
	assert_int_equal(nth(rig, EV_KIND_ring_produce, 0)->event.t_ns, 1010);
	rig->now = 2000;
	complete(rig, 1, 0);
	assert_int_equal(value(rig, EV_KIND_request_complete, 0, 0), 2);
}

/* Where grants are kept, one that is still mapped is no news. */
static void grants_end(void **state)
{
	struct rig *rig = *state;

	grant(rig, RAW_GRANT_END, true, true);
	grant(rig, RAW_GRANT_END, false, true);
	grant(rig, RAW_GRANT_END, true, false);
	kinds(rig, "grant_end grant_end");
	assert_int_equal(value(rig, EV_KIND_grant_end, 0, 0), 99);
	assert_int_equal(value(rig, EV_KIND_grant_end, 0, 1), 0);
	assert_int_equal(value(rig, EV_KIND_grant_end, 1, 1), 1);
}

/* A guest learns its number from its backend's directory. */
static void handshake(void **state)
{
	struct rig *rig = *state;
	struct raw_device dev = { .head = head(rig, RAW_STATE, sizeof(dev)),
				  .from = 1,
				  .to = 3,
				  .node = "device/vbd/51712" };
	const struct kept *k;

	text(rig, RAW_READ, "device/vbd/51712/backend-id", "", "0");
	assert_int_equal(rig->n, 0);
	text(rig, RAW_READ, "device/vbd/51712/backend", "", BACKEND);
	text(rig, RAW_READ, "device/vbd/51712/state", "", "1"); /* its own */
	text(rig, RAW_READ, "device/vif/0/backend", "", "/local/domain/0");
	text(rig, RAW_READ, BACKEND "/state", "", "2");
	on_ring(rig, RAW_FRONT);
	text(rig, RAW_WRITE, "device/vbd/51712", "ring-ref", "8");
	GIVE(rig, dev);
	text(rig, RAW_WRITE, "device/vbd/51712", "state", "3");
	text(rig, RAW_WRITE, BACKEND, "state", "4"); /* a backend's, here */
	dev.head = head(rig, RAW_SEEN, sizeof(dev));
	dev.to = 4;
	GIVE(rig, dev);
	on_ring(rig, RAW_GONE);
	on_ring(rig, RAW_GONE);
	kinds(rig, "store_read store_read store_read ring_map evtchn_alloc "
		   "store_write store_write state_switch state_seen "
		   "evtchn_unbind ring_unmap");
	k = nth(rig, EV_KIND_store_read, 0);
	assert_string_equal(k->text[0], "device/vbd/51712/backend-id");
	assert_int_equal(k->event.domid, 3);
	assert_int_equal(k->event.queue, 65535);
	k = nth(rig, EV_KIND_ring_map, 0);
	assert_int_equal(k->event.queue, 2);
	assert_int_equal(k->event.value[1].number, 32);
	assert_int_equal(k->event.value[2].array.count, 1);
	assert_int_equal(value(rig, EV_KIND_evtchn_alloc, 0, 0), 17);
	assert_int_equal(value(rig, EV_KIND_state_switch, 0, 0), 1);
	assert_int_equal(value(rig, EV_KIND_state_switch, 0, 1), 3);
	assert_int_equal(value(rig, EV_KIND_state_seen, 0, 0), 4);
	assert_int_equal(value(rig, EV_KIND_evtchn_unbind, 0, 0), 17);
}

/* What a backend's programs see means nothing here. */
static void others_records(void **state)
{
	struct rig *rig = *state;
	struct raw_irq raw = { .head = head(rig, RAW_NOTIFY, sizeof(raw)) };

	GIVE(rig, raw);
	raw.head.what = RAW_WHAT_COUNT;
	GIVE(rig, raw);
	raw.head.what = RAW_PUSH; /* too short */
	GIVE(rig, raw);
	assert_int_equal(rig->n, 0);
}

static void what_can_be_seen(void **state)
{
	const struct kernel_driver *d = &kernel_blkfront;
	bool there[64] = { false };

	(void)state;
	assert_true(d->hooks <= 32);
	for (unsigned i = 0; i < d->hooks; i++)
		there[i] = true;
	assert_true(hooks_see(d->hook, d->hooks, EV_KIND_request_push, there));
	assert_false(hooks_see(d->hook, d->hooks, EV_KIND_request_take, there));
	for (unsigned i = 0; i < d->hooks; i++)
		if (!strcmp(d->hook[i].function, "get_id_from_freelist"))
			there[i] = false;
	assert_false(hooks_see(d->hook, d->hooks, EV_KIND_request_push, there));
	assert_false(
		hooks_see(d->hook, d->hooks, EV_KIND_request_complete, there));
	assert_true(hooks_see(d->hook, d->hooks, EV_KIND_ring_consume, there));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_write),
		TEST(not_notified),
		TEST(an_indirect_one_and_a_discard),
		TEST(ids_come_again),
		TEST(too_late),
		TEST(grants_end),
		TEST(handshake),
		TEST(others_records),
		cmocka_unit_test(what_can_be_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
