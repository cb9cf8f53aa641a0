/* SPDX-License-Identifier: MIT */
/* ringside lab watch: grade again whenever one of the lab's files is saved. */
#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "labs/engine/keep.h"
#include "labs/engine/tell.h"
#include "tool/commands.h"
#include "tool/lab_commands.h"
#include "tool/lab_tool.h"

#define PROGRAM "ringside lab watch"

/* A whole grade that takes longer is not what a person should wait for. */
#define LONG_S 2.0

/* Editors write a file in several steps. */
#define SETTLE_MS 40

struct watch {
	struct lab_tool_place place;
	bool all;
	bool once;
	struct grade_options grade;
	struct lab_work *work;
	int inotify, signals;
	uint64_t since_ns; /* of the save, or of our own start */
	char *failed;	   /* in the last round, if that was long; or NULL */
};

enum { OPT_ALL = 0x100, OPT_ONCE };

static const struct argp_option options[] = {
	{ "all", OPT_ALL, NULL, 0,
	  "tell about all checks that were not passed, not only the first", 0 },
	{ "once", OPT_ONCE, NULL, OPTION_HIDDEN, NULL, 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct watch *w = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &w->place;
		return 0;
	case OPT_ALL:
		w->all = w->grade.pictures = w->grade.all = true;
		w->grade.first = false;
		return 0;
	case OPT_ONCE:
		w->once = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "there is nothing to do with \"%s\"", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &lab_tool_place_argp, 0, NULL, 0 }, { 0 }
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.doc = "Grade whenever one of the lab's files is saved, until Ctrl-C.",
};

/* ---- a round ------------------------------------------------------------- */

static void round_tell(const struct watch *w, const struct grade *g)
{
	struct text said = { 0 };
	struct tell t = { &said, tell_colour_wanted(STDOUT_FILENO) };
	unsigned i;

	tell_build(&t, g);
	if (!g->has_code || g->build.made) {
		tell_list(&t, g);
		for (i = 0; i < g->expect->checks; i++) {
			if (g->check[i].state != GRADE_FAILED)
				continue;
			tell_check(&t, g, &g->check[i]);
			if (!w->all)
				break;
		}
	}
	tell_end(&t, g);
	fputs(text_str(&said), stdout);
	text_free(&said);
}

static double since(const struct watch *w)
{
	return (double)(clock_now_ns() - w->since_ns) / 1e9;
}

static void round_end(const struct watch *w)
{
	printf("Waiting for the next save (this answer took %.1f s); Ctrl-C "
	       "ends.\n",
	       since(w));
	fflush(stdout);
}

/* Which check to look at first the next time. */
static void round_note(struct watch *w, const struct grade *g)
{
	const struct grade_check *c = grade_first_failed(g);

	free(w->failed);
	w->failed = g->has_code && g->build.made && c && g->seconds > LONG_S
			    ? strdup(c->check->id)
			    : NULL;
}

/* By itself; a check that failed is all that is wanted now. */
static void round_one_tell(const struct watch *w, const struct grade *g)
{
	struct text said = { 0 };
	struct tell t = { &said, tell_colour_wanted(STDOUT_FILENO) };
	bool failed = g->check[0].state == GRADE_FAILED;

	tell_list(&t, g);
	if (failed)
		tell_check(&t, g, &g->check[0]);
	fputs(text_str(&said), stdout);
	text_free(&said);
	if (failed && !w->all)
		puts("The other checks wait for this one.");
	else
		printf("After %.1f s; now all checks.\n\n", since(w));
	fflush(stdout);
}

/*
 * The check that failed last, by itself: it is what was just worked at.  True
 * if there is nothing more to be said.
 */
static bool round_first(struct watch *w)
{
	struct grade_options o = w->grade;
	struct why why = { "" };
	struct grade *g;
	bool end;

	o.check = w->failed;
	if (grade_make(w->work, &o, &g, &why))
		return false;
	end = !g->build.made || (!w->all && g->check[0].state == GRADE_FAILED);
	if (g->build.made)
		round_one_tell(w, g);
	else
		round_tell(w, g);
	if (end)
		round_end(w);
	grade_free(g);
	return end;
}

static void round_all(struct watch *w)
{
	struct why why = { "" };
	struct grade *g = NULL;

	if (grade_make(w->work, &w->grade, &g, &why)) {
		printf("Not graded: %s\n", why.text);
		g = NULL;
	} else {
		round_tell(w, g);
		round_note(w, g);
	}
	round_end(w);
	/* LTTng takes its time to the end, and nobody waits for that. */
	grade_free(g);
}

static void round_run(struct watch *w)
{
	/* A terminal shows the last round only. */
	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[J", stdout);
	if (!w->failed || !round_first(w))
		round_all(w);
}

/* ---- saves --------------------------------------------------------------- */

static bool is_ours(const struct watch *w, const char *name)
{
	unsigned i;

	for (i = 0; i < w->work->lab->files; i++)
		if (!strcmp(w->work->lab->file[i], name))
			return true;
	return false;
}

/* All that has been saved by now; whether one of the lab's files is among. */
static bool saves_take(const struct watch *w)
{
	union {
		char room[8192];
		struct inotify_event align;
	} u;
	bool any = false;
	ssize_t n, at;

	while ((n = read(w->inotify, u.room, sizeof(u.room))) > 0) {
		const struct inotify_event *e;

		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const void *)(u.room + at);
			any |= e->len && is_ours(w, e->name);
		}
	}
	return any;
}

/* Until a save (true) or a signal. */
static bool saved(struct watch *w)
{
	struct pollfd fds[2] = { { .fd = w->inotify, .events = POLLIN },
				 { .fd = w->signals, .events = POLLIN } };
	bool any = false;
	int n;

	for (;;) {
		n = poll(fds, 2, any ? SETTLE_MS : -1);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && fds[1].revents)
			return false;
		if (n == 0)
			return true;
		if (!any)
			w->since_ns = clock_now_ns();
		any |= saves_take(w);
	}
}

static int watch_open(struct watch *w, struct why *why)
{
	sigset_t set;

	w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->inotify < 0 ||
	    inotify_add_watch(w->inotify, w->work->dir,
			      IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
		return why_set(why, -errno, "%s cannot be watched: %s",
			       w->work->dir, strerror(errno));
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return 0;
}

int lab_cmd_watch(int argc, char **argv)
{
	struct watch w = { .inotify = -1,
			   .grade = { .tool = tool_run, .first = true } };
	struct why why = { "" };
	struct lab_root *root;
	int err;

	w.since_ns = clock_now_ns();
	argp_parse(&argp, argc, argv, 0, NULL, &w);
	w.grade.trust = w.place.trust;
	keep_daemon("watch", argc, argv);
	err = lab_root_find(&root, &why);
	if (!err) {
		err = lab_work_open(root, w.place.dir, &w.work, &why);
		if (!err)
			err = watch_open(&w, &why);
	}
	if (err) {
		fprintf(stderr, PROGRAM ": %s\n", why.text);
		keep_end();
		return err == -ENOENT || err == -EINVAL ? 2 : 3;
	}
	do {
		round_run(&w);
	} while (!w.once && saved(&w));
	keep_end();
	free(w.failed);
	lab_work_free(w.work);
	lab_root_free(root);
	return 0;
}
