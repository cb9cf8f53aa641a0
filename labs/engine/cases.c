/* SPDX-License-Identifier: MIT */
#include "labs/engine/cases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "labs/engine/child.h"

/* After so many that wait in vain nothing more is tried. */
#define HANGS "2"

struct cases {
	struct site *s;
	struct run_case **list; /* all that are wanted */
	unsigned n;
	struct run_case *last; /* that was begun */
	const char *untried;   /* why some of them were not */
	unsigned crashes;      /* told of so far */
	const char *log;
	bool first; /* the first that fails is the last */
};

static bool tick(void *data)
{
	struct cases *k = data;

	return !site_floods(k->s);
}

/* ---- what it said -------------------------------------------------------- */

static struct run_case *case_find(struct cases *k, const char *name)
{
	unsigned i;

	for (i = 0; i < k->n; i++)
		if (!strcmp(k->list[i]->name, name))
			return k->list[i];
	return NULL;
}

static void case_wanted(struct cases *k, const char *name)
{
	struct run_case *c = arena_alloc(k->s->arena, sizeof(*c));

	c->name = arena_text(k->s->arena, name);
	k->list = arena_grow(k->s->arena, k->list, k->n,
			     sizeof(struct run_case *));
	k->list[k->n++] = c;
}

static void case_begun(struct cases *k, const char *rest)
{
	char *name;
	unsigned long domid = strtoul(rest, &name, 10);
	struct run_case *c = case_find(k, name + (*name == ' '));

	if (!c)
		return;
	c->domid = (uint16_t)domid;
	c->said = "it did not come to an end";
	k->last = c;
}

/* Wait statuses are for programs; a person gets the signal and the line. */
static const char *said_words(struct cases *k, const char *said)
{
	static const char mark[] = "ringsided ended, wait status ";
	const char *at = strstr(said, mark);
	unsigned status;

	if (!at)
		return arena_text(k->s->arena, said);
	status = (unsigned)strtoul(at + sizeof(mark) - 1, NULL, 16);
	return arena_printf(
		k->s->arena, "your ringsided: %s",
		site_end_words(k->s, (int)status, k->log,
			       WIFSIGNALED(status) ? k->crashes++ : 0));
}

/*
 * "ringsided OPTIONS, at its start: ...", or "at its end" or "again": with that
 * all is over.  Without a case that was begun for it, it is the next one's.
 */
static void ringsided_failed(struct cases *k, const char *when, const char *why)
{
	struct run_case *c = k->last;
	const char *said = said_words(k, why);
	unsigned i;

	k->untried = arena_printf(k->s->arena,
				  "your ringsided could not go on (%s)", said);
	if (strstr(when, "at its start")) {
		for (i = 0; i < k->n && k->list[i]->said; i++)
			;
		c = i < k->n ? k->list[i] : c;
	}
	if (!c || (c->said && !c->ok)) /* it has its own reason */
		return;
	c->ok = false;
	c->said = said;
}

/* It had to be killed after that case. */
static void case_stuck(struct cases *k)
{
	const char *place = site_hang_place(k->s, k->log, k->crashes++);

	if (k->last && *place)
		k->last->said =
			arena_printf(k->s->arena, "%s; your ringsided hangs%s",
				     k->last->said, place);
}

/* "FAIL NAME: WHY"; names have no colon. */
static void case_failed(struct cases *k, char *rest)
{
	char *colon = strchr(rest, ':');
	struct run_case *c;

	if (!colon)
		return;
	*colon = '\0';
	c = case_find(k, rest);
	if (c)
		c->said = said_words(k, colon + 1 + (colon[1] == ' '));
	if (c && k->first)
		k->untried = RUN_FIRST_ONLY;
	if (!c && !strncmp(rest, "ringsided", 9))
		ringsided_failed(k, rest, colon + 1 + (colon[1] == ' '));
}

static void lines_take(struct cases *k, char *text)
{
	char *line, *save = NULL;
	struct run_case *c;

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "want ", 5)) {
			case_wanted(k, line + 5);
		} else if (!strncmp(line, "case ", 5)) {
			case_begun(k, line + 5);
		} else if (!strncmp(line, "STUCK", 5)) {
			case_stuck(k);
		} else if (!strncmp(line, "SKIP ", 5)) {
			k->untried = "two cases before hung";
		} else if (!strncmp(line, "FAIL ", 5)) {
			case_failed(k, line + 5);
		} else if (!strncmp(line, "ok   ", 5)) {
			c = case_find(k, line + 5);
			if (c)
				c->ok = true;
		}
	}
}

/* ---- who wants which ------------------------------------------------------
 */

static bool wants(const struct expect_check *c, const char *name)
{
	unsigned i;

	for (i = 0; i < c->args.count; i++)
		if (strstr(name, c->args.word[i]))
			return true;
	return false;
}

static void hand_out(struct cases *k, const struct expect_check *c,
		     struct run_check *r)
{
	struct arena *a = k->s->arena;
	unsigned i;

	for (i = 0; i < k->n; i++) {
		struct run_case *got = k->list[i];

		if (!wants(c, got->name))
			continue;
		r->kase = arena_grow(a, r->kase, r->kases,
				     sizeof(struct run_case *));
		r->kase[r->kases++] = got;
		r->untried = k->untried;
		r->tried |= got->said != NULL;
		if (!got->domid)
			continue;
		r->domid =
			arena_grow(a, r->domid, r->domids, sizeof(*r->domid));
		r->domid[r->domids++] = got->domid;
	}
}

static char **command(struct cases *k, const struct expect *e, uint16_t domid,
		      const char *script, unsigned *patterns)
{
	struct arena *a = k->s->arena;
	unsigned n = 0, i, j;
	char **w;

	*patterns = 0;
	for (i = 0; i < e->checks; i++)
		if (e->check[i].run == RUN_CASE)
			*patterns += e->check[i].args.count;
	w = arena_alloc(a, sizeof(*w) * (*patterns + 18));
	w[n++] = k->s->lab->root->frontends;
	w[n++] = arena_text(a, "--ringsided");
	w[n++] = arena_text(a, script);
	w[n++] = arena_text(a, "--patience");
	w[n++] = arena_printf(a, "%u", k->s->lab->limit.seconds);
	w[n++] = arena_text(a, "--domid");
	w[n++] = arena_printf(a, "%u", domid);
	w[n++] = arena_text(a, "--hangs");
	w[n++] = arena_text(a, HANGS);
	w[n++] = arena_text(a, "--log");
	w[n++] = arena_text(a, k->log);
	w[n++] = arena_text(a, "--look");
	if (k->first)
		w[n++] = arena_text(a, "--first");
	for (i = 0; i < e->checks; i++)
		for (j = 0;
		     e->check[i].run == RUN_CASE && j < e->check[i].args.count;
		     j++)
			w[n++] = e->check[i].args.word[j];
	return w;
}

int cases_run(struct site *s, const struct expect *e, uint16_t domid,
	      bool first, struct run_check *out, struct why *why)
{
	struct cases k = { .s = s, .first = first };
	struct child c = CHILD_INIT;
	struct text said = { 0 }, bad = { 0 };
	char *env[] = { arena_printf(s->arena, "TMPDIR=%s", s->scratch),
			(char *)"LTTNG_UST_REGISTER_TIMEOUT=60000", NULL };
	const char *script = arena_printf(s->arena, "%s/ringsided", s->scratch);
	unsigned patterns, i;
	int status = 0, err;

	k.log = arena_printf(s->arena, "%s/cases.log", s->scratch);
	c.argv = command(&k, e, domid, script, &patterns);
	if (!patterns)
		return 0;
	err = site_script_write(s, script, why);
	if (err)
		return err;
	c.env = env;
	c.tick = tick;
	c.data = &k;
	c.death_signal = 15;
	err = child_run(&c, (s->lab->limit.seconds + 30) * (patterns + 2),
			&said, &bad, &status, why);
	if (err && err != -ETIME && err != -ECANCELED)
		goto out;
	if (!err && WIFEXITED(status) && WEXITSTATUS(status) > 1) {
		err = why_set(why, -EINVAL,
			      "%s cannot be run, or knows none of the cases: "
			      "%.*s",
			      s->lab->root->frontends,
			      (int)strcspn(text_str(&bad), "\n"),
			      text_str(&bad));
		goto out;
	}
	if (err == -ETIME)
		k.untried = "the cases before took too long";
	if (said.len)
		lines_take(&k, said.data);
	if (!k.n && !err) {
		err = why_set(why, -EIO, "no case can be run: %.*s",
			      (int)strcspn(text_str(&said), "\n"),
			      text_str(&said));
		goto out;
	}
	if (err == -ECANCELED) {
		k.untried = "your ringsided could not go on";
		if (k.last)
			k.last->said = "your ringsided: " SITE_FLOODS;
	}
	err = 0;
	for (i = 0; i < e->checks; i++)
		if (e->check[i].run == RUN_CASE)
			hand_out(&k, &e->check[i], &out[i]);
out:
	text_free(&said);
	text_free(&bad);
	return err;
}
