/* SPDX-License-Identifier: MIT */
#include "viz/read/pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "viz/guard.h"

#define NONE UINT32_MAX

/* Beginnings that are tried: so many of the guest's, so many in all. */
#define ANCHORS	   8u
#define TRIALS_MAX 256u

/* How long a request may take where it must bound the offset alone. */
#define HALF_SLACK_NS 10000000

struct search {
	const struct conns *guest, *host;
	uint32_t anchor[ANCHORS]; /* the guest's largest connections */
	uint32_t anchors;
	/* Of each trial: what the anchors turned out to be. */
	uint32_t seen[TRIALS_MAX][ANCHORS];
	uint32_t trials;
	/* Of the trial at hand. */
	uint32_t *of_guest;  /* the host's connection, or NONE */
	uint32_t *of_host;   /* the guest's */
	int64_t *overlap_ns; /* of these two, by the host's */
};

void pairing_free(struct pairing *p)
{
	corridor_free(&p->clock);
}

/* ---- two connections ---------------------------------------------------- */

/*
 * Walk both by their indices, which are compared as they run free.  What is
 * the same request counts for the two, what is not against them; and bounds
 * the offset, if there is a clock to bound.
 */
static int walk(const struct conn *g, const struct conn *h, unsigned what,
		int64_t *score, struct corridor *clock)
{
	const struct mark *a = g->mark[what], *b = h->mark[what];
	uint32_t i = 0, k = 0;
	int32_t ahead;
	int rc = 0;

	while (!rc && i < g->n[what] && k < h->n[what]) {
		ahead = (int32_t)(a[i].idx - b[k].idx);
		if (!ahead && a[i].print == b[k].print) {
			*score += 1;
			if (clock)
				rc = corridor_add(clock, what == MARK_REQUEST,
						  a[i].t_ns,
						  b[k].t_ns - a[i].t_ns);
		} else if (!ahead) {
			*score -= 1;
		}
		i += ahead <= 0;
		k += ahead >= 0;
	}
	return rc;
}

static int64_t score_of(const struct conn *g, const struct conn *h)
{
	int64_t score = 0;

	(void)walk(g, h, MARK_REQUEST, &score, NULL);
	(void)walk(g, h, MARK_RESPONSE, &score, NULL);
	return score;
}

static int bound(const struct conn *g, const struct conn *h,
		 struct corridor *clock)
{
	int64_t score = 0;
	int rc = walk(g, h, MARK_REQUEST, &score, clock);

	return rc ? rc : walk(g, h, MARK_RESPONSE, &score, clock);
}

/* ---- all connections, once the clock is known about --------------------- */

static uint64_t key_at_host(const struct pairing *p, uint64_t key)
{
	if (key >> CONN_DOMID_SHIFT != p->guest_domid)
		return key;
	return (uint64_t)p->host_domid << CONN_DOMID_SHIFT |
	       (key & CONN_REST_MASK);
}

/* How far the clock may be wrong at the time of a connection. */
static int64_t slack_at(const struct corridor *clock, const struct conn *g)
{
	double up = clock->rate_max - clock->rate;
	double down = clock->rate - clock->rate_min, far = 0;

	if (g->from_ns < clock->from_ns)
		far = (double)(clock->from_ns - g->from_ns);
	if (g->to_ns > clock->to_ns && (double)(g->to_ns - clock->to_ns) > far)
		far = (double)(g->to_ns - clock->to_ns);
	far *= up > down ? up : down;
	return (int64_t)far + (clock->error_ns < HALF_SLACK_NS ? clock->error_ns
							       : HALF_SLACK_NS);
}

/* The host's connection that was there when this one was. */
static uint32_t partner(const struct search *s, const struct pairing *p,
			const struct corridor *guess, const struct conn *g,
			int64_t *overlap_ns)
{
	int64_t from = g->from_ns + corridor_at(guess, g->from_ns);
	int64_t to = g->to_ns + corridor_at(guess, g->to_ns);
	int64_t slack = slack_at(guess, g), common;
	uint64_t key = key_at_host(p, g->key);
	uint32_t k, best = NONE;

	for (k = conns_find(s->host, key); k < s->host->n; k++) {
		const struct conn *h = &s->host->conn[k];

		if (h->key != key || h->from_ns > to + slack)
			break;
		if (h->to_ns < from - slack)
			continue;
		common = (h->to_ns < to ? h->to_ns : to) -
			 (h->from_ns > from ? h->from_ns : from);
		if ((best != NONE && common <= *overlap_ns) ||
		    score_of(g, h) <= 0)
			continue;
		best = k;
		*overlap_ns = common;
	}
	return best;
}

/* Each connection has one partner at most: who was there longer. */
static void lay(struct search *s, const struct pairing *p,
		const struct corridor *guess)
{
	int64_t overlap = 0;
	uint32_t i, k;

	for (k = 0; k < s->host->n; k++)
		s->of_host[k] = NONE;
	for (i = 0; i < s->guest->n; i++) {
		guard_progress("connections paired", i);
		s->of_guest[i] = NONE;
		k = partner(s, p, guess, &s->guest->conn[i], &overlap);
		if (k == NONE)
			continue;
		if (s->of_host[k] != NONE) {
			if (s->overlap_ns[k] >= overlap)
				continue;
			s->of_guest[s->of_host[k]] = NONE;
		}
		s->of_guest[i] = k;
		s->of_host[k] = i;
		s->overlap_ns[k] = overlap;
	}
}

/* ---- a beginning, tried ------------------------------------------------- */

static int gather(const struct search *s, struct pairing *p)
{
	uint32_t i;
	int rc = 0;

	for (i = 0; !rc && i < s->guest->n; i++) {
		if (s->of_guest[i] == NONE)
			continue;
		p->conns++;
		rc = bound(&s->guest->conn[i], &s->host->conn[s->of_guest[i]],
			   &p->clock);
	}
	return rc ? rc : corridor_fit(&p->clock);
}

/* 0 and the other results of pair_find(). */
static int try(struct search *s, uint32_t anchor, uint32_t at,
	       struct pairing *p)
{
	const struct conn *g = &s->guest->conn[s->anchor[anchor]];
	const struct conn *h = &s->host->conn[at];
	uint32_t *seen = s->seen[s->trials++], i;
	struct corridor guess = { 0 };
	int rc;

	memset(p, 0, sizeof(*p));
	p->guest_domid = (uint16_t)(g->key >> CONN_DOMID_SHIFT);
	p->host_domid = (uint16_t)(h->key >> CONN_DOMID_SHIFT);
	rc = bound(g, h, &guess);
	if (!rc)
		rc = corridor_fit(&guess);
	for (i = 0; i < ANCHORS; i++)
		seen[i] = NONE;
	seen[anchor] = at;
	if (rc && rc != -ENODATA) {
		p->conns = 1;
		p->clock = guess;
		return rc;
	}
	lay(s, p, &guess);
	corridor_free(&guess);
	for (i = 0; i < s->anchors; i++)
		if (s->of_guest[s->anchor[i]] != NONE)
			seen[i] = s->of_guest[s->anchor[i]];
	return gather(s, p);
}

static bool was_seen(const struct search *s, uint32_t anchor, uint32_t at)
{
	uint32_t i;

	for (i = 0; i < s->trials; i++)
		if (s->seen[i][anchor] == at)
			return true;
	return false;
}

static int64_t moved(const struct pairing *p)
{
	int64_t by = corridor_at(&p->clock, p->clock.from_ns);

	return by < 0 ? -by : by;
}

/* Two that fit equally well, and do not mean the same. */
static bool rivals(const struct pairing *a, const struct pairing *b)
{
	int64_t apart = corridor_at(&a->clock, a->clock.from_ns) -
			corridor_at(&b->clock, a->clock.from_ns);

	if (apart < 0)
		apart = -apart;
	return a->clock.bounds == b->clock.bounds &&
	       apart > a->clock.error_ns + b->clock.error_ns;
}

/* Keep the better one; *rc is the result of *best, -ENOENT where none is. */
static void choose(struct pairing *best, int *rc, struct pairing *p, int new_rc)
{
	bool both = !*rc && !new_rc, better;
	unsigned n = 0;

	if (*rc == -ENOENT)
		better = true;
	else if (!*rc != !new_rc)
		better = !new_rc;
	else if (p->clock.bounds != best->clock.bounds)
		better = p->clock.bounds > best->clock.bounds;
	else
		better = both && moved(p) < moved(best);
	if (both && rivals(best, p))
		n = best->rivals + 1;
	if (better) {
		pairing_free(best);
		*best = *p;
		*rc = new_rc;
	} else {
		pairing_free(p);
	}
	best->rivals = n > best->rivals ? n : best->rivals;
}

/* ---- the search --------------------------------------------------------- */

static uint32_t size_of(const struct conn *c)
{
	return c->n[0] + c->n[1];
}

/* The largest ones tell most; insert by falling size into a short list. */
static void find_anchors(struct search *s)
{
	const struct conn *conn = s->guest->conn;
	uint32_t i, k;

	for (i = 0; i < s->guest->n; i++) {
		k = s->anchors;
		if (k == ANCHORS &&
		    size_of(&conn[i]) <= size_of(&conn[s->anchor[k - 1]]))
			continue;
		if (k < ANCHORS)
			s->anchors++;
		else
			k--;
		for (;
		     k && size_of(&conn[s->anchor[k - 1]]) < size_of(&conn[i]);
		     k--)
			s->anchor[k] = s->anchor[k - 1];
		s->anchor[k] = i;
	}
}

static bool knows_domid(const struct conns *host, uint64_t domid)
{
	uint32_t i = conns_find(host, domid << CONN_DOMID_SHIFT);

	return i < host->n && host->conn[i].key >> CONN_DOMID_SHIFT == domid;
}

static int search_anchor(struct search *s, uint32_t anchor,
			 struct pairing *best, int rc)
{
	const struct conn *g = &s->guest->conn[s->anchor[anchor]];
	bool known = knows_domid(s->host, g->key >> CONN_DOMID_SHIFT);
	struct pairing p;
	int new_rc;
	uint32_t k;

	for (k = 0; k < s->host->n && s->trials < TRIALS_MAX; k++) {
		uint64_t differs = s->host->conn[k].key ^ g->key;

		if (known ? differs : differs & CONN_REST_MASK)
			continue;
		if (was_seen(s, anchor, k) ||
		    score_of(g, &s->host->conn[k]) <= 0)
			continue;
		new_rc = try(s, anchor, k, &p);
		if (new_rc == -ENOMEM) {
			pairing_free(&p);
			return new_rc;
		}
		choose(best, &rc, &p, new_rc);
	}
	return rc;
}

/* As a clock leaves them that was set between two connections. */
static void count_strays(struct search *s, struct pairing *p)
{
	const struct conns *host = s->host;
	uint32_t i, k;

	lay(s, p, &p->clock);
	for (i = 0; i < s->guest->n; i++) {
		const struct conn *g = &s->guest->conn[i];
		uint64_t key = key_at_host(p, g->key);

		if (s->of_guest[i] != NONE)
			continue;
		for (k = conns_find(host, key);
		     k < host->n && host->conn[k].key == key; k++)
			if (s->of_host[k] == NONE &&
			    score_of(g, &host->conn[k]) > 0) {
				p->strays++;
				break;
			}
	}
}

int pair_find(const struct conns *guest, const struct conns *host,
	      struct pairing *out)
{
	struct search s = { .guest = guest, .host = host };
	uint32_t i;
	int rc = -ENOENT;

	memset(out, 0, sizeof(*out));
	s.of_guest = malloc((guest->n + 1) * sizeof(*s.of_guest));
	s.of_host = malloc((host->n + 1) * sizeof(*s.of_host));
	s.overlap_ns = malloc((host->n + 1) * sizeof(*s.overlap_ns));
	if (!s.of_guest || !s.of_host || !s.overlap_ns)
		rc = -ENOMEM;
	find_anchors(&s);
	for (i = 0; rc != -ENOMEM && i < s.anchors; i++)
		rc = search_anchor(&s, i, out, rc);
	if (!rc)
		count_strays(&s, out);
	free(s.of_guest);
	free(s.of_host);
	free(s.overlap_ns);
	return rc;
}
