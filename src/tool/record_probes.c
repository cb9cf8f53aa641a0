/* SPDX-License-Identifier: MIT */
#include "tool/record_probes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tool/record_report.h"
#include "tool/record_signals.h"
#include "trace/probe/collect.h"
#include "trace/record/check.h"
#include "trace/record/command.h"
#include "trace/record/dir.h"

#define TURN_MS	   20
#define STATUS_NS  500000000u
#define ROOM_BYTES (16u << 20) /* what must stay free on the file system */

struct probing {
	const struct record_request *req;
	const char *dir;
	struct probe_collect *collect; /* NULL: it has been stopped */
	uint64_t start_ns;
	pid_t pid;
	bool running; /* the command */
	int code;
	struct record_result result;
};

static bool command_given; /* for what follows */

/* What of this level can be seen in a file. */
static void tell_seen(const struct probe_file *file, enum ev_level level)
{
	unsigned wanted = 0, has = 0;

	if (!file->pid && !command_given)
		return; /* of it nothing may ever run */
	for (int kind = 0; kind < EV_KIND_COUNT; kind++)
		if (ev_descs[kind].level <= level) {
			wanted++;
			has += file->kinds.has[kind];
		}
	record_report_clear();
	fprintf(stderr, RECORD_PROGRAM ": %s", file->name);
	if (file->pid)
		fprintf(stderr, " (process %d)", file->pid);
	fprintf(stderr, ": %u of %u kinds of events have a probe%s", has,
		wanted, has < wanted ? "; not to be seen:" : "");
	for (int kind = 0; has < wanted && kind < EV_KIND_COUNT; kind++)
		if (ev_descs[kind].level <= level && !file->kinds.has[kind])
			fprintf(stderr, " %s", ev_descs[kind].name);
	fputc('\n', stderr);
}

/* Stops it, once; the command, if any, goes on. */
static void collect_stop(struct probing *p)
{
	struct record_result *res = &p->result;
	struct why why;

	if (!p->collect)
		return;
	res->seconds = (double)(clock_now_ns() - p->start_ns) / 1e9;
	res->running = record_check_running(p->dir, &res->running_count);
	if (probe_collect_stop(p->collect, &res->losses.events, &why) &&
	    !res->failed) {
		res->failed = true;
		res->why = why;
	}
	p->collect = NULL;
	record_report_trouble(res);
}

static void turn(void *data)
{
	struct probing *p = data;
	struct record_result *res = &p->result;
	uint64_t room;

	if (!p->collect) {
		record_signals_wait(TURN_MS);
		return;
	}
	if (probe_collect_turn(p->collect, TURN_MS, &res->why)) {
		res->failed = true;
		collect_stop(p);
		return;
	}
	room = record_dir_room(p->dir);
	if (room >= ROOM_BYTES)
		return;
	record_report_full(res, p->req->out, room, p->running);
	collect_stop(p);
}

static void watch(struct probing *p)
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

/* 0: it records. */
static int begin(struct probing *p)
{
	const struct probe_options opt = {
		.dir = p->dir,
		.level = p->req->opt.level,
		.ring_bytes = p->req->opt.subbuf_bytes * p->req->opt.num_subbuf,
		.stop = &record_signals.stops,
		.seen = tell_seen,
	};
	uint64_t room = record_dir_room(p->dir);
	struct why why;

	if (room < 2 * ROOM_BYTES) {
		record_report_no_room(p->req->out, room, 2 * ROOM_BYTES);
		return -ENOSPC;
	}
	command_given = p->req->command;
	if (probe_collect_start(&p->collect, &opt, command_given, &why)) {
		fprintf(stderr, RECORD_PROGRAM ": %s\n", why.text);
		return -EIO;
	}
	p->start_ns = clock_now_ns();
	/* It took a while, and a command needs no word. */
	if (!command_given && !record_signals.stops)
		fprintf(stderr, RECORD_PROGRAM ": recording has begun; Ctrl-C "
					       "ends it\n");
	return 0;
}

static void command_end(struct probing *p)
{
	int sig = record_signals.stop_from_tty ? 0 : record_signals.stop_signal;

	p->code =
		record_command_end(p->pid, sig, &record_signals.stops, turn, p);
	p->running = false;
}

int record_probes(const struct record_request *req, const char *dir,
		  bool *recorded)
{
	struct probing p = {
		.req = req,
		.dir = dir,
		.result = { .subbuf_bytes = req->opt.subbuf_bytes,
			    .num_subbuf = req->opt.num_subbuf },
	};
	enum record_verdict verdict;
	struct why why;
	int err;

	if (begin(&p))
		return 1;
	if (req->command && !record_signals.stops) {
		err = record_command_start(req->command, &p.pid, &why);
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
