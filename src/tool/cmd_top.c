/* SPDX-License-Identifier: MIT */
/*
 * ringside top: what the rings of a running ringsided do, live in a terminal
 * or as lines for scripts.  src/top/ has the parts: a sample, the rates
 * between two, and the two ways to show them.
 */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "tool/commands.h"
#include "tool/top_inside.h"
#include "top/batch.h"
#include "top/screen.h"

#define PROGRAM "ringside top"

#define INTERVAL_DEFAULT_S 1
#define STUCK_DEFAULT_S	   5

struct top_run {
	struct top_look look;
	bool batch, json;
	uint64_t count; /* of intervals; 0: until it is told to end */
	uint64_t interval_ns, stuck_ns;
	sigset_t asleep; /* the signals blocked while it waits */
	struct top_sample now, before;
	struct top_rates rates;
	struct inside inside;
	bool warned; /* of files that are no statistics */
};

enum { OPTION_STAGES = 256, OPTION_KERNEL };

static volatile sig_atomic_t ending;

static int complain(const char *text)
{
	fprintf(stderr, PROGRAM ": %s\n", text);
	return 1;
}

/* ---- samples ------------------------------------------------------------- */

/* The next sample, and the rates since the last one, if there was any. */
static int run_sample(struct top_run *t)
{
	bool first = !t->rates.rows;
	struct top_rates last = t->rates;
	int err;

	top_sample_free(&t->before);
	t->before = t->now;
	memset(&t->rates, 0, sizeof(t->rates));
	err = top_sample_read(t->look.dir, &t->now);
	if (!err)
		err = top_rates_make(first ? NULL : &t->before, &t->now,
				     first ? NULL : &last, t->stuck_ns,
				     &t->rates);
	if (!err)
		err = top_sort(&t->rates, t->look.sort, t->look.reverse);
	if (!err)
		err = inside_sample(&t->inside, t->now.daemon_pid);
	top_rates_free(&last);
	return err;
}

static void run_free(struct top_run *t)
{
	top_sample_free(&t->before);
	top_sample_free(&t->now);
	top_rates_free(&t->rates);
	inside_free(&t->inside);
}

/* ---- waiting ------------------------------------------------------------- */

static void on_end(int sig)
{
	(void)sig;
	ending = 1;
}

/*
 * Signals come while it waits and at no other time, so that none is missed.
 * Before ncurses, which leaves those alone that somebody else takes.
 */
static void signals_take(struct top_run *t)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_end };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		sigaddset(&set, ends[i]);
		sigaction(ends[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, &t->asleep);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigdelset(&t->asleep, ends[i]);
	sigdelset(&t->asleep, SIGWINCH);
}

/* Until then, a signal, or (if `keys`) a key. */
static void run_wait(struct top_run *t, uint64_t until_ns, bool keys)
{
	struct pollfd fd = { .fd = keys ? STDIN_FILENO : -1, .events = POLLIN };
	uint64_t now = clock_now_ns();
	uint64_t ns = until_ns > now ? until_ns - now : 0;
	struct timespec ts = { .tv_sec = (time_t)(ns / 1000000000u),
			       .tv_nsec = (long)(ns % 1000000000u) };

	ppoll(&fd, 1, &ts, &t->asleep);
	/* The terminal is gone. */
	if (fd.revents & (POLLHUP | POLLERR | POLLNVAL))
		ending = 1;
}

/* ---- lines --------------------------------------------------------------- */

static void word_tell(struct inside_word *w)
{
	if (w->fresh)
		complain(w->text);
	w->fresh = false;
}

/* What is not as it was wanted, once. */
static void batch_warn(struct top_run *t)
{
	if (t->now.broken && !t->warned) {
		t->warned = true;
		fprintf(stderr,
			PROGRAM ": %u of the files in %s are no statistics\n",
			t->now.broken, t->look.dir);
	}
	word_tell(&t->inside.stages_word);
	word_tell(&t->inside.calls_word);
}

static int batch_write(struct top_run *t)
{
	int err = 0;

	if (t->json)
		err = top_batch_json(stdout, &t->now, &t->rates,
				     &t->inside.shown);
	else
		top_batch_text(stdout, &t->now, &t->rates, &t->inside.shown);
	return fflush(stdout) || ferror(stdout) ? -errno : err;
}

static int run_batch(struct top_run *t)
{
	uint64_t next, n;
	int err = run_sample(t);

	if (err)
		return complain(strerror(-err));
	if (!t->now.daemon_pid) {
		fprintf(stderr,
			PROGRAM ": no ringsided runs in %s: give the directory "
				"of a desk, or that of its --stats\n",
			t->look.dir);
		return 2;
	}
	batch_warn(t);
	if (!t->json)
		top_batch_titles(stdout);
	next = t->now.at_ns;
	for (n = 0; !t->count || n < t->count; n++) {
		next += t->interval_ns;
		while (!ending && clock_now_ns() < next)
			run_wait(t, next, false);
		if (ending)
			break;
		err = run_sample(t);
		batch_warn(t);
		if (!err)
			err = batch_write(t);
		if (err)
			return complain(strerror(-err));
	}
	return 0;
}

/* ---- the screen ---------------------------------------------------------- */

static void run_draw(struct top_run *t)
{
	const struct inside_word *w = t->look.page == TOP_PAGE_KERNEL
					      ? &t->inside.calls_word
					      : &t->inside.stages_word;

	top_screen_draw(&t->look, &t->now, &t->rates, &t->inside.shown,
			w->text);
}

/* All keys that were pressed; true if a sample is wanted now. */
static bool run_keys(struct top_run *t)
{
	enum top_page page = t->look.page;
	bool now = false;
	enum top_key key;

	while ((key = top_screen_key(&t->look)) != TOP_KEY_NONE) {
		if (key == TOP_KEY_QUIT)
			ending = 1;
		if (key == TOP_KEY_NOW)
			now = true;
		top_sort(&t->rates, t->look.sort, t->look.reverse);
		run_draw(t);
	}
	/* Only who looks at it pays for it. */
	t->inside.want_stages = t->look.page == TOP_PAGE_STAGES;
	t->inside.want_calls = t->look.page == TOP_PAGE_KERNEL;
	return now || page != t->look.page;
}

static int run_screen(struct top_run *t)
{
	struct why why;
	uint64_t n;
	int err;

	if (top_screen_open(&why)) {
		complain(why.text);
		return 2;
	}
	for (n = 0; !ending; n++) {
		err = run_sample(t);
		if (err)
			break;
		run_draw(t);
		if (t->count && n >= t->count)
			break;
		do
			run_wait(t, t->now.at_ns + t->interval_ns, true);
		while (!run_keys(t) && !ending &&
		       clock_now_ns() < t->now.at_ns + t->interval_ns);
	}
	top_screen_close();
	return err ? complain(strerror(-err)) : 0;
}

/* ---- options ------------------------------------------------------------- */

static uint64_t seconds_parse(const char *text, double least,
			      struct argp_state *state)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end || !isfinite(s) || s < least || s > 3600)
		argp_error(state,
			   "\"%s\" is no number of seconds from %g to 3600",
			   text, least);
	return (uint64_t)(s * 1e9);
}

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
	struct top_run *t = state->input;

	switch (key) {
	case 'b':
		t->batch = true;
		return 0;
	case 'j':
		t->batch = t->json = true;
		return 0;
	case 'i':
		t->interval_ns = seconds_parse(arg, 0.1, state);
		return 0;
	case 'n':
		if (number_parse(arg, 1, UINT32_MAX, &t->count))
			argp_error(state, "\"%s\" is no number from 1", arg);
		return 0;
	case 's':
		if (top_sort_parse(arg, &t->look.sort))
			argp_error(state,
				   "\"%s\" is nothing to sort by: disk, iops, "
				   "mib, latency, ring or errors",
				   arg);
		return 0;
	case 'r':
		t->look.reverse = true;
		return 0;
	case 'k':
		t->stuck_ns = seconds_parse(arg, 0.1, state);
		return 0;
	case OPTION_STAGES:
		t->inside.want_stages = true;
		t->look.page = TOP_PAGE_STAGES;
		return 0;
	case OPTION_KERNEL:
		t->inside.want_calls = true;
		t->look.page = TOP_PAGE_KERNEL;
		return 0;
	case ARGP_KEY_ARG:
		if (t->look.dir)
			argp_error(state, "there is nothing to do with \"%s\"",
				   arg);
		t->look.dir = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_top(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "batch", 'b', NULL, 0, "print lines instead of a screen", 0 },
		{ "json", 'j', NULL, 0, "print each sample as a line of JSON",
		  0 },
		{ "interval", 'i', "SECONDS", 0,
		  "from one sample to the next (default: 1)", 0 },
		{ "count", 'n', "N", 0, "end after N intervals", 0 },
		{ "sort", 's', "KEY", 0,
		  "disk (default), iops, mib, latency, ring or errors", 0 },
		{ "reverse", 'r', NULL, 0, "sort the other way round", 0 },
		{ "stuck", 'k', "SECONDS", 0,
		  "a ring is stuck after this time (default: 5)", 0 },
		{ "stages", OPTION_STAGES, NULL, 0,
		  "measure the stages of requests, by BPF on USDT probes: each "
		  "request then costs the daemon some traps more",
		  0 },
		{ "kernel", OPTION_KERNEL, NULL, 0,
		  "measure what the kernel does for the daemon, by BPF on "
		  "tracepoints: each system call then costs a little more",
		  0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = option_parse,
		.args_doc = "[DIR]",
		.doc = "Watch the rings of a running ringsided: requests in "
		       "flight, rates, latency, notifications, stuck rings."
		       "\vDIR is a desk, or where the daemon's --stats are "
		       "(default: " STATS_DIR ").",
	};
	struct top_run t = { .interval_ns = INTERVAL_DEFAULT_S * 1000000000u,
			     .stuck_ns = STUCK_DEFAULT_S * 1000000000ull };
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &t);
	if (!t.look.dir)
		t.look.dir = STATS_DIR;
	t.look.interval_s = (double)t.interval_ns / 1e9;
	signals_take(&t);
	rc = t.batch ? run_batch(&t) : run_screen(&t);
	run_free(&t);
	return rc;
}
