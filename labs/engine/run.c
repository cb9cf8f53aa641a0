/* SPDX-License-Identifier: MIT */
#include "labs/engine/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/asleep.h"
#include "base/clock.h"
#include "labs/engine/cases.h"
#include "labs/engine/child.h"
#include "labs/engine/judge.h"
#include "labs/engine/report.h"

#define DOMID_MIN     1000u
#define DOMID_MAX     30000u
#define DISK_MIB_MIN  8u
#define DISK_MIB_MAX  24u
#define HANGS_MAX     2u
#define TOOL_SECONDS  40  /* for what does not wait for the student's */
#define SETTLE_LOOKS  20u /* in a row that see the same */
#define ENDED_WAIT_NS 300000000ull

struct runner {
	struct site *s;
	const struct expect *e;
	struct run_check *out;
	struct why *why;
	unsigned hangs;
	bool first; /* the first that fails is the last */
	bool enough;
	uint64_t ended_ns; /* when the daemon was seen dead, in a check */
};

static unsigned random_below(unsigned n)
{
	unsigned v = 0;

	if (getrandom(&v, sizeof(v), 0) < 0)
		v = (unsigned)clock_now_ns();
	return v % n;
}

/* ---- the tool ------------------------------------------------------------ */

static char register_long[] = "LTTNG_UST_REGISTER_TIMEOUT=60000";
static char *const traced[] = { register_long, NULL };

/* "ringside ARG... " on this desk; `more` may be NULL. */
static char **tool_argv(struct runner *r, const char *const *args,
			const struct words *more)
{
	struct arena *a = r->s->arena;
	char **w;
	unsigned n = 0, i;

	for (i = 0; args[i]; i++)
		;
	w = arena_alloc(a, sizeof(*w) * (i + 2 + (more ? more->count : 0)));
	w[n++] = r->s->lab->root->ringside;
	for (i = 0; args[i]; i++)
		w[n++] = arena_text(a, args[i]);
	for (i = 0; more && i < more->count; i++)
		w[n++] = more->word[i];
	return w;
}

static struct json_object *desk_status(struct runner *r)
{
	const char *const args[] = { "desk", "status", "--json", r->s->desk,
				     NULL };
	struct child c = CHILD_INIT;
	struct text said = { 0 };
	struct json_object *o = NULL;
	int status = 0;

	c.argv = tool_argv(r, args, NULL);
	c.program = r->s->tool;
	if (!child_run(&c, TOOL_SECONDS, &said, NULL, &status, NULL) && !status)
		o = json_tokener_parse(text_str(&said));
	text_free(&said);
	return o;
}

static int attach(struct runner *r, const char *domid)
{
	char *target = arena_printf(
		r->s->arena, "mem:%uM",
		DISK_MIB_MIN + random_below(DISK_MIB_MAX - DISK_MIB_MIN));
	const char *const args[] = {
		"attach",   r->s->desk, "--domid",   domid,
		"--target", target,	"--no-wait", NULL
	};
	struct child c = CHILD_INIT;
	struct text said = { 0 };
	int status = 0, err;

	c.argv = tool_argv(r, args, NULL);
	c.program = r->s->tool;
	err = child_run(&c, TOOL_SECONDS, NULL, &said, &status, r->why);
	if (!err && status)
		err = why_set(r->why, -EIO, "a disk cannot be attached: %.*s",
			      (int)strcspn(text_str(&said), "\n"),
			      text_str(&said));
	text_free(&said);
	return err;
}

static void detach(struct runner *r, const char *domid)
{
	const char *const args[] = { "detach", r->s->desk, "--domid", domid,
				     "--vdev", "xvda",	   NULL };
	struct child c = CHILD_INIT;
	int status = 0;

	c.argv = tool_argv(r, args, NULL);
	c.program = r->s->tool;
	child_run(&c, TOOL_SECONDS, NULL, NULL, &status, NULL);
}

/* ---- one check of a frontend --------------------------------------------- */

/* A frontend waits long for a backend that will not come back. */
static bool front_tick(void *data)
{
	struct runner *r = data;

	if (site_floods(r->s)) {
		site_daemon_kill(r->s, SITE_FLOODS);
		return false;
	}
	if (site_daemon_lives(r->s))
		return true;
	if (!r->ended_ns)
		r->ended_ns = clock_now_ns();
	return clock_now_ns() - r->ended_ns < ENDED_WAIT_NS;
}

/* The first sentence, without the program's name. */
static const char *sentence(struct arena *a, const struct text *said)
{
	static const char name[] = "ringside front: ";
	const char *at = text_str(said);

	if (!strncmp(at, name, sizeof(name) - 1))
		at += sizeof(name) - 1;
	return arena_printf(a, "%.*s", (int)strcspn(at, "\n"), at);
}

static bool has_item(const struct expect_check *c, enum expect_kind kind)
{
	unsigned i;

	for (i = 0; i < c->items; i++)
		if (c->item[i].kind == kind)
			return true;
	return false;
}

/* By the frontend's own words. */
static bool spins(const struct text *said)
{
	return strstr(text_str(said), asleep_words(ASLEEP_SPINS));
}

static void front_hung(struct runner *r, struct run_check *out,
		       const char *words)
{
	r->hangs++;
	site_daemon_hung(r->s, words);
	out->ended = r->s->ended;
}

static void front_run(struct runner *r, const struct expect_check *check,
		      struct run_check *out, const char *domid)
{
	unsigned limit = r->s->lab->limit.seconds;
	const char *seconds = arena_printf(r->s->arena, "%u", limit);
	const char *pid = arena_printf(r->s->arena, "%d", (int)r->s->daemon);
	const char *const args[] = { "front",	  r->s->desk, "--domid",
				     domid,	  "--json",   "--quiet",
				     "--timeout", seconds,    "--backend-pid",
				     pid,	  NULL };
	uint64_t start = clock_now_ns();
	struct child c = CHILD_INIT;
	struct text said = { 0 }, bad = { 0 };
	int status = 0, err;

	c.argv = tool_argv(r, args, &check->args);
	c.env = traced;
	c.tick = front_tick;
	c.data = r;
	r->ended_ns = 0;
	err = child_run(&c, limit + 30, &said, &bad, &status, NULL);
	out->front = said.len ? json_tokener_parse(said.data) : NULL;
	out->front_said = sentence(r->s->arena, &bad);
	out->front_code = !err && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (!site_daemon_lives(r->s))
		out->ended = r->s->ended;
	else if (spins(&bad))
		front_hung(r, out,
			   "it was stopped: it computed without an end while "
			   "the frontend waited for it");
	else if (err == -ETIME ||
		 (out->front_code &&
		  clock_now_ns() - start > limit * 900000000ull))
		front_hung(r, out,
			   arena_printf(r->s->arena,
					"it was stopped: the frontend waited "
					"for it more than %u s",
					limit));
	text_free(&said);
	text_free(&bad);
}

/* A process's end may be noticed a moment later: look while it changes. */
static void desk_settle(struct runner *r, const struct expect_check *check,
			struct run_check *out)
{
	struct json_object *now;
	unsigned same = 0;

	do {
		now = desk_status(r);
		same = json_object_equal(now, out->desk[1]) ? same + 1 : 0;
		json_object_put(out->desk[1]);
		out->desk[1] = now;
	} while (!report_desk_holds(out, check) && same < SETTLE_LOOKS);
}

static int check_front(struct runner *r, unsigned i, uint16_t domid)
{
	const struct expect_check *check = &r->e->check[i];
	struct run_check *out = &r->out[i];
	const char *number = arena_printf(r->s->arena, "%u", domid);
	bool desk = has_item(check, EXPECT_DESK);
	int err;

	out->domid = arena_alloc(r->s->arena, sizeof(*out->domid));
	out->domid[out->domids++] = domid;
	if (desk)
		out->desk[0] = desk_status(r);
	err = attach(r, number);
	if (err)
		return err;
	out->tried = true;
	front_run(r, check, out, number);
	if (desk && site_daemon_lives(r->s))
		detach(r, number);
	if (desk)
		desk_settle(r, check, out);
	r->enough |= r->first && judge_failed_already(r->s->arena, check, out);
	return 0;
}

/* ---- all of them --------------------------------------------------------- */

static bool same_options(const struct words *a, const struct words *b)
{
	unsigned i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++)
		if (strcmp(a->word[i], b->word[i]) != 0)
			return false;
	return true;
}

/* Its own ringsided did not even start: then this check was tried, too. */
static void not_started(struct runner *r, unsigned i)
{
	r->out[i].tried = true;
	r->out[i].front_code = -1;
	r->out[i].front_said = "";
	r->out[i].ended = r->s->ended;
	r->hangs++;
	r->enough |= r->first;
}

/* All checks that want what check `first` wants, by one ringsided. */
static int phase(struct runner *r, unsigned first, uint16_t domid, bool *done)
{
	const struct words *options = &r->e->check[first].options;
	unsigned i, last = first;
	int err = 0;

	for (i = first; i < r->e->checks && !err; i++) {
		if (done[i] || r->e->check[i].run != RUN_FRONT)
			continue;
		if (!same_options(options, &r->e->check[i].options)) {
			if (r->first)
				break;
			continue;
		}
		done[i] = true;
		if (r->enough) {
			r->out[i].untried = RUN_FIRST_ONLY;
			continue;
		}
		if (r->hangs >= HANGS_MAX) {
			r->out[i].untried = "two checks before hung";
			continue;
		}
		last = i;
		if (!site_daemon_lives(r->s))
			err = site_daemon_start(r->s, options, r->why);
		if (err == -ECHILD) {
			not_started(r, i);
			err = 0;
			continue;
		}
		if (!err)
			err = check_front(r, i, (uint16_t)(domid + i));
	}
	if (!site_daemon_lives(r->s))
		return err;
	site_daemon_stop(r->s);
	if (r->s->ended && !r->out[last].ended)
		r->out[last].ended = r->s->ended;
	return err;
}

static int fronts_run(struct runner *r, uint16_t domid)
{
	bool *done = arena_alloc(r->s->arena, r->e->checks * sizeof(*done) + 1);
	bool any = false;
	unsigned i;
	int err;

	for (i = 0; i < r->e->checks; i++)
		any |= r->e->check[i].run == RUN_FRONT;
	if (!any)
		return 0;
	err = site_desk_start(r->s, r->why);
	for (i = 0; i < r->e->checks && !err; i++)
		if (!done[i] && r->e->check[i].run == RUN_FRONT)
			err = phase(r, i, domid, done);
	return err;
}

/* Those that nobody will try. */
static void cases_untried(struct runner *r, const char *reason)
{
	unsigned i;

	for (i = 0; i < r->e->checks; i++)
		if (r->e->check[i].run == RUN_CASE)
			r->out[i].untried = reason;
}

int run_checks(struct site *s, const struct expect *e, bool first,
	       struct run_check *out, struct why *why)
{
	uint16_t domid =
		(uint16_t)(DOMID_MIN + random_below(DOMID_MAX - DOMID_MIN));
	struct runner r = {
		.s = s, .e = e, .first = first, .out = out, .why = why
	};
	int err = site_record_wait(s, why);

	if (!err)
		err = fronts_run(&r, domid);
	if (r.enough)
		cases_untried(&r, RUN_FIRST_ONLY);
	else if (r.hangs >= HANGS_MAX)
		cases_untried(&r, "two checks before hung");
	else if (!err)
		err = cases_run(s, e, (uint16_t)(domid + 1000), first, out,
				why);
	if (err)
		site_end(s, false, NULL);
	else
		err = site_end(s, true, why);
	return err;
}

void run_free(struct run_check *r, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		json_object_put(r[i].front);
		json_object_put(r[i].desk[0]);
		json_object_put(r[i].desk[1]);
	}
}
