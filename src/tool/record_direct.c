/* SPDX-License-Identifier: MIT */
#include "tool/record_direct.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "tool/record_report.h"
#include "tool/record_signals.h"
#include "trace/kernel/collect.h"
#include "trace/probe/collect.h"
#include "trace/record/check.h"
#include "trace/record/command.h"
#include "trace/record/dir.h"

#define TURN_MS	  20
#define STATUS_NS 500000000u
/* What must stay free on the file system beside what the buffer holds. */
#define ROOM_BYTES (16u << 20)

/* Whom is read; of what start() gives, turn() and stop() are. */
struct direct_source {
	int (*start)(void **collect, const struct record_request *req,
		     const char *dir, struct why *why);
	int (*turn)(void *collect, int ms, struct why *why);
	int (*stop)(void *collect, uint64_t *lost, struct why *why);
	const char *whose; /* NULL: of processes */
};

struct direct {
	const struct record_request *req;
	const char *dir;
	const struct direct_source *source;
	void *collect; /* NULL: it has been stopped */
	uint64_t start_ns;
	pid_t pid;
	bool running; /* the command */
	int code;
	struct rlimit limit[2]; /* of `limited`, at the start */
	struct record_result result;
};

/*
 * Ends a line that tells what is read: how many kinds of this level it `has`
 * (they `are` so), and which it has not.
 */
static void tell_kinds(const bool has[EV_KIND_COUNT], enum ev_level level,
		       const char *are)
{
	unsigned wanted = 0, n = 0;

	for (int kind = 0; kind < EV_KIND_COUNT; kind++)
		if (ev_descs[kind].level <= level) {
			wanted++;
			n += has[kind];
		}
	fprintf(stderr, "%u of %u kinds of events %s%s", n, wanted, are,
		n < wanted ? "; not to be seen:" : "");
	for (int kind = 0; n < wanted && kind < EV_KIND_COUNT; kind++)
		if (ev_descs[kind].level <= level && !has[kind])
			fprintf(stderr, " %s", ev_descs[kind].name);
	fputc('\n', stderr);
}

/* ---- the probes of programs ------------------------------------------------
 */

static bool command_given; /* for what follows */

/* What of this level can be seen in a file. */
static void tell_seen(const struct probe_file *file, enum ev_level level)
{
	if (!file->pid && !command_given)
		return; /* of it nothing may ever run */
	record_report_clear();
	fprintf(stderr, RECORD_PROGRAM ": %s", file->name);
	if (file->pid)
		fprintf(stderr, " (process %d)", file->pid);
	fputs(": ", stderr);
	tell_kinds(file->kinds.has, level, "have a probe");
}

static int probes_start(void **collect, const struct record_request *req,
			const char *dir, struct why *why)
{
	const struct probe_options opt = {
		.dir = dir,
		.level = req->opt.level,
		.ring_bytes = req->opt.subbuf_bytes * req->opt.num_subbuf,
		.pid = req->opt.pid,
		.stop = &record_signals.stops,
		.seen = tell_seen,
	};

	command_given = req->command;
	return probe_collect_start((struct probe_collect **)collect, &opt,
				   command_given, why);
}

static int probes_turn(void *collect, int ms, struct why *why)
{
	return probe_collect_turn(collect, ms, why);
}

static int probes_stop(void *collect, uint64_t *lost, struct why *why)
{
	return probe_collect_stop(collect, lost, why);
}

/* ---- drivers of the kernel --------------------------------------------
 */

static int driver_start(void **collect, const struct kernel_driver *driver,
			const struct record_request *req, const char *dir,
			struct why *why)
{
	const struct kernel_options opt = {
		.driver = driver,
		.dir = dir,
		.level = req->opt.level,
		.ring_bytes = req->opt.subbuf_bytes * req->opt.num_subbuf,
	};
	bool seen[EV_KIND_COUNT];
	struct kernel_collect *c;
	struct utsname name;
	int err = kernel_collect_start(&c, &opt, seen, why);

	if (err)
		return err;
	*collect = c;
	fprintf(stderr, RECORD_PROGRAM ": of %s in Linux %s ", driver->name,
		uname(&name) ? "" : name.release);
	tell_kinds(seen, opt.level, "can be seen");
	return 0;
}

static int blkback_start(void **collect, const struct record_request *req,
			 const char *dir, struct why *why)
{
	return driver_start(collect, &kernel_blkback, req, dir, why);
}

static int blkfront_start(void **collect, const struct record_request *req,
			  const char *dir, struct why *why)
{
	return driver_start(collect, &kernel_blkfront, req, dir, why);
}

static int driver_turn(void *collect, int ms, struct why *why)
{
	return kernel_collect_turn(collect, ms, why);
}

static int driver_stop(void *collect, uint64_t *lost, struct why *why)
{
	return kernel_collect_stop(collect, lost, why);
}

static const struct direct_source sources[] = {
	[RECORD_RINGSIDED] = { probes_start, probes_turn, probes_stop, NULL },
	[RECORD_BLKBACK] = { blkback_start, driver_turn, driver_stop,
			     "xen-blkback" },
	[RECORD_BLKFRONT] = { blkfront_start, driver_turn, driver_stop,
			      "xen-blkfront" },
};

/* ---- the loop -------------------------------------------------------------
 */

/* Stops it, once; the command, if any, goes on. */
static void collect_stop(struct direct *p)
{
	struct record_result *res = &p->result;
	struct why why;

	if (!p->collect)
		return;
	res->seconds = (double)(clock_now_ns() - p->start_ns) / 1e9;
	res->running = record_check_running(p->dir, &res->running_count);
	if (p->source->stop(p->collect, &res->losses.events, &why) &&
	    !res->failed) {
		res->failed = true;
		res->why = why;
	}
	p->collect = NULL;
	record_report_trouble(res);
}

static uint64_t room_needed(const struct direct *p)
{
	return ROOM_BYTES + p->req->opt.subbuf_bytes * p->req->opt.num_subbuf;
}

static void turn(void *data)
{
	struct direct *p = data;
	struct record_result *res = &p->result;
	uint64_t room;

	if (!p->collect) {
		record_signals_wait(TURN_MS);
		return;
	}
	if (p->source->turn(p->collect, TURN_MS, &res->why)) {
		res->failed = true;
		collect_stop(p);
		return;
	}
	room = record_dir_room(p->dir);
	if (room >= room_needed(p))
		return;
	record_report_full(res, p->req->out, room, room_needed(p), p->running);
	collect_stop(p);
}

static void watch(struct direct *p)
{
	uint64_t status_ns = 0;

	while (!record_signals.stops && (p->collect || p->running)) {
		uint64_t now = clock_now_ns();

		if (p->running && record_command_ended(p->pid, &p->code)) {
			p->running = false;
			return;
		}
		if (!p->req->command && now - status_ns > STATUS_NS) {
			record_report_status("", (now - p->start_ns) / 1000000u,
					     record_dir_bytes(p->dir));
			status_ns = now;
		}
		turn(p);
	}
}

/* Reading by BPF wants more of these than a command should get. */
static const int limited[] = { RLIMIT_NOFILE, RLIMIT_MEMLOCK };

static void limits_set(const struct rlimit to[2], struct rlimit before[2])
{
	for (int i = 0; i < 2; i++) {
		if (before)
			getrlimit(limited[i], &before[i]);
		if (to)
			setrlimit(limited[i], &to[i]);
	}
}

/* With the limits that we were started with. */
static int command_start(struct direct *p, struct why *why)
{
	struct rlimit ours[2];
	int err;

	limits_set(p->limit, ours);
	err = record_command_start(p->req->command, &p->pid, why);
	limits_set(ours, NULL);
	return err;
}

/* 0: it records. */
static int begin(struct direct *p)
{
	uint64_t room = record_dir_room(p->dir);
	struct why why;

	if (room < ROOM_BYTES + room_needed(p)) {
		record_report_no_room(p->req->out, room,
				      ROOM_BYTES + room_needed(p));
		return -ENOSPC;
	}
	if (p->source->start(&p->collect, p->req, p->dir, &why)) {
		fprintf(stderr, RECORD_PROGRAM ": %s\n", why.text);
		return -EIO;
	}
	p->start_ns = clock_now_ns();
	/* It took a while, and a command needs no word. */
	if (!p->req->command && !record_signals.stops)
		fprintf(stderr, RECORD_PROGRAM ": recording has begun; Ctrl-C "
					       "ends it\n");
	return 0;
}

static void command_end(struct direct *p)
{
	int sig = record_signals.stop_from_tty ? 0 : record_signals.stop_signal;

	p->code =
		record_command_end(p->pid, sig, &record_signals.stops, turn, p);
	p->running = false;
}

int record_direct(const struct record_request *req, const char *dir,
		  bool *recorded)
{
	struct direct p = {
		.req = req,
		.dir = dir,
		.source = &sources[req->source],
		.result = { .subbuf_bytes = req->opt.subbuf_bytes,
			    .num_subbuf = req->opt.num_subbuf,
			    .pid = (int)req->opt.pid,
			    .whose = sources[req->source].whose },
	};
	enum record_verdict verdict;
	struct why why;
	int err;

	limits_set(NULL, p.limit);
	if (begin(&p))
		return 1;
	if (req->command && !record_signals.stops) {
		err = command_start(&p, &why);
		if (err) {
			fprintf(stderr, RECORD_PROGRAM ": %s\n", why.text);
			collect_stop(&p);
			free(p.result.running);
			return err == -ENOENT ? 127 : 126;
		}
		p.running = true;
	} else if (req->command) {
		p.code = 128 + record_signals.stop_signal;
	}
	if (!record_signals.stops)
		record_dir_keep(dir);
	watch(&p);
	if (p.running)
		command_end(&p);
	collect_stop(&p);
	record_signals.stops = 0; /* from here on it cuts the report short */
	verdict =
		record_report(&p.result, req->out, dir, &record_signals.stops);
	free(p.result.running);
	*recorded = verdict != RECORD_NOTHING;
	return p.code ? p.code : verdict != RECORD_FINE;
}
