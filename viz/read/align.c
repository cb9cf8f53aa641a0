/* SPDX-License-Identifier: MIT */
#include "viz/read/align.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viz/read/merge.h"
#include "viz/read/pair.h"
#include "viz/text.h"

struct align {
	struct trace_log *host, *guest;
	const char *host_name, *guest_name;
	struct conns front, back; /* the guest's, the host's */
	struct pairing pairing;
	struct why *why;
};

/* ---- what cannot be two sides of one thing ------------------------------ */

/* The first device of which both have connections, or NULL. */
static const struct conn *same_device(const struct conns *a,
				      const struct conns *b)
{
	const uint64_t mask = ~((uint64_t)LOG_QUEUE_NONE << 32);
	uint32_t i, k;

	for (i = 0; i < a->n; i++) {
		/* A device's queues do not stand together: look for each. */
		if (i && a->conn[i].key == a->conn[i - 1].key)
			continue;
		for (k = 0; k < b->n; k++)
			if (!((a->conn[i].key ^ b->conn[k].key) & mask))
				return &a->conn[i];
	}
	return NULL;
}

static int check_twice(const struct align *a, bool frontend,
		       const struct conns *there)
{
	const struct conn *same;
	struct conns here;
	int rc = conns_make(frontend ? a->host : a->guest, frontend, &here);

	if (rc) {
		conns_free(&here);
		return why_set(a->why, rc, "no memory to compare two traces");
	}
	same = same_device(&here, there);
	if (same)
		rc = why_set(a->why, -EINVAL,
			     "%s and %s both hold what the %s of device "
			     "%u/%u did: give the guest's own trace with "
			     "--guest, and one of the other side alone",
			     a->host_name, a->guest_name,
			     frontend ? "frontend" : "backend",
			     (unsigned)(same->key >> CONN_DOMID_SHIFT),
			     (unsigned)(same->key & CONN_DEVID_MASK));
	conns_free(&here);
	return rc;
}

/* Whether each trace has what the other should; without memory it is not told.
 */
static bool is_swapped(const struct align *a)
{
	struct conns front, back;
	int rc = conns_make(a->host, true, &front);
	bool swapped;

	rc = conns_make(a->guest, false, &back) || rc;
	swapped = !rc && front.n && back.n;
	conns_free(&front);
	conns_free(&back);
	return swapped;
}

static int check_sides(const struct align *a)
{
	int rc;

	if (!a->front.n && !a->back.n && is_swapped(a))
		return why_set(a->why, -EINVAL,
			       "%s holds what the backend did, and %s what the "
			       "frontend did: give the guest's trace with "
			       "--guest, and the other one alone",
			       a->guest_name, a->host_name);
	if (!a->front.n)
		return why_set(a->why, -EINVAL,
			       "%s holds no request of a frontend: --guest "
			       "takes a trace that was recorded where the "
			       "frontend runs",
			       a->guest_name);
	if (!a->back.n)
		return why_set(a->why, -EINVAL,
			       "%s holds no request that a backend took, so "
			       "there is nothing to align %s with",
			       a->host_name, a->guest_name);
	rc = check_twice(a, true, &a->front);
	return rc ? rc : check_twice(a, false, &a->back);
}

/* ---- what kept it from being told --------------------------------------- */

static int no_request(const struct align *a)
{
	const struct conn *g = &a->front.conn[0], *h = &a->back.conn[0];

	return why_set(a->why, -ENOENT,
		       "%s and %s have no request in common: the one has those "
		       "of device %u/%u%s, the other of %u/%u%s; they must be "
		       "of the same time",
		       a->guest_name, a->host_name,
		       (unsigned)(g->key >> CONN_DOMID_SHIFT),
		       (unsigned)(g->key & CONN_DEVID_MASK),
		       a->front.n > 1 ? " ..." : "",
		       (unsigned)(h->key >> CONN_DOMID_SHIFT),
		       (unsigned)(h->key & CONN_DEVID_MASK),
		       a->back.n > 1 ? " ..." : "");
}

static int one_bound(const struct align *a)
{
	if (a->pairing.clock.upper.n)
		return why_set(a->why, -ENOENT,
			       "the clock of %s is bounded on one side only: "
			       "no response in %s is completed in %s",
			       a->guest_name, a->host_name, a->guest_name);
	return why_set(a->why, -ENOENT,
		       "the clock of %s is bounded on one side only: no "
		       "request in %s is taken in %s",
		       a->guest_name, a->guest_name, a->host_name);
}

static int contradiction(const struct align *a)
{
	char gap[TEXT_NS_MAX];

	text_ns(gap, (int64_t)fmin(a->pairing.clock.gap_ns, 1e18));
	return why_set(a->why, -ENOENT,
		       "%s and %s contradict each other by %s at least: no two "
		       "steady clocks explain which request came when; was a "
		       "clock set meanwhile, or are they of different times?",
		       a->guest_name, a->host_name, gap);
}

static int find(struct align *a)
{
	int rc = conns_make(a->guest, true, &a->front);

	if (!rc)
		rc = conns_make(a->host, false, &a->back);
	if (!rc) {
		rc = check_sides(a);
		if (rc)
			return rc;
		rc = pair_find(&a->front, &a->back, &a->pairing);
	}
	switch (rc) {
	case 0:
		return 0;
	case -ENOENT:
		return no_request(a);
	case -ENODATA:
		return one_bound(a);
	case -EDOM:
		return contradiction(a);
	default:
		return why_set(a->why, rc, "no memory to align two traces");
	}
}

/* ---- the guest's clock -------------------------------------------------- */

static void move_time(const struct align *a, int64_t *t_ns)
{
	int64_t t = *t_ns + corridor_at(&a->pairing.clock, *t_ns);

	*t_ns = t < 0 ? 0 : t > INT64_MAX / 4 ? INT64_MAX / 4 : t;
}

static void move_all(const struct align *a)
{
	const struct pairing *p = &a->pairing;
	struct trace_log *log = a->guest;
	size_t i;

	for (i = 0; i < log->n; i++) {
		move_time(a, &log->rec[i].t_ns);
		if (log->rec[i].domid == p->guest_domid)
			log->rec[i].domid = p->host_domid;
	}
	for (i = 0; i < log->losses; i++) {
		if (log->loss[i].from_ns != LOG_EVER)
			move_time(a, &log->loss[i].from_ns);
		move_time(a, &log->loss[i].to_ns);
	}
}

/* ---- the note ----------------------------------------------------------- */

static void note_offset(const struct corridor *c, struct text *t)
{
	int64_t by = corridor_at(c, c->from_ns);
	uint64_t size = by < 0 ? -(uint64_t)by : (uint64_t)by;

	text_printf(t, "moved by %c%" PRIu64 ".%09" PRIu64 " s",
		    by < 0 ? '-' : '+', size / 1000000000, size % 1000000000);
	/* To a tenth of a millionth: less is not worth a word. */
	if (fabs(c->rate) >= 5e-8)
		text_printf(t, " at first and made %s by %.1f ppm",
			    c->rate > 0 ? "faster" : "slower",
			    fabs(c->rate) * 1e6);
}

/* Times are still the guest's own. */
static void note_error(const struct align *a, struct text *t)
{
	const struct corridor *c = &a->pairing.clock;
	int64_t first = corridor_error(c, a->guest->rec[0].t_ns);
	int64_t last = corridor_error(c, a->guest->rec[a->guest->n - 1].t_ns);
	int64_t far = first > last ? first : last;
	char n[TEXT_COUNT_MAX];

	text_add(t, ", known to ±");
	text_add_ns(t, c->error_ns);
	/* What lies far from any request is known less well. */
	if (far / 2 > c->error_ns) {
		text_add(t, " while there are requests and ±");
		text_add_ns(t, far);
		text_add(t, " elsewhere");
	}
	text_printf(t, ", from %s pairs of moments", text_count(n, c->bounds));
}

static void note(const struct align *a)
{
	const struct pairing *p = &a->pairing;
	struct text t = { 0 };

	text_printf(&t, "The clock of %.150s was ", a->guest_name);
	note_offset(&p->clock, &t);
	note_error(a, &t);
	if (p->guest_domid != p->host_domid)
		text_printf(&t, "; its domain %u is %u here", p->guest_domid,
			    p->host_domid);
	if (p->rivals)
		text_printf(&t,
			    "; %u other offset%s would fit as well, this one "
			    "moves it least",
			    p->rivals, p->rivals == 1 ? "" : "s");
	if (p->strays)
		text_printf(&t,
			    "; %u of its connections would fit only at another "
			    "time: was a clock set meanwhile?",
			    p->strays);
	snprintf(a->host->aligned, sizeof(a->host->aligned), "%s",
		 text_str(&t));
	text_free(&t);
}

static void note_damage(const struct align *a)
{
	const char *theirs = a->guest->damage;
	char *ours = a->host->damage;

	if (*theirs && !*ours)
		snprintf(ours, sizeof(a->host->damage), "%.150s: %.340s",
			 a->guest_name, theirs);
}

/* ---- all of it ---------------------------------------------------------- */

static void common_time(const struct align *a)
{
	const struct trace_log *h = a->host, *g = a->guest;
	int64_t from = h->rec[0].t_ns, to = h->rec[h->n - 1].t_ns;

	if (g->rec[0].t_ns > from)
		from = g->rec[0].t_ns;
	if (g->rec[g->n - 1].t_ns < to)
		to = g->rec[g->n - 1].t_ns;
	a->host->common_from_ns = from;
	a->host->common_to_ns = to;
}

int align_logs(struct trace_log *host, struct trace_log *guest,
	       const char *host_name, const char *guest_name, struct why *why)
{
	struct align a = { .host = host,
			   .guest = guest,
			   .host_name = host_name,
			   .guest_name = guest_name,
			   .why = why };
	int rc = find(&a);

	if (!rc) {
		note(&a);
		note_damage(&a);
		move_all(&a);
		common_time(&a);
		rc = log_merge(host, guest);
		if (rc)
			why_set(why, rc, "no memory for %s and %s together",
				host_name, guest_name);
	}
	pairing_free(&a.pairing);
	conns_free(&a.front);
	conns_free(&a.back);
	return rc;
}
