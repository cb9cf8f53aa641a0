/* SPDX-License-Identifier: MIT */
/*
 * A guest's trace and its host's: connections that are paired, whatever the
 * clocks, and two logs that become one.
 */
#include "viz_rig.h"

#include <errno.h>
#include <stdlib.h>

#include "viz/read/align.h"
#include "viz/read/pair.h"

#define MS 1000000ll
#define S  1000000000ll

/* Numbers that are the same in each run. */
static uint64_t state;

static uint64_t below(uint64_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 33) % n;
}

/*
 * A guest and its host.  The time is the host's; the guest's clock is `behind`
 * and loses `rate` of it.  A frontend's count is the true time of the event:
 * nothing looks at it before the model.
 */
struct pair_rig {
	struct rig guest, host;
	int64_t behind;
	double rate;
	int64_t now;
	uint32_t idx, rsp;
	unsigned ids;  /* how many there are before they come again */
	unsigned lose; /* of 100 events */
	bool no_guest, no_host;
};

static void pair_open(struct pair_rig *p)
{
	memset(p, 0, sizeof(*p));
	rig_open(&p->guest);
	rig_open(&p->host);
	p->now = 100 * S;
	p->behind = 50 * S + 50000;
	p->ids = 1u << 30;
	state = 7;
}

static void pair_close(struct pair_rig *p)
{
	rig_close(&p->guest);
	rig_close(&p->host);
}

static int64_t guest_time(const struct pair_rig *p)
{
	return p->now - p->behind - (int64_t)(p->rate * (double)p->now);
}

static bool kept(const struct pair_rig *p, bool guest)
{
	bool keep = below(100) >= p->lose;

	return !(guest ? p->no_guest : p->no_host) && keep;
}

static void pass(struct pair_rig *p, int64_t ns)
{
	p->now += ns + (int64_t)below((uint64_t)ns);
}

/* A request from the push to the completion; both have it, if it is kept. */
static void pair_request(struct pair_rig *p)
{
	uint64_t id = p->idx % p->ids;

	if (kept(p, true)) {
		rig_push(&p->guest, guest_time(p), (uint64_t)p->now, p->idx,
			 EV_OP_READ);
		rig_set(&p->guest, LF_request_push_id, id);
	}
	pass(p, 20000);
	if (kept(p, false)) {
		rig_take(&p->host, p->now, p->idx + 1, p->idx, EV_OP_READ);
		rig_set(&p->host, LF_request_take_id, id);
	}
	pass(p, 100000);
	if (kept(p, false)) {
		rig_respond(&p->host, p->now, p->idx + 1, p->rsp, 0);
		rig_set(&p->host, LF_request_respond_id, id);
	}
	pass(p, 20000);
	if (kept(p, true)) {
		rig_complete(&p->guest, guest_time(p), (uint64_t)p->now, p->rsp,
			     0);
		rig_set(&p->guest, LF_request_complete_id, id);
	}
	p->idx++;
	p->rsp++;
	pass(p, 5000);
}

static void pair_connection(struct pair_rig *p, unsigned requests)
{
	p->idx = p->rsp = 0;
	if (kept(p, true))
		rig_event(&p->guest, guest_time(p), EV_ACTOR_FRONTEND,
			  EV_KIND_ring_map);
	pass(p, MS);
	if (kept(p, false))
		rig_event(&p->host, p->now, EV_ACTOR_BACKEND, EV_KIND_ring_map);
	pass(p, MS);
	while (requests--)
		pair_request(p);
	pass(p, MS);
}

/* What the search says; 0: and the truth is as near as it says. */
static int pair_try(const struct pair_rig *p, struct pairing *out)
{
	const struct trace_log *log = &p->guest.log;
	struct conns guest, host;
	size_t i;
	int rc;

	assert_int_equal(conns_make(log, true, &guest), 0);
	assert_int_equal(conns_make(&p->host.log, false, &host), 0);
	rc = pair_find(&guest, &host, out);
	for (i = 0; !rc && i < log->n; i++) {
		const struct log_rec *rec = &log->rec[i];
		int64_t truth, found;

		if (rec->kind == EV_KIND_ring_map)
			continue;
		truth = log_get(log, rec,
				rec->kind == EV_KIND_request_push
					? LF_request_push_seq
					: LF_request_complete_seq);
		/* rig_event() puts all of it a little later. */
		found = rec->t_ns + corridor_at(&out->clock, rec->t_ns) -
			1000000;
		assert_true(llabs(found - truth) <=
			    corridor_error(&out->clock, rec->t_ns) + 1);
	}
	conns_free(&guest);
	conns_free(&host);
	return rc;
}

static void pairs_of_one_connection(void **unused)
{
	struct pairing found;
	struct pair_rig p;

	(void)unused;
	pair_open(&p);
	pair_connection(&p, 300);
	assert_int_equal(pair_try(&p, &found), 0);
	assert_int_equal(found.clock.bounds, 600);
	assert_int_equal(found.conns, 1);
	assert_int_equal(found.rivals, 0);
	/* As wide as the quickest push and completion were slow. */
	assert_in_range(found.clock.error_ns, 19000, 30000);
	pairing_free(&found);
	pair_close(&p);
}

static void pairs_with_drift(void **unused)
{
	struct pairing found;
	struct pair_rig p;
	unsigned i;

	(void)unused;
	pair_open(&p);
	p.rate = 200e-6;
	for (i = 0; i < 20; i++) {
		pair_connection(&p, 30);
		pass(&p, 300 * MS);
	}
	assert_int_equal(pair_try(&p, &found), 0);
	assert_int_equal(found.clock.bounds, 1200);
	assert_int_equal(found.conns, 20);
	assert_int_equal(found.strays, 0);
	assert_true(found.clock.rate > 195e-6 && found.clock.rate < 205e-6);
	pairing_free(&found);
	pair_close(&p);
}

/* Indices wrap, and the host's trace begins only behind that. */
static void pairs_across_a_wrap(void **unused)
{
	struct pairing found;
	struct pair_rig p;
	unsigned i;

	(void)unused;
	pair_open(&p);
	p.idx = UINT32_MAX - 20;
	p.rsp = UINT32_MAX - 5;
	for (i = 0; i < 60; i++) {
		p.no_host = i < 30;
		pair_request(&p);
	}
	assert_int_equal(pair_try(&p, &found), 0);
	assert_int_equal(found.clock.bounds, 60);
	assert_int_equal(found.conns, 1);
	pairing_free(&found);
	pair_close(&p);
}

/*
 * Connections that look the same to the last id.  The host lacks the first
 * two, the guest the last one: by their order each would be another.
 */
static void reconnects_do_not_mislead(void **unused)
{
	static const int64_t pause[] = { 30, 70, 20, 90, 50, 110 };
	struct pairing found;
	struct pair_rig p;
	unsigned i;

	(void)unused;
	pair_open(&p);
	p.ids = 4;
	for (i = 0; i < 6; i++) {
		p.no_host = i < 2;
		p.no_guest = i == 5;
		pair_connection(&p, 40);
		pass(&p, pause[i] * MS);
	}
	assert_int_equal(pair_try(&p, &found), 0);
	assert_int_equal(found.conns, 3);
	assert_int_equal(found.clock.bounds, 240);
	/* Two of the guest's look like the host's last one. */
	assert_int_equal(found.strays, 2);
	pairing_free(&found);
	pair_close(&p);
}

/*
 * The same connection twice there and once here, in the very same beat: the
 * clocks must tell.  In another beat only one of the two keeps all bounds.
 */
static void what_fits_twice_is_said(void **unused)
{
	unsigned other;

	(void)unused;
	for (other = 0; other < 2; other++) {
		struct pairing found;
		struct pair_rig p;

		pair_open(&p);
		p.behind = 0;
		pair_connection(&p, 10);
		p.no_guest = true;
		state = 7 + other;
		pair_connection(&p, 10);
		assert_int_equal(pair_try(&p, &found), 0);
		assert_int_equal(found.rivals, other ? 0 : 1);
		assert_true(llabs(corridor_at(&found.clock, 100 * S)) < MS);
		pairing_free(&found);
		pair_close(&p);
	}
}

/*
 * While only one side of the offset is known, two connections may be meant by
 * the host's one: who was there longer has it.
 */
static void one_partner_for_each(void **unused)
{
	struct pairing found;
	struct pair_rig p;
	unsigned i;

	(void)unused;
	pair_open(&p);
	for (i = 0; i < 8; i++) {
		p.now += 300000;
		rig_push(&p.guest, guest_time(&p), (uint64_t)p.now, i % 5,
			 EV_OP_READ);
		p.now += 20000;
		/* Of the second connection, three requests, there is none. */
		if (i < 5)
			rig_take(&p.host, p.now, i + 1, i, EV_OP_READ);
	}
	p.guest.queue = p.host.queue = 1;
	for (i = 0; i < 5; i++) {
		p.now += 300000;
		rig_respond(&p.host, p.now, i + 1, i, 0);
		p.now += 20000;
		rig_complete(&p.guest, guest_time(&p), (uint64_t)p.now, i, 0);
	}
	assert_int_equal(pair_try(&p, &found), 0);
	assert_int_equal(found.conns, 2);
	assert_int_equal(found.clock.bounds, 10);
	pairing_free(&found);
	pair_close(&p);
}

static void losses_do_not_mislead(void **unused)
{
	struct pairing found;
	struct pair_rig p;
	unsigned i;

	(void)unused;
	pair_open(&p);
	p.ids = 32;
	p.lose = 40;
	for (i = 0; i < 12; i++)
		pair_connection(&p, 20 + 7 * (i % 3));
	assert_int_equal(pair_try(&p, &found), 0);
	/* Of 636 pairs a third is left, 0.6 x 0.6. */
	assert_true(found.clock.bounds > 150);
	pairing_free(&found);
	pair_close(&p);
}

static void a_guest_need_not_know_its_domain(void **unused)
{
	struct pairing found;
	struct pair_rig p;

	(void)unused;
	pair_open(&p);
	p.host.domid = 7;
	p.guest.domid = 0;
	pair_connection(&p, 10);
	assert_int_equal(pair_try(&p, &found), 0);
	assert_int_equal(found.guest_domid, 0);
	assert_int_equal(found.host_domid, 7);
	pairing_free(&found);
	/* But a domain of that number, if there is one, is that domain. */
	p.host.domid = 0;
	p.host.devid++;
	p.no_guest = true;
	pair_connection(&p, 3);
	assert_int_equal(pair_try(&p, &found), -ENOENT);
	pairing_free(&found);
	pair_close(&p);
}

/* A frontend that changes what it has published is not the same request. */
static void others_requests_are_no_pairs(void **unused)
{
	struct pairing found;
	struct pair_rig p;
	unsigned i;

	(void)unused;
	pair_open(&p);
	pair_connection(&p, 20);
	for (i = 0; i < p.host.log.n; i++)
		if (p.host.log.rec[i].kind != EV_KIND_ring_map)
			p.host.log.word[p.host.log.rec[i].words + 2] ^= 1;
	assert_int_equal(pair_try(&p, &found), -ENOENT);
	pairing_free(&found);
	pair_close(&p);
}

/* ---- all of it ---------------------------------------------------------- */

static int align(struct pair_rig *p, struct why *why)
{
	why->text[0] = '\0';
	return align_logs(&p->host.log, &p->guest.log, "HOST", "GUEST", why);
}

static void assert_says(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" does not say \"%s\"", text, what);
}

static void two_logs_become_one(void **unused)
{
	struct log_loss loss = { .count = 3 };
	struct why why;
	struct pair_rig p;
	struct trace_log *log;
	uint32_t *element, n;
	size_t i;

	(void)unused;
	pair_open(&p);
	log = &p.host.log;
	pair_connection(&p, 5);
	/* What has strings and arrays, and their numbers clash. */
	rig_event(&p.host, p.now, EV_ACTOR_BACKEND, EV_KIND_store_write);
	rig_text(&p.host, LF_store_write_path, "host's");
	pass(&p, MS);
	rig_event(&p.guest, guest_time(&p), EV_ACTOR_FRONTEND,
		  EV_KIND_store_write);
	rig_text(&p.guest, LF_store_write_path, "guest's");
	rig_text(&p.guest, LF_store_write_value, "host's");
	rig_event(&p.guest, guest_time(&p), EV_ACTOR_FRONTEND,
		  EV_KIND_ring_map);
	assert_int_equal(log_append_array(&p.guest.log,
					  &p.guest.log.rec[p.guest.log.n - 1],
					  log_places[LF_ring_map_gref].field, 2,
					  &element),
			 0);
	element[0] = 17;
	element[1] = 18;
	loss.from_ns = loss.to_ns = p.guest.log.rec[p.guest.log.n - 1].t_ns;
	assert_int_equal(log_append_loss(&p.guest.log, &loss), 0);

	assert_int_equal(align(&p, &why), 0);
	assert_says(log->aligned, "The clock of GUEST was moved by +50.0000");
	assert_says(log->aligned, " s, known to ±");
	assert_says(log->aligned, "from 10 pairs of moments");
	assert_int_equal(log->n, 5 * 4 + 2 + 3);
	for (i = 1; i < log->n; i++)
		assert_true(log->rec[i - 1].t_ns <= log->rec[i].t_ns);
	i = log->n - 2;
	assert_string_equal(log_text(log, &log->rec[i], LF_store_write_path),
			    "guest's");
	assert_string_equal(log_text(log, &log->rec[i], LF_store_write_value),
			    "host's");
	assert_int_equal(
		*log_array(log, &log->rec[i + 1], LF_ring_map_gref, &n), 17);
	assert_int_equal(n, 2);
	assert_int_equal(log->losses, 1);
	assert_int_equal(log->lost_events, 3);
	assert_int_equal(log->loss[0].to_ns, log->rec[i].t_ns);
	assert_int_equal(log->loss[0].before, i);
	pair_close(&p);
}

static void a_clock_set_between_connections_is_told(void **unused)
{
	struct pair_rig p;
	struct why why;

	(void)unused;
	pair_open(&p);
	pair_connection(&p, 30);
	p.behind += S;
	pass(&p, 2 * S);
	pair_connection(&p, 10);
	assert_int_equal(align(&p, &why), 0);
	assert_says(p.host.log.aligned, "from 60 pairs of moments");
	assert_says(p.host.log.aligned,
		    "1 of its connections would fit only at another");
	pair_close(&p);
}

/* The model joins what comes from two traces as what comes from one. */
static void the_model_joins_both(void **unused)
{
	struct pair_rig p;
	struct rig *h;
	struct why why;
	size_t i;

	(void)unused;
	pair_open(&p);
	pair_connection(&p, 50);
	h = &p.host;
	/* The frontend's count must be one for the model. */
	for (i = 0; i < p.guest.log.n; i++) {
		struct log_rec *rec = &p.guest.log.rec[i];
		enum log_field idx = rec->kind == EV_KIND_request_push
					     ? LF_request_push_idx
					     : LF_request_complete_idx;
		uint32_t *w = &p.guest.log.word[rec->words];

		if (rec->kind == EV_KIND_ring_map)
			continue;
		w[0] = (uint32_t)log_get(&p.guest.log, rec, idx) + 1;
		w[1] = 0;
	}
	assert_int_equal(align(&p, &why), 0);
	rig_build(h);
	assert_int_equal(h->model.requests, 50);
	for (i = 0; i < 50; i++)
		assert_int_equal(h->model.request[i].flags,
				 REQUEST_PUSHED | REQUEST_TAKEN |
					 REQUEST_RESPONDED | REQUEST_COMPLETED);
	pair_close(&p);
}

/* What one trace alone could tell is no fault if it had ended. */
static void ends_are_doubts(void **unused)
{
	struct pair_rig p;
	struct why why;

	(void)unused;
	pair_open(&p);
	pair_connection(&p, 5);
	rig_push(&p.guest, guest_time(&p), 99, p.idx, EV_OP_READ);
	assert_int_equal(align(&p, &why), 0);
	rig_build(&p.host);
	assert_int_equal(p.host.model.unsure, 1);
	assert_int_equal(p.host.model.unanswered, 0);
	pair_close(&p);
}

static void mistakes(void **unused)
{
	struct pair_rig p;
	struct why why;

	(void)unused;
	pair_open(&p);
	p.no_guest = true;
	pair_connection(&p, 5);
	assert_int_equal(align(&p, &why), -EINVAL);
	assert_says(why.text, "GUEST holds no request of a frontend");
	pair_close(&p);

	pair_open(&p);
	p.no_host = true;
	pair_connection(&p, 5);
	assert_int_equal(align(&p, &why), -EINVAL);
	assert_says(why.text, "HOST holds no request that a backend took");
	/* The frontend's events in both. */
	p.no_host = false;
	pair_connection(&p, 5);
	rig_push(&p.host, p.now, 1, 0, EV_OP_READ);
	assert_int_equal(align(&p, &why), -EINVAL);
	assert_says(why.text, "both hold what the frontend of device 1/51712");
	pair_close(&p);

	/* The backend's in both, even of another queue. */
	pair_open(&p);
	pair_connection(&p, 5);
	p.guest.queue = 3;
	rig_take(&p.guest, guest_time(&p), 1, 0, EV_OP_READ);
	assert_int_equal(align(&p, &why), -EINVAL);
	assert_says(why.text, "both hold what the backend of device 1/51712");
	pair_close(&p);
}

static void what_cannot_be_told(void **unused)
{
	struct pair_rig p;
	struct why why;

	(void)unused;
	pair_open(&p);
	p.no_host = true;
	pair_connection(&p, 5);
	p.no_host = false;
	p.no_guest = true;
	p.host.devid = 51728;
	pair_connection(&p, 5);
	assert_int_equal(align(&p, &why), -ENOENT);
	assert_says(why.text, "no request in common");
	assert_says(why.text, "of device 1/51712, the other of 1/51728");
	pair_close(&p);

	pair_open(&p);
	rig_push(&p.guest, 0, 1, 0, EV_OP_READ);
	rig_take(&p.host, 10, 1, 0, EV_OP_READ);
	assert_int_equal(align(&p, &why), -ENOENT);
	assert_says(why.text, "no response in HOST is completed in GUEST");
	pair_close(&p);

	pair_open(&p);
	rig_complete(&p.guest, 0, 1, 0, 0);
	rig_respond(&p.host, 10, 1, 0, 0);
	assert_int_equal(align(&p, &why), -ENOENT);
	assert_says(why.text, "no request in GUEST is taken in HOST");
	pair_close(&p);

	pair_open(&p);
	pair_connection(&p, 20);
	p.behind += 3 * MS;
	while (p.idx < 40)
		pair_request(&p);
	assert_int_equal(align(&p, &why), -ENOENT);
	assert_says(why.text, "GUEST and HOST contradict each other by ");
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_of_one_connection),
		cmocka_unit_test(pairs_with_drift),
		cmocka_unit_test(pairs_across_a_wrap),
		cmocka_unit_test(reconnects_do_not_mislead),
		cmocka_unit_test(what_fits_twice_is_said),
		cmocka_unit_test(one_partner_for_each),
		cmocka_unit_test(losses_do_not_mislead),
		cmocka_unit_test(a_guest_need_not_know_its_domain),
		cmocka_unit_test(others_requests_are_no_pairs),
		cmocka_unit_test(two_logs_become_one),
		cmocka_unit_test(a_clock_set_between_connections_is_told),
		cmocka_unit_test(the_model_joins_both),
		cmocka_unit_test(ends_are_doubts),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(what_cannot_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
