/* SPDX-License-Identifier: MIT */
/* The backend's state machine: its ways through, and that it always ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "xenbus/handshake.h"

#define NEXT(...)                                                              \
	handshake_next(&(struct handshake_view){ __VA_ARGS__, .online = true })
#define NEXT_OFFLINE(...)                                                      \
	handshake_next(&(struct handshake_view){ __VA_ARGS__, .online = false })

static void the_usual_way(void **state)
{
	(void)state;
	assert_int_equal(NEXT(.own = 1, .peer = 1), HANDSHAKE_OFFER);
	assert_int_equal(NEXT(.own = 2, .peer = 1), HANDSHAKE_WAIT);
	assert_int_equal(NEXT(.own = 2, .peer = 3), HANDSHAKE_CONNECT);
	assert_int_equal(NEXT(.own = 4, .peer = 3, .connected = true),
			 HANDSHAKE_WAIT);
	assert_int_equal(NEXT(.own = 4, .peer = 4, .connected = true),
			 HANDSHAKE_WAIT);
	assert_int_equal(NEXT(.own = 4, .peer = 5, .connected = true),
			 HANDSHAKE_CLOSING);
	assert_int_equal(NEXT(.own = 5, .peer = 5, .connected = true),
			 HANDSHAKE_WAIT);
	assert_int_equal(NEXT(.own = 5, .peer = 6, .connected = true),
			 HANDSHAKE_CLOSE);
	assert_int_equal(NEXT(.own = 6, .peer = 6), HANDSHAKE_WAIT);
}

/* XB-06: F 6 to 1 brings B 6 to 2 while online=1, and only then. */
static void a_frontend_comes_again(void **state)
{
	(void)state;
	assert_int_equal(NEXT(.own = 6, .peer = 1), HANDSHAKE_OFFER);
	assert_int_equal(NEXT_OFFLINE(.own = 6, .peer = 1), HANDSHAKE_WAIT);
}

/* XB-04, XB-07: early, or with skipped states. */
static void a_frontend_in_a_hurry(void **state)
{
	(void)state;
	assert_int_equal(NEXT(.own = 1, .peer = 3), HANDSHAKE_OFFER);
	assert_int_equal(NEXT(.own = 2, .peer = 4), HANDSHAKE_CONNECT);
	assert_int_equal(NEXT(.own = 4, .peer = 6, .connected = true),
			 HANDSHAKE_CLOSE);
	assert_int_equal(NEXT(.own = 4, .peer = 1, .connected = true),
			 HANDSHAKE_CLOSE);
	assert_int_equal(NEXT(.own = 4, .peer = 0, .connected = true),
			 HANDSHAKE_CLOSE);
}

/* XB-19 */
static void removal_always_ends(void **state)
{
	(void)state;
	assert_int_equal(NEXT_OFFLINE(.own = 5, .peer = 4, .connected = true),
			 HANDSHAKE_WAIT);
	assert_int_equal(NEXT_OFFLINE(.own = 5, .peer = 4, .connected = true,
				      .overdue = true),
			 HANDSHAKE_CLOSE);
	assert_int_equal(NEXT_OFFLINE(.own = 5, .peer = 6, .connected = true),
			 HANDSHAKE_CLOSE);
	assert_int_equal(NEXT_OFFLINE(.own = 5, .peer = 0, .connected = true),
			 HANDSHAKE_CLOSE);
	assert_int_equal(NEXT_OFFLINE(.own = 2, .peer = 1), HANDSHAKE_CLOSE);
	assert_int_equal(NEXT_OFFLINE(.own = 4, .peer = 4, .connected = true),
			 HANDSHAKE_CLOSING);
}

/* xen-blkback offered what it serves, before it was made to let go. */
static void what_another_backend_offered_is_offered_anew(void **state)
{
	(void)state;
	assert_int_equal(NEXT(.own = 2, .peer = 1, .stale = true),
			 HANDSHAKE_OFFER);
	assert_int_equal(NEXT(.own = 2, .peer = 3, .stale = true),
			 HANDSHAKE_OFFER);
	assert_int_equal(NEXT(.own = 2, .peer = 1), HANDSHAKE_WAIT);
}

/* Only once it is closed for good, and only where nobody else does it. */
static void a_driver_domain_removes_its_directory(void **state)
{
	(void)state;
	assert_int_equal(NEXT_OFFLINE(.own = 6, .peer = 6, .removable = true),
			 HANDSHAKE_REMOVE);
	assert_int_equal(NEXT_OFFLINE(.own = 6, .peer = 6), HANDSHAKE_WAIT);
	assert_int_equal(NEXT_OFFLINE(.own = 5, .peer = 6, .removable = true),
			 HANDSHAKE_CLOSE);
}

static void a_fault_closes_and_is_forgotten_afterwards(void **state)
{
	(void)state;
	assert_int_equal(
		NEXT(.own = 4, .peer = 4, .connected = true, .faulted = true),
		HANDSHAKE_CLOSING);
	assert_int_equal(
		NEXT(.own = 5, .peer = 4, .connected = true, .faulted = true),
		HANDSHAKE_WAIT);
	assert_int_equal(
		NEXT(.own = 5, .peer = 6, .connected = true, .faulted = true),
		HANDSHAKE_CLOSE);
	assert_int_equal(NEXT(.own = 6, .peer = 1, .faulted = true),
			 HANDSHAKE_OFFER);
}

/* A toolstack that sets our state back does not make us forget our rings. */
static void a_state_that_is_set_back_ends_the_connection(void **state)
{
	(void)state;
	assert_int_equal(NEXT(.own = 1, .peer = 4, .connected = true),
			 HANDSHAKE_CLOSE);
	assert_int_equal(NEXT(.own = 6, .peer = 1, .connected = true),
			 HANDSHAKE_CLOSE);
	assert_int_equal(NEXT_OFFLINE(.own = 6, .peer = 4, .connected = true),
			 HANDSHAKE_CLOSE);
}

/* A dead predecessor's state 4 is no connection. */
static void what_a_dead_backend_left(void **state)
{
	(void)state;
	assert_int_equal(NEXT(.own = 4, .peer = 4), HANDSHAKE_CLOSING);
	assert_int_equal(NEXT(.own = 5, .peer = 6), HANDSHAKE_CLOSE);
}

static void a_removed_directory_ends_everything(void **state)
{
	int own, peer;

	(void)state;
	for (own = 0; own <= 8; own++)
		for (peer = 0; peer <= 8; peer++)
			assert_int_equal(
				NEXT(.own = own, .peer = peer, .gone = true),
				HANDSHAKE_DESTROY);
}

/* What the daemon does to its own side of the view. */
static void apply(struct handshake_view *v, enum handshake_action a)
{
	switch (a) {
	case HANDSHAKE_OFFER:
		v->own = XENBUS_INIT_WAIT;
		v->faulted = false;
		break;
	case HANDSHAKE_CONNECT:
		v->own = XENBUS_CONNECTED;
		v->connected = true;
		break;
	case HANDSHAKE_CLOSING:
		v->own = XENBUS_CLOSING;
		break;
	case HANDSHAKE_CLOSE:
		v->own = XENBUS_CLOSED;
		v->connected = false;
		v->faulted = false;
		break;
	default:
		break;
	}
}

/* From every view, with a peer that stands still, it comes to rest. */
static void it_never_goes_round_in_circles(void **state)
{
	unsigned bits, steps;
	int own, peer;

	(void)state;
	for (own = 0; own <= 8; own++)
		for (peer = 0; peer <= 8; peer++)
			for (bits = 0; bits < 16; bits++) {
				struct handshake_view v = {
					.own = own,
					.peer = peer,
					.online = bits & 1,
					.connected = bits & 2,
					.faulted = bits & 4,
					.overdue = bits & 8,
				};
				enum handshake_action a;

				for (steps = 0; steps < 8; steps++) {
					a = handshake_next(&v);
					if (a == HANDSHAKE_WAIT)
						break;
					apply(&v, a);
				}
				if (steps == 8)
					fail_msg("own %d peer %d bits %u "
						 "never rest",
						 own, peer, bits);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_way),
		cmocka_unit_test(a_frontend_comes_again),
		cmocka_unit_test(a_frontend_in_a_hurry),
		cmocka_unit_test(removal_always_ends),
		cmocka_unit_test(what_another_backend_offered_is_offered_anew),
		cmocka_unit_test(a_driver_domain_removes_its_directory),
		cmocka_unit_test(a_fault_closes_and_is_forgotten_afterwards),
		cmocka_unit_test(a_state_that_is_set_back_ends_the_connection),
		cmocka_unit_test(what_a_dead_backend_left),
		cmocka_unit_test(a_removed_directory_ends_everything),
		cmocka_unit_test(it_never_goes_round_in_circles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
