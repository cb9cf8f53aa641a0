/* SPDX-License-Identifier: MIT */
/* The thread of a queue: who does what where, and how it ends. */
#include "tests/unit/front_rig.h"

#include <poll.h>
#include <pthread.h>

#include "frontend/worker.h"

static const struct xen_ops fake_ops = {
	.name = "fake",
	.evtchn = FAKE_EVTCHN_OPS,
};

static struct xen_host fake_host = { .ops = &fake_ops, .domid = 3 };

static struct front_queue q;
static struct front_worker worker;
static int poke_fd;

static int setup(void **state)
{
	struct front_queue_options opt = {
		.host = &fake_host,
		.backend_id = RIG_BACKEND,
		.pages = 1,
		.id_seed = 42,
	};

	(void)state;
	rig_reset();
	port_fd = eventfd(0, EFD_NONBLOCK);
	poke_fd = eventfd(0, EFD_NONBLOCK);
	assert_int_equal(front_queue_open(&q, &opt, NULL), 0);
	ring_back_init(&back, q.ring_pages, 1, RING_ABI_X86_64, &opt.ev);
	ring_back_final_check(&back);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	front_worker_close(&worker);
	assert_int_equal(front_queue_close(&q), 0);
	rig_empty();
	close(port_fd);
	close(poke_fd);
	return 0;
}

static bool poked(void)
{
	struct pollfd fd = { .fd = poke_fd, .events = POLLIN };

	return poll(&fd, 1, 10000) == 1;
}

/* ---- the tests ---------------------------------------------------------- */

static pthread_t seen;

static void note_thread(void *arg)
{
	assert_ptr_equal(arg, &seen);
	seen = pthread_self();
}

static void test_calls(void **state)
{
	(void)state;
	/* Where there is no thread, the caller's does it. */
	assert_int_equal(front_worker_open(&worker, &q, false, poke_fd, NULL),
			 0);
	front_worker_call(&worker, note_thread, &seen);
	assert_true(pthread_equal(seen, pthread_self()));
	front_worker_close(&worker);

	assert_int_equal(front_worker_open(&worker, &q, true, poke_fd, NULL),
			 0);
	for (unsigned i = 0; i < 1000; i++) {
		seen = pthread_self();
		front_worker_call(&worker, note_thread, &seen);
		assert_true(pthread_equal(seen, worker.thread));
	}
}

#define READS 200

static uint8_t data[512];
static unsigned dones;
static bool elsewhere; /* a done() came on another thread */

static void read_done(struct front_io *io)
{
	elsewhere |= !pthread_equal(pthread_self(), worker.thread);
	assert_int_equal(io->error, 0);
	if (++dones < READS) {
		front_queue_submit(&q, io);
		return;
	}
	front_worker_poke(&worker);
}

static struct front_io io = {
	.op = RING_OP_READ,
	.len_bytes = 512,
	.buf = data,
	.done = read_done,
};

static void begin(void *arg)
{
	(void)arg;
	front_queue_submit(&q, &io);
	front_worker_result(&worker, front_queue_pump(&q));
}

static void serve_okay(void)
{
	back_serve(RING_STATUS_OKAY);
}

/* The thread does it all, from the notification to done(). */
static void test_serves(void **state)
{
	struct front_worker_load load;

	(void)state;
	on_notify = serve_okay;
	dones = 0;
	elsewhere = false;
	assert_int_equal(front_worker_open(&worker, &q, true, poke_fd, NULL),
			 0);
	front_worker_call(&worker, begin, NULL);
	assert_true(poked());
	front_worker_look(&worker, &load);
	assert_false(load.busy);
	assert_int_equal(load.in_flight, 0);
	assert_int_equal(dones, READS);
	assert_false(elsewhere);
	assert_int_equal(front_worker_error(&worker), 0);
}

static void serve_wrong(void)
{
	back_take();
	ring_back_respond(&back, 4711, RING_OP_READ, RING_STATUS_OKAY);
	back_push();
}

static int ended_with;

static void read_ended(struct front_io *e)
{
	ended_with = e->error;
}

/* A failure is told to the loop, which ends it; nothing is looked at then. */
static void test_fails(void **state)
{
	struct front_worker_load load;
	uint64_t wakeups;

	(void)state;
	on_notify = serve_wrong;
	io.done = read_ended;
	assert_int_equal(front_worker_open(&worker, &q, true, poke_fd, NULL),
			 0);
	front_worker_call(&worker, begin, NULL);
	assert_true(poked());
	assert_int_equal(front_worker_error(&worker), -EPROTO);
	assert_string_equal(q.fault.rule, "RG-26");
	front_worker_look(&worker, &load);
	assert_true(load.busy);
	front_worker_end(&worker, -EPROTO);
	assert_int_equal(ended_with, -EPROTO);
	front_worker_look(&worker, &load);
	assert_false(load.busy);
	wakeups = q.wakeups;
	port_masked = false;
	port_raise();
	front_worker_look(&worker, &load);
	assert_int_equal(q.wakeups, wakeups);
	io.done = read_done;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_calls),
		T(test_serves),
		T(test_fails),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
