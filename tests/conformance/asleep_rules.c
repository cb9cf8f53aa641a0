/* SPDX-License-Identifier: MIT */
/*
 * RG-30, RG-31: what happens in the moment in which a side falls asleep.  A
 * wake-up that is lost is a wait without end: in these cases nothing wakes a
 * backend but a notification, for a queue has a timer only as long as it keeps
 * grants, and no request here has any.
 */
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/conformance/peer.h"
#include "tests/conformance/step.h"

static struct req flush(void)
{
	return (struct req){ .op = FLUSH };
}

/* ---- two disks ----------------------------------------------------------- */

#define ENOUGH_NS 1000000000u
#define ENOUGH	  100u

/* One that is looked at, and another of the same ringsided, as its clock. */
struct pair {
	struct peer p, other;
};

static struct ring *pair_begin(struct pair *k)
{
	peer_begin(&k->p, 51712);
	peer_begin(&k->other, 51728);
	k->p.order = 2;
	peer_connect(&k->p);
	peer_connect(&k->other);
	settle(&k->p.ring[0]);
	return &k->p.ring[0];
}

static void pair_end(struct pair *k)
{
	peer_end(&k->other);
	peer_end(&k->p);
}

static bool answered(struct ring *r, uint32_t end)
{
	return index_get(r, RSP_PROD) == end;
}

static bool told(struct ring *r, uint32_t end)
{
	(void)end;
	return heard(r);
}

/*
 * Does it come without our doing anything?  Not if a good while passes, and the
 * other disk is served again and again: so ringsided runs, but this thread of
 * it sleeps.
 */
static bool comes(struct pair *k, bool (*it)(struct ring *r, uint32_t end),
		  uint32_t end)
{
	struct ring *r = &k->p.ring[0];
	uint64_t from = clock_now_ns();
	struct req q = flush();
	unsigned i = 0;

	while (!it(r, end)) {
		if (clock_now_ns() < from + ENOUGH_NS) {
			usleep(50);
			continue;
		}
		if (i++ == ENOUGH)
			return false;
		served(&k->other.ring[0], &q, 0);
	}
	return true;
}

static void comes_answer(struct pair *k, uint32_t end)
{
	must(comes(k, answered, end),
	     "RG-31: a wake-up was lost: request %u waits and the backend "
	     "sleeps, req_event is %u",
	     end - 1, index_get(&k->p.ring[0], REQ_EVENT));
}

/* ---- notified if it asked ------------------------------------------------ */

/* Notify as a good frontend does: only if the backend asks; true if so. */
static bool push_asked(struct ring *r, uint32_t old)
{
	bool asked;

	index_set(r, REQ_PROD, r->req_prod);
	asked = r->req_prod - index_get(r, REQ_EVENT) < r->req_prod - old;
	if (asked)
		notify(r);
	return asked;
}

static void rg_31(void)
{
	struct pair k;
	struct ring *r = pair_begin(&k); /* req_event is exactly the next one */
	struct req q = flush();
	unsigned i, j;

	for (i = 0; i < 3000; i++) {
		uint32_t old = r->req_prod;

		put(r, &q);
		push_asked(r, old);
		comes_answer(&k, r->req_prod);
		take(r);
		/* The next one at any moment of its falling asleep. */
		for (j = 0; j < i % 256; j++)
			index_get(r, REQ_EVENT);
	}
	settle(r);
	pair_end(&k);
}

/* ---- at the moment of a side's falling asleep -----------------------------
 */

#define MOMENTS 4000u /* at most, */
#define CLOSE	1000u /* or so many that were just before it */
#define BATCH	32u
#define STUCK	32u
#define ROOM	8000u /* steps: longer than a response takes */

/*
 * Both sides have to run at the same time.  A scheduler may let them take turns
 * on one processor, for as long as one wakes the other: then we go to another.
 * With a single processor there is little to be found.
 */
struct aim {
	cpu_set_t all;
	unsigned sign, steps, rounds, close, same;
	bool late;
	int cpu;
};

static struct aim aim_begin(void)
{
	struct aim a = { .cpu = 0 };

	must(!sched_getaffinity(0, sizeof(a.all), &a.all), "no processors");
	return a;
}

static bool aim_goes_on(struct aim *a)
{
	unsigned most = CPU_COUNT(&a->all) > 1 ? MOMENTS : MOMENTS / 8;

	return a->rounds++ < most && a->close < CLOSE;
}

static void aim_elsewhere(struct aim *a)
{
	cpu_set_t one;

	do
		a->cpu = (a->cpu + 1) % CPU_SETSIZE;
	while (!CPU_ISSET(a->cpu, &a->all));
	CPU_ZERO(&one);
	CPU_SET(a->cpu, &one);
	sched_setaffinity(0, sizeof(one), &one); /* it is a help, no more */
}

/*
 * The moment lasts some nanoseconds.  It is found by waiting, in steps of this
 * loop, from a sign that comes before it, and by learning from each try whether
 * it was too early or too late.
 */
static void pass(unsigned steps)
{
	unsigned i;

	for (i = 0; i < steps; i++)
		__asm__ volatile("" : : "r"(i));
}

/* Close is who was just too late, and now is not. */
static void aim_learn(struct aim *a, bool late)
{
	unsigned by = 1 + a->rounds * 7 % 32;

	a->close += a->late && !late;
	a->same = a->late == late ? a->same + 1 : 0;
	a->late = late;
	by <<= a->same / 8 < 6 ? a->same / 8 : 6;
	if (!late && a->steps >= ROOM && a->sign < BATCH - 1) {
		a->sign++;
		a->steps = 0;
	} else if (!late) {
		a->steps += a->steps < 100000 ? by : 0;
	} else if (late && a->steps < by && a->sign) {
		a->sign--;
		a->steps = ROOM;
	} else if (late) {
		a->steps -= a->steps < by ? a->steps : by;
	}
	if (late && a->same % STUCK == STUCK - 1)
		aim_elsewhere(a);
}

/* Flushes whose responses are told by the first byte of their slots. */
static void batch_put(struct ring *r, unsigned round)
{
	struct req q = flush();
	unsigned i;

	q.id = 0x10 + round % 64;
	for (i = 0; i < BATCH; i++)
		put(r, &q);
}

/*
 * The sign: a response of a batch is written, an early one, so that the others
 * follow, and then all are published: not too late for us, and no longer before
 * than need be.  Looks as closely as a processor can,
 * for a while; no system call, not even for the time, may stand between this
 * and what is done about it.
 */
static bool written(const struct ring *r, uint32_t idx, unsigned round)
{
	const volatile uint8_t *slot = slot_at(r, idx);
	unsigned i;

	for (i = 0; i < 200000; i++)
		if (*slot == 0x10 + round % 64)
			return true;
	return false;
}

/*
 * Requests that come when the backend has looked for the last time and not
 * yet asked to be notified: so nobody notifies, and it has to look once more.
 */
static void rg_31_asleep(void)
{
	struct pair k;
	struct ring *r = pair_begin(&k);
	struct aim a = aim_begin();

	batch_put(r, a.rounds);
	push_asked(r, 0);
	while (aim_goes_on(&a)) {
		uint32_t next = r->req_prod;

		batch_put(r, a.rounds); /* not published yet */
		if (!written(r, next - BATCH + a.sign, a.rounds - 1))
			comes_answer(&k, next);
		pass(a.steps);
		aim_learn(&a, push_asked(r, next));
		r->rsp_cons = next; /* take() would sleep */
	}
	comes_answer(&k, r->req_prod);
	settle(r);
	pair_end(&k);
}

static void by_chance(struct pair *k, void (*instead)(void))
{
	fputs("ringsided may not be stopped by this process, so the moment is "
	      "looked for by chance\n",
	      stderr);
	pair_end(k);
	instead();
}

/*
 * The same, and not by chance: the backend stands still behind the instruction
 * by which it asks to be notified.  A request that is published now was, for
 * all that the backend can know, published just before; so nobody notifies.
 */
static void rg_31_last_look(void)
{
	struct pair k;
	struct ring *r = pair_begin(&k);
	struct req q = flush();
	pid_t thread = step_begin(r);
	bool slept;

	if (!thread) {
		by_chance(&k, rg_31_asleep);
		return;
	}
	put(r, &q);
	push(r);
	slept = step_until_changed(thread, r, REQ_EVENT);
	put(r, &q);
	index_set(r, REQ_PROD, r->req_prod);
	step_end(thread);
	must(slept, "RG-31: the backend answered, or did not, and never asked "
		    "to be woken");
	comes_answer(&k, r->req_prod);
	while (r->rsp_cons != r->req_prod)
		take(r);
	settle(r);
	pair_end(&k);
}

/*
 * And the other way round: a frontend asks to be notified just when the
 * responses are published.  Either it sees them when it looks once more, or
 * the backend sees that it asked.
 */
static void rg_30_asleep(void)
{
	struct pair k;
	struct ring *r = pair_begin(&k);
	struct aim a = aim_begin();

	while (aim_goes_on(&a)) {
		uint32_t old = r->req_prod;
		bool sign, seen;

		batch_put(r, a.rounds);
		push_asked(r, old);
		sign = written(r, old + a.sign, a.rounds);
		pass(a.steps);
		index_set(r, RSP_EVENT, old + 1);
		seen = index_get(r, RSP_PROD) != old;
		if (sign)
			aim_learn(&a, seen);
		while (index_get(r, RSP_PROD) == old)
			must(comes(&k, told, old),
			     "RG-30: no notification of response %u, which the "
			     "frontend asked for",
			     old);
		while (r->rsp_cons != r->req_prod)
			take(r);
		heard(r);
	}
	pair_end(&k);
}

/*
 * Not by chance: it stands still behind the instruction that publishes.  Asked
 * for now, the response was, for all that the backend can know, asked for just
 * before, by a frontend that then saw none.
 */
static void rg_30_last_look(void)
{
	struct pair k;
	struct ring *r = pair_begin(&k);
	struct req q = flush();
	pid_t thread = step_begin(r);
	uint32_t old = r->rsp_cons;
	bool published;

	if (!thread) {
		by_chance(&k, rg_30_asleep);
		return;
	}
	index_set(r, RSP_EVENT, old); /* which went by: not asked */
	heard(r);
	put(r, &q);
	push(r);
	published = step_until_changed(thread, r, RSP_PROD);
	index_set(r, RSP_EVENT, old + 1);
	step_end(thread);
	must(published, "RG-30: no response was published");
	must(comes(&k, told, old + 1),
	     "RG-30: no notification of response %u, which the frontend asked "
	     "for",
	     old);
	take(r);
	settle(r);
	pair_end(&k);
}

const struct conf_case asleep_rules[] = {
	{ "RG-30 a response while the frontend falls asleep", rg_30_asleep,
	  NULL },
	{ "RG-30 a response asked for at the last moment", rg_30_last_look,
	  NULL },
	{ "RG-31 no wake-up is lost", rg_31, "--poll 0" },
	{ "RG-31 a request while the backend falls asleep", rg_31_asleep,
	  "--poll 0" },
	{ "RG-31 a request after the last look", rg_31_last_look, "--poll 0" },
	{ 0 }
};
