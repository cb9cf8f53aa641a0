/* SPDX-License-Identifier: MIT */
#include "labs/engine/grade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "labs/engine/child.h"
#include "labs/engine/confine.h"
#include "labs/engine/file.h"
#include "labs/engine/judge.h"
#include "labs/engine/trail.h"
#include "trace/record/dir.h"
#include "viz/read/ctf.h"

#define PICTURE_SECONDS 60

/* A larger trace is not left in a student's directory. */
#define KEEP_BYTES (128ull << 20)

#define PICTURE_ROWS "40"
#define PICTURE_END  ".svg"

struct grader {
	struct grade *g;
	const struct grade_options *o;
	struct why *why;
};

/* ---- the place to work in ------------------------------------------------ */

/* One grade at a time in a student's directory; another one is waited for. */
static int scratch_open(struct grader *r)
{
	const struct lab_work *work = r->g->work;
	struct grade *g = r->g;
	char *path = arena_printf(&g->arena, "%s/lock", work->meta);

	g->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (g->lock < 0)
		return why_set(r->why, -errno, "%s cannot be written: %s", path,
			       strerror(errno));
	while (flock(g->lock, LOCK_EX))
		if (errno != EINTR)
			return why_set(r->why, -errno, "%s: %s", path,
				       strerror(errno));
	g->scratch = arena_printf(&g->arena, "%s/run", work->meta);
	g->keep = r->o->keep;
	record_dir_remove(g->scratch);
	if (mkdir(g->scratch, 0755))
		return why_set(r->why, -errno, "%s cannot be made: %s",
			       g->scratch, strerror(errno));
	return lab_work_out_make(work, r->why);
}

static void scratch_close(struct grade *g)
{
	if (g->scratch && !g->keep)
		record_dir_remove(g->scratch);
	if (g->lock >= 0)
		close(g->lock);
}

/* ---- run and read -------------------------------------------------------- */

static void trace_keep(struct grader *r, const char *from)
{
	struct grade *g = r->g;
	char *to = arena_printf(&g->arena, "%s/trace", g->work->out);

	record_dir_remove(to);
	/* Of a program that emitted without an end. */
	g->too_large = record_dir_bytes(from) > KEEP_BYTES;
	if (g->too_large)
		return;
	g->trace = rename(from, to) ? NULL : to;
}

static int trace_read(struct grader *r, const char *path)
{
	struct why why = { "" };
	int err = ctf_read(path, &r->g->log, &why);

	/* Nothing at all was emitted: then each event is missing. */
	if (err == -ENODATA || err == -ENOENT)
		return 0;
	if (err)
		return why_set(r->why, err, "the trace cannot be read: %s",
			       why.text);
	return 0;
}

static int code_run(struct grader *r)
{
	struct grade *g = r->g;
	struct site *s = &g->site;
	int err;

	s->arena = &g->arena;
	s->lab = g->work->lab;
	s->build = &g->build;
	s->scratch = g->scratch;
	s->trust = r->o->trust;
	s->tool = r->o->tool;
	/* It starts while the compiler works. */
	err = site_record_begin(s, g->expect->level, r->why);
	if (!err && !s->trust)
		err = confine_possible(r->why);
	if (!err)
		err = build_make(&g->arena, g->work, g->scratch, s->trust,
				 &g->build, r->why);
	if (err || !g->build.made) {
		site_end(s, false, NULL);
		return err;
	}
	err = run_checks(s, g->expect, r->o->first, g->run, r->why);
	if (!err)
		err = trace_read(r, s->trace);
	if (!err && !r->o->quiet)
		trace_keep(r, s->trace);
	return err;
}

static bool has_code(const struct expect *e)
{
	unsigned i;

	for (i = 0; i < e->checks; i++)
		if (e->check[i].run != RUN_NONE)
			return true;
	return false;
}

/* ---- pictures ------------------------------------------------------------ */

/* A handshake's picture where the check is about states, else a sequence. */
static const char *picture_view(const struct grade_check *c)
{
	const char *about = c->check->rules ? c->check->rule[0] : "";
	bool states = !strncmp(about, "XB-", 3);

	if (c->focus)
		states = !strcmp(ev_descs[c->focus->item->event[0].kind].layer,
				 "xenbus");
	return states ? "handshake" : "sequence";
}

static bool drawn(const struct child *show)
{
	int status = 0;

	return !child_run(show, PICTURE_SECONDS, NULL, NULL, &status, NULL) &&
	       !status;
}

static void picture_draw(struct grader *r, struct grade_check *c)
{
	struct grade *g = r->g;
	struct arena *a = &g->arena;
	const char *view = picture_view(c);
	char *path = arena_printf(a, "%s/%s-%s" PICTURE_END, g->work->out,
				  c->check->id, view);
	char *argv[16] = { g->work->lab->root->ringside,
			   (char *)"show",
			   (char *)(uintptr_t)view,
			   (char *)(uintptr_t)g->trace,
			   (char *)"-o",
			   path,
			   (char *)"--device" };
	struct child child = CHILD_INIT;
	struct trail_place place;
	int n = 7;

	if (!trail_place(g, c, &place))
		return;
	argv[n++] = arena_printf(a, "%u/%u", place.domid, place.devid);
	child.argv = argv;
	child.program = r->o->tool;
	if (!strcmp(view, "sequence")) {
		argv[n++] = (char *)"--first";
		argv[n++] = (char *)PICTURE_ROWS;
		argv[n] = (char *)"--from";
		argv[n + 1] = arena_printf(
			a, "%lldns",
			(long long)(place.from_ns - g->log.rec[0].t_ns));
		if (drawn(&child)) {
			c->picture = path;
			return;
		}
		argv[n] = NULL; /* nothing is drawn from there on */
	}
	if (drawn(&child))
		c->picture = path;
}

static void pictures_draw(struct grader *r)
{
	unsigned i;

	for (i = 0; r->g->trace && i < r->g->expect->checks; i++) {
		struct grade_check *c = &r->g->check[i];

		if (c->state != GRADE_FAILED || !c->run->domids)
			continue;
		picture_draw(r, c);
		if (!r->o->pictures ||
		    (!r->o->all && grade_failed_at_once(r->g)))
			break;
	}
}

/* Those of an earlier grade are about other code. */
static void pictures_remove(struct grade *g)
{
	struct why why;
	char **names;
	unsigned i;

	if (file_names(g->work->out, &names, &why))
		return;
	for (i = 0; names[i]; i++) {
		const char *dot = strrchr(names[i], '.');

		if (dot && !strcmp(dot, PICTURE_END))
			unlink(arena_printf(&g->arena, "%s/%s", g->work->out,
					    names[i]));
	}
	free(names);
}

/* ---- the whole ----------------------------------------------------------- */

static int grade_work(struct grader *r)
{
	struct grade *g = r->g;
	char *path = r->o->expect ? strdup(r->o->expect)
				  : lab_path(g->work->lab, "expect.trace");
	int err;

	if (!path)
		return why_set(r->why, -ENOMEM, "out of memory");
	err = expect_load(path, &g->expect, r->why);
	free(path);
	if (!err && r->o->check)
		err = expect_only(g->expect, r->o->check, r->why);
	if (err)
		return err;
	g->run = arena_alloc(&g->arena, g->expect->checks * sizeof(*g->run));
	g->check =
		arena_alloc(&g->arena, g->expect->checks * sizeof(*g->check));
	g->has_code = has_code(g->expect);
	err = scratch_open(r);
	if (!err && !r->o->quiet)
		pictures_remove(g);
	if (!err && g->has_code)
		err = code_run(r);
	if (err)
		return err;
	judge_grade(g);
	pictures_draw(r);
	return 0;
}

int grade_make(const struct lab_work *work, const struct grade_options *o,
	       struct grade **out, struct why *why)
{
	uint64_t start = clock_now_ns();
	struct grade *g = calloc(1, sizeof(*g));
	struct grader r = { .g = g, .o = o, .why = why };
	int err;

	if (!g || log_init(&g->log) || log_init(&g->own)) {
		free(g);
		return why_set(why, -ENOMEM, "out of memory");
	}
	g->work = work;
	g->lock = -1;
	g->build.said = "";
	err = grade_work(&r);
	if (err) {
		grade_free(g);
		return err;
	}
	g->seconds = (double)(clock_now_ns() - start) / 1e9;
	*out = g;
	return 0;
}

void grade_free(struct grade *g)
{
	if (!g)
		return;
	site_record_close(&g->site);
	scratch_close(g);
	if (g->run)
		run_free(g->run, g->expect->checks);
	expect_free(g->expect);
	log_free(&g->log);
	log_free(&g->own);
	arena_free(&g->arena);
	free(g);
}

bool grade_failed_at_once(const struct grade *g)
{
	return g->expect->checks && g->check[0].state == GRADE_FAILED;
}

const struct grade_check *grade_first_failed(const struct grade *g)
{
	unsigned i;

	for (i = 0; i < g->expect->checks; i++)
		if (g->check[i].state != GRADE_PASSED)
			return &g->check[i];
	return NULL;
}
