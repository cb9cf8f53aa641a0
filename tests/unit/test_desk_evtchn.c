/* SPDX-License-Identifier: MIT */
/* Event channels of the desk, between processes. */
#include "desk_rig.h"

#include "xen/desk/wire.h"

struct side {
	struct xen_host *h;
	const struct xen_evtchn_ops *ops;
	struct xen_evtchn *e;
};

static struct side side_open(uint16_t domid)
{
	struct side s = { .h = rig_host(domid) };

	s.ops = &s.h->ops->evtchn;
	assert_int_equal(s.ops->open(s.h, &s.e), 0);
	return s;
}

static void side_close(struct side *s)
{
	s->ops->close(s->e);
	xen_host_close(s->h);
}

static int start(void **state)
{
	rig_start(state);
	rig_domain(1);
	rig_domain(2);
	return 0;
}

static bool quiet(const struct side *s)
{
	struct pollfd p = { .fd = s->ops->fd(s->e), .events = POLLIN };

	return poll(&p, 1, 0) == 0 && s->ops->pending(s->e) == -EAGAIN;
}

/* A fresh channel: guest's port and backend's port. */
static void channel(struct side *guest, struct side *back, int *gport,
		    int *bport)
{
	*gport = guest->ops->alloc_unbound(guest->e, 0);
	assert_true(*gport > 0);
	*bport = back->ops->bind_interdomain(back->e, guest->h->domid,
					     (uint32_t)*gport);
	assert_true(*bport > 0);
	/* Pending at once, as in Xen; the other side is not. */
	assert_true(rig_readable(back->ops->fd(back->e)));
	assert_int_equal(back->ops->pending(back->e), *bport);
	assert_true(quiet(guest));
	/* And masked with that. */
	assert_int_equal(guest->ops->notify(guest->e, (uint32_t)*gport), 0);
	assert_true(quiet(back));
	assert_int_equal(back->ops->unmask(back->e, (uint32_t)*bport), 0);
	assert_int_equal(back->ops->pending(back->e), *bport);
	assert_int_equal(back->ops->unmask(back->e, (uint32_t)*bport), 0);
	assert_true(quiet(back));
}

static void notify_and_mask(void **state)
{
	struct side guest = side_open(1), back = side_open(0);
	int g, b, i;

	(void)state;
	channel(&guest, &back, &g, &b);
	assert_int_equal(rig_counters().ports_bound, 2);
	assert_int_equal(rig_counters().ports_unbound, 0);
	/* Many notifications are one event. */
	for (i = 0; i < 5; i++)
		assert_int_equal(guest.ops->notify(guest.e, (uint32_t)g), 0);
	assert_true(rig_readable(back.ops->fd(back.e)));
	assert_int_equal(back.ops->pending(back.e), b);
	assert_true(quiet(&back));
	/* Masked: it waits until the unmask. */
	assert_int_equal(guest.ops->notify(guest.e, (uint32_t)g), 0);
	assert_true(quiet(&back));
	assert_int_equal(back.ops->unmask(back.e, (uint32_t)b), 0);
	assert_true(rig_readable(back.ops->fd(back.e)));
	assert_int_equal(back.ops->pending(back.e), b);
	assert_int_equal(back.ops->unmask(back.e, (uint32_t)b), 0);
	assert_true(quiet(&back));
	/* And the other way. */
	assert_int_equal(back.ops->notify(back.e, (uint32_t)b), 0);
	assert_true(rig_readable(guest.ops->fd(guest.e)));
	assert_int_equal(guest.ops->pending(guest.e), g);
	side_close(&back);
	side_close(&guest);
	rig_wait_counter(ports_unbound, 0);
	assert_int_equal(rig_counters().ports_bound, 0);
}

static void wrong_ports(void **state)
{
	struct side guest = side_open(1), back = side_open(0);
	struct side other = side_open(2);
	int g, b;

	(void)state;
	g = guest.ops->alloc_unbound(guest.e, 0);
	assert_int_equal(back.ops->bind_interdomain(back.e, 9, 1), -ESRCH);
	assert_int_equal(back.ops->bind_interdomain(back.e, 1, 0), -EINVAL);
	assert_int_equal(back.ops->bind_interdomain(back.e, 1, 4000), -EINVAL);
	assert_int_equal(back.ops->bind_interdomain(back.e, 1, 0xffffffff),
			 -EINVAL);
	/* It was meant for domain 0. */
	assert_int_equal(other.ops->bind_interdomain(other.e, 1, (uint32_t)g),
			 -EINVAL);
	b = back.ops->bind_interdomain(back.e, 1, (uint32_t)g);
	assert_true(b > 0);
	/* Bound already. */
	assert_int_equal(back.ops->bind_interdomain(back.e, 1, (uint32_t)g),
			 -EINVAL);
	assert_int_equal(back.ops->notify(back.e, 4000), -ENOTCONN);
	assert_int_equal(back.ops->notify(back.e, 0xffffffff), -ENOTCONN);
	assert_int_equal(back.ops->unbind(back.e, 0), -ENOTCONN);
	assert_int_equal(back.ops->unmask(back.e, 4000), 0);
	side_close(&other);
	side_close(&back);
	side_close(&guest);
}

/* One end closes: the other is unbound for the same domain, and the next
 * process may bind to it. */
static void peer_closes_and_comes_back(void **state)
{
	struct side guest = side_open(1), back = side_open(0);
	struct side other = side_open(2);
	int g, b;

	(void)state;
	channel(&guest, &back, &g, &b);
	assert_int_equal(back.ops->unbind(back.e, (uint32_t)b), 0);
	assert_int_equal(rig_counters().ports_unbound, 1);
	assert_int_equal(rig_counters().ports_bound, 0);
	assert_true(quiet(&guest)); /* Xen tells nobody */
	/* Into the void, without an error. */
	assert_int_equal(guest.ops->notify(guest.e, (uint32_t)g), 0);
	assert_int_equal(other.ops->bind_interdomain(other.e, 1, (uint32_t)g),
			 -EINVAL);
	b = back.ops->bind_interdomain(back.e, 1, (uint32_t)g);
	assert_true(b > 0);
	assert_int_equal(back.ops->pending(back.e), b);
	assert_int_equal(back.ops->unmask(back.e, (uint32_t)b), 0);
	assert_true(quiet(&back));
	/* The guest's own descriptors are still the right ones. */
	assert_int_equal(guest.ops->notify(guest.e, (uint32_t)g), 0);
	assert_int_equal(back.ops->pending(back.e), b);
	assert_int_equal(back.ops->notify(back.e, (uint32_t)b), 0);
	assert_int_equal(guest.ops->pending(guest.e), g);
	/* The allocating end closes: the binding end stays, unbound. */
	assert_int_equal(guest.ops->unbind(guest.e, (uint32_t)g), 0);
	assert_int_equal(rig_counters().ports_unbound, 1);
	g = guest.ops->bind_interdomain(guest.e, 0, (uint32_t)b);
	assert_true(g > 0);
	assert_int_equal(rig_counters().ports_bound, 2);
	side_close(&other);
	side_close(&back);
	side_close(&guest);
}

/* A process that is killed has closed its ports. */
static void owner_is_killed(void **state)
{
	struct side guest = side_open(1), back;
	struct rig_gate up;
	int g, b;
	pid_t pid;

	(void)state;
	g = guest.ops->alloc_unbound(guest.e, 0);
	rig_gate_open(&up);
	pid = rig_fork();
	if (pid == 0) {
		back = side_open(0);
		b = back.ops->bind_interdomain(back.e, 1, (uint32_t)g);
		if (b <= 0)
			_exit(1);
		rig_gate_pass(&up);
		pause();
	}
	rig_gate_wait(&up);
	assert_int_equal(rig_counters().ports_bound, 2);
	rig_kill(pid);
	rig_wait_counter(ports_bound, 0);
	assert_int_equal(rig_counters().ports_unbound, 1);
	back = side_open(0);
	b = back.ops->bind_interdomain(back.e, 1, (uint32_t)g);
	assert_int_equal(back.ops->pending(back.e), b);
	assert_int_equal(guest.ops->notify(guest.e, (uint32_t)g), 0);
	rig_gate_close(&up);
	side_close(&back);
	side_close(&guest);
}

static void ports_are_limited(void **state)
{
	struct side s = side_open(1);
	int port = 0;
	unsigned n;

	(void)state;
	for (n = 0; n <= DESK_PORT_MAX; n++) {
		port = s.ops->alloc_unbound(s.e, 0);
		if (port < 0)
			break;
	}
	/* The domain's limit, or this machine's of open files. */
	assert_true(port == -ENOSPC || port == -EMFILE);
	assert_true(n > 400);
	assert_int_equal(rig_counters().ports_unbound, n);
	assert_int_equal(s.ops->unbind(s.e, 1), 0);
	assert_int_equal(s.ops->alloc_unbound(s.e, 0), 1);
	side_close(&s);
	rig_wait_counter(ports_unbound, 0);
}

/* Handles of one host have ports of their own. */
static void handles_are_apart(void **state)
{
	struct side guest = side_open(1), back = side_open(0);
	struct side second = back;
	int g1, g2, b1, b2;

	(void)state;
	assert_int_equal(back.ops->open(back.h, &second.e), 0);
	channel(&guest, &back, &g1, &b1);
	channel(&guest, &second, &g2, &b2);
	assert_int_not_equal(b1, b2);
	assert_int_equal(guest.ops->notify(guest.e, (uint32_t)g2), 0);
	assert_true(quiet(&back));
	assert_int_equal(second.ops->pending(second.e), b2);
	assert_int_equal(back.ops->notify(back.e, (uint32_t)b2), -ENOTCONN);
	assert_int_equal(back.ops->unbind(back.e, (uint32_t)b2), -ENOTCONN);
	back.ops->close(second.e);
	assert_int_equal(rig_counters().ports_bound, 2);
	side_close(&back);
	side_close(&guest);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, rig_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(notify_and_mask),
		T(wrong_ports),
		T(peer_closes_and_comes_back),
		T(owner_is_killed),
		T(ports_are_limited),
		T(handles_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
