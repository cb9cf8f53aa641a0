/* SPDX-License-Identifier: MIT */
/*
 * What an event costs its caller: nothing recorded, and recorded.  The same
 * loop runs empty, with request_check (four fields beside the origin), and
 * with request_respond (seven).  Each is the best and the median of several
 * rounds; the ratios matter (of the best), the nanoseconds are this machine's.
 * With the argument "recorded" only that is measured.
 *
 * Recorded, events come in bursts that fit into the buffers: an event that is
 * discarded would look cheap.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "trace/emit.h"
#include "trace/record/dir.h"
#include "trace/record/session.h"

#define ROUNDS	  9
#define LOOPS_OFF 20000000u
#define LOOPS_ON  20000u

static const struct ev_origin origin = { EV_ACTOR_BACKEND, 1, 0, 51712 };

/* The compiler may assume nothing about `i` and memory here. */
#define OPAQUE(i) __asm__ volatile("" : "+r"(i) : : "memory")

static void run_empty(uint64_t loops)
{
	for (uint64_t i = 0; i < loops; i++)
		OPAQUE(i);
}

static void run_check(uint64_t loops)
{
	for (uint64_t i = 0; i < loops; i++) {
		OPAQUE(i);
		ev_request_check(&origin, i, EV_OP_READ, i * 4096, 4096);
	}
}

static void run_respond(uint64_t loops)
{
	for (uint64_t i = 0; i < loops; i++) {
		OPAQUE(i);
		ev_request_respond(&origin, i, i, (uint32_t)i, (uint16_t)i,
				   EV_OP_READ, EV_STATUS_OKAY, i);
	}
}

static const struct {
	const char *name;
	void (*run)(uint64_t loops);
} loop[] = {
	{ "empty loop", run_empty },
	{ "request_check", run_check },
	{ "request_respond", run_respond },
};

#define LOOPS (sizeof(loop) / sizeof(*loop))

struct cost {
	double best, median; /* ns of one */
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct cost cost_of(void (*run)(uint64_t), uint64_t loops, long pause_ms)
{
	struct timespec pause = { 0, pause_ms * 1000000 };
	double ns[ROUNDS];

	run(loops / 10); /* warm */
	for (int r = 0; r < ROUNDS; r++) {
		uint64_t start = clock_now_ns();

		run(loops);
		ns[r] = (double)(clock_now_ns() - start) / (double)loops;
		nanosleep(&pause, NULL);
	}
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	return (struct cost){ ns[0], ns[ROUNDS / 2] };
}

static void print(const char *how, const char *event, struct cost cost,
		  double empty)
{
	printf("%-24s %-16s %8.2f %8.2f %8.2f\n", how, event, cost.best,
	       cost.median, cost.best / empty);
}

static void measure(const char *how, uint64_t loops, long pause_ms,
		    double empty)
{
	for (size_t i = 1; i < LOOPS; i++)
		print(how, loop[i].name, cost_of(loop[i].run, loops, pause_ms),
		      empty);
}

static int measure_recorded(const char *how, unsigned contexts, double empty)
{
	char dir[] = "/tmp/ringside-bench-XXXXXX";
	struct record_options opt = { .dir = dir,
				      .level = EV_LEVEL_PROTOCOL,
				      .contexts = contexts };
	struct record_losses losses = { 0, 0 };
	struct record *rec = NULL;
	struct why why;
	int err;

	if (!mkdtemp(dir))
		return -1;
	err = record_start(&rec, &opt, &why);
	if (!err) {
		measure(how, LOOPS_ON, 50, empty);
		err = record_stop(rec, &losses, &why);
		record_close(rec);
	}
	record_dir_discard(dir, true);
	if (err)
		printf("%s: %s\n", how, why.text);
	if (losses.events)
		printf("%s: %" PRIu64 " events were discarded, so the numbers "
		       "are too good\n",
		       how, losses.events);
	return err;
}

int main(int argc, char **argv)
{
	bool all = argc == 1;
	struct cost empty;
	int err;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "recorded"))) {
		fprintf(stderr, "bench_events: the only argument may be "
				"\"recorded\"\n");
		return 2;
	}
	empty = cost_of(run_empty, LOOPS_OFF, 0);
	printf("%-24s %-16s %8s %8s %8s\n", "", "event", "best ns", "median",
	       "ratio");
	if (all) {
		print("empty loop", "-", empty, empty.best);
		measure("off", LOOPS_OFF, 0, empty.best);
	}
	err = measure_recorded("recorded", 0, empty.best);
	if (!err && all)
		err = measure_recorded("with vtid and procname",
				       RECORD_CONTEXT_VTID |
					       RECORD_CONTEXT_PROCNAME,
				       empty.best);
	return err ? 1 : 0;
}
