/* SPDX-License-Identifier: MIT */
/* The two ends of the shared ring, against each other and against lies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "ring/back.h"
#include "ring/barrier.h"
#include "ring/front.h"
#include "ring/notify.h"

static uint8_t page[4 * XEN_PAGE_SIZE] __attribute__((aligned(4096)));
static const struct ev_origin ev = { .domid = 1, .devid = 51712 };
static struct ring_front front;
static struct ring_back back;

static int fresh(void **state)
{
	(void)state;
	memset(page, 0, sizeof(page));
	ring_front_init(&front, page, 1, RING_ABI_X86_64, &ev);
	ring_back_init(&back, page, 1, RING_ABI_X86_64, &ev);
	return 0;
}

static void put(uint64_t id)
{
	struct ring_request_x86_64 r = { .operation = RING_OP_READ,
					 .nr_segments = 1,
					 .id = id };

	ring_front_put(&front, &r);
}

/* The sizes that blkif.h gives, PROTOCOL.md "Sizes". */
static void entries_are_those_of_blkif(void **state)
{
	(void)state;
	assert_int_equal(ring_entries(RING_ABI_X86_64, 1), 32);
	assert_int_equal(ring_entries(RING_ABI_X86_64, 2), 64);
	assert_int_equal(ring_entries(RING_ABI_X86_64, 8), 256);
	assert_int_equal(ring_entries(RING_ABI_X86_64, 16), 512);
	assert_int_equal(ring_entries(RING_ABI_X86_32, 1), 32);
}

static void a_request_goes_and_its_response_comes_back(void **state)
{
	struct ring_slot slot;
	struct ring_request_x86_64 got;
	struct ring_response rsp;

	(void)state;
	put(77);
	assert_int_equal(ring_back_ready(&back), 0); /* not pushed yet */
	assert_true(ring_front_push(&front));
	assert_int_equal(ring_back_ready(&back), 1);
	ring_back_take(&back, &slot);
	memcpy(&got, slot.bytes, sizeof(got));
	assert_int_equal(got.id, 77);
	assert_int_equal(ring_back_in_flight(&back), 1);

	ring_back_respond(&back, 77, RING_OP_READ, RING_STATUS_ERROR);
	assert_int_equal(ring_front_ready(&front), 0);
	assert_true(ring_back_push(&back));
	assert_int_equal(ring_front_ready(&front), 1);
	ring_front_take(&front, &rsp);
	assert_int_equal(rsp.id, 77);
	assert_int_equal(rsp.status, RING_STATUS_ERROR);
	assert_int_equal(rsp.operation, RING_OP_READ);
}

/* RG-20: more than a ring; RG-22: an index that went back. */
static void an_overrun_is_refused(void **state)
{
	(void)state;
	ring_front_set_req_prod(&front, 33);
	assert_int_equal(ring_back_ready(&back), -EPROTO);
	ring_front_set_req_prod(&front, 32);
	assert_int_equal(ring_back_ready(&back), 32);
	ring_front_set_req_prod(&front, 1u << 31);
	assert_int_equal(ring_back_ready(&back), -EPROTO);
	ring_front_set_req_prod(&front, (uint32_t)-1);
	assert_int_equal(ring_back_ready(&back), -ESTALE);
}

/* Requests taken but unanswered count against the ring's size. */
static void unanswered_requests_keep_their_slots(void **state)
{
	struct ring_slot slot;
	int i;

	(void)state;
	for (i = 0; i < 32; i++)
		put((uint64_t)i);
	ring_front_push(&front);
	assert_int_equal(ring_back_ready(&back), 32);
	for (i = 0; i < 32; i++)
		ring_back_take(&back, &slot);
	ring_front_set_req_prod(&front, 31); /* RG-22 */
	assert_int_equal(ring_back_ready(&back), -ESTALE);
	ring_front_set_req_prod(&front, 33);
	assert_int_equal(ring_back_ready(&back), -EPROTO);
	ring_back_respond(&back, 0, 0, RING_STATUS_OKAY);
	assert_int_equal(ring_back_ready(&back), 1);
}

/* RG-22: indices run through 2^32. */
static void indices_wrap(void **state)
{
	struct ring_slot slot;
	struct ring_response rsp;
	uint32_t start = UINT32_MAX - 2;
	int i;

	(void)state;
	front.req_prod_pvt = front.req_pushed = front.rsp_cons = start;
	ring_store(&front.shared->req_prod, start);
	ring_store(&front.shared->rsp_prod, start);
	ring_store(&front.shared->req_event, start + 1);
	ring_store(&front.shared->rsp_event, start + 1);
	ring_back_init(&back, page, 1, RING_ABI_X86_64, &ev);
	for (i = 0; i < 100; i++) {
		put((uint64_t)i);
		assert_true(ring_front_push(&front));
		assert_int_equal(ring_back_ready(&back), 1);
		ring_back_take(&back, &slot);
		assert_false(ring_back_final_check(&back));
		ring_back_respond(&back, (uint64_t)i, 0, RING_STATUS_OKAY);
		assert_true(ring_back_push(&back));
		assert_int_equal(ring_front_ready(&front), 1);
		ring_front_take(&front, &rsp);
		assert_int_equal(rsp.id, i);
		assert_false(ring_front_final_check(&front));
	}
}

/* RG-30 for every small distance, across the wrap. */
static void notify_rule_is_exact(void **state)
{
	uint32_t base, old, len, at;

	(void)state;
	for (base = UINT32_MAX - 3; base != 4; base++) {
		for (len = 0; len < 6; len++) {
			old = base;
			for (at = 0; at < 10; at++) {
				/* event = old - 2 + at */
				uint32_t event = old - 2 + at;
				bool inside = at >= 3 && at < 3 + len;

				assert_int_equal(
					ring_must_notify(old, old + len, event),
					inside);
			}
		}
	}
}

/* RG-31: a push between the last look and the event index is seen. */
static void final_check_sees_what_came_late(void **state)
{
	(void)state;
	assert_false(ring_back_final_check(&back));
	put(1);
	assert_true(ring_front_push(&front)); /* event 1 lies in 0..1 */
	assert_true(ring_back_final_check(&back));
}

/* A busy backend is not notified a second time. */
static void no_notification_to_a_busy_peer(void **state)
{
	(void)state;
	put(1);
	assert_true(ring_front_push(&front));
	put(2);
	assert_false(ring_front_push(&front));
	assert_false(ring_front_push(&front)); /* nothing new */
}

/* RG-29, XSA-216: the guest finds its own bytes and zeroes, nothing else. */
static void responses_leak_nothing(void **state)
{
	uint8_t slot[112];
	size_t i;

	(void)state;
	memset(page + RING_HEADER_BYTES, 0xa5, 112);
	ring_back_respond(&back, 0, 0, RING_STATUS_OKAY);
	ring_front_peek(&front, 0, slot, sizeof(slot));
	for (i = 0; i < 16; i++)
		assert_int_equal(slot[i], 0);
	for (; i < sizeof(slot); i++)
		assert_int_equal(slot[i], 0xa5);
}

/* A backend cannot make a frontend take what it never asked for. */
static void a_frontend_refuses_surplus_responses(void **state)
{
	(void)state;
	put(1);
	ring_front_push(&front);
	ring_store(&front.shared->rsp_prod, 2);
	assert_int_equal(ring_front_ready(&front), -EPROTO);
}

static void x86_32_has_its_own_layout(void **state)
{
	struct ring_request_x86_32 r = { .operation = RING_OP_WRITE,
					 .id = 0x1122334455667788,
					 .sector_number = 9 };
	struct ring_slot slot;
	struct ring_response rsp;
	uint8_t raw[12];

	(void)state;
	ring_front_init(&front, page, 1, RING_ABI_X86_32, &ev);
	ring_back_init(&back, page, 1, RING_ABI_X86_32, &ev);
	ring_front_put(&front, &r);
	r.id = 5;
	ring_front_put(&front, &r);
	ring_front_push(&front);
	/* The second slot begins 108 bytes after the first, id at 4. */
	assert_memory_equal(page + 64 + 108 + 4, "\5\0\0\0\0\0\0\0", 8);
	assert_int_equal(ring_back_ready(&back), 2);
	ring_back_take(&back, &slot);
	ring_back_take(&back, &slot);
	assert_memory_equal(slot.bytes + 4, "\5\0\0\0\0\0\0\0", 8);
	ring_back_respond(&back, 5, RING_OP_WRITE, RING_STATUS_EOPNOTSUPP);
	ring_front_peek(&front, 0, raw, sizeof(raw));
	assert_memory_equal(raw, "\5\0\0\0\0\0\0\0\1\0\xfe\xff", 12);
	ring_back_push(&back);
	assert_int_equal(ring_front_ready(&front), 1);
	ring_front_take(&front, &rsp);
	assert_int_equal(rsp.status, -2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_those_of_blkif),
		cmocka_unit_test_setup(
			a_request_goes_and_its_response_comes_back, fresh),
		cmocka_unit_test_setup(an_overrun_is_refused, fresh),
		cmocka_unit_test_setup(unanswered_requests_keep_their_slots,
				       fresh),
		cmocka_unit_test_setup(indices_wrap, fresh),
		cmocka_unit_test(notify_rule_is_exact),
		cmocka_unit_test_setup(final_check_sees_what_came_late, fresh),
		cmocka_unit_test_setup(no_notification_to_a_busy_peer, fresh),
		cmocka_unit_test_setup(responses_leak_nothing, fresh),
		cmocka_unit_test_setup(a_frontend_refuses_surplus_responses,
				       fresh),
		cmocka_unit_test_setup(x86_32_has_its_own_layout, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
