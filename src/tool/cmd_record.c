/* SPDX-License-Identifier: MIT */
/*
 * ringside record: a recording session around a command, or until Ctrl-C.
 *
 * The first Ctrl-C ends the recording in order, a second one kills a command
 * that does not end, and one that comes while LTTng has not answered for
 * fifteen seconds gives up.  A session left by that, or by a kill -9, is
 * removed by the next recorder.
 *
 * With --to (record_relay.h) nothing of the trace is written here.
 *
 * A flight recorder (record_flight.h) is the same around a session that only
 * snapshots are taken of.  By BPF (record_direct.h) there is no session.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tool/commands.h"
#include "tool/record_flight.h"
#include "tool/record_options.h"
#include "tool/record_direct.h"
#include "tool/record_relay.h"
#include "tool/record_report.h"
#include "tool/record_signals.h"
#include "trace/record/check.h"
#include "trace/record/command.h"
#include "trace/record/dir.h"
#include "trace/record/session.h"
#include "trace/record/size.h"

#define TICK_MS	  100
#define HASTE_MS  10 /* where the file system may be full before long */
#define STATUS_NS 500000000u
#define ALIVE_NS  1000000000u

/*
 * Room that must stay on the file system beside what the buffers hold: LTTng
 * writes a trace's metadata at its end, and without them nothing can be read.
 */
#define ROOM_BYTES   (16u << 20)
#define SCARCE_BYTES (512u << 20)

struct recording {
	struct record_request req;

	char dir[PATH_MAX]; /* with --to the trace's name over there */
	bool dir_made;
	struct record *session;
	struct flight *flight; /* NULL: write all of it */
	uint64_t start_ns;
	pid_t pid;    /* of the command, 0 if there is none */
	bool running; /* the command */
	int code;     /* of the command */
	bool recorded;
	struct record_result result;
};

static bool is_away(const struct recording *rec)
{
	return !rec->req.out;
}

/* ---- while it records ------------------------------------------------------
 */

/* What must be free: our reserve, and what the buffers may still hold. */
static uint64_t room_needed(const struct recording *rec, unsigned processes)
{
	uint64_t subbuf, num, cpus = (uint64_t)sysconf(_SC_NPROCESSORS_CONF);

	/* We have buffers of our own that nothing is ever written to. */
	if (processes && !rec->req.opt.pid)
		processes--;
	record_buffers(rec->session, &subbuf, &num);
	return ROOM_BYTES + processes * cpus * subbuf * num;
}

/* Those that have buffers: one that has ended left them to LTTng at once. */
static unsigned processes_running(const struct recording *rec)
{
	unsigned count;

	free(record_check_running(rec->dir, &count));
	return count;
}

/* Stops the session, once; the command, if any, goes on. */
static void session_stop(struct recording *rec)
{
	struct record_result *res = &rec->result;

	if (!rec->session)
		return;
	record_signals_lttng();
	res->seconds = (double)(clock_now_ns() - rec->start_ns) / 1e9;
	record_buffers(rec->session, &res->subbuf_bytes, &res->num_subbuf);
	if (!is_away(rec))
		res->running =
			record_check_running(rec->dir, &res->running_count);
	if (record_stop(rec->session, &res->losses, &res->why))
		res->failed = true;
	if (record_close(rec->session) && is_away(rec) && !res->failed) {
		res->failed = true;
		record_relay_broken(&rec->req.relay, &res->why);
	}
	record_signals_lttng_end();
	rec->session = NULL;
}

/* Stops before the file system is full; how long to wait until next time. */
static int room_check(struct recording *rec)
{
	uint64_t need = room_needed(rec, record_dir_processes(rec->dir));
	uint64_t room = record_dir_room(rec->dir);

	/* Which of them run is only asked where that makes a difference. */
	if (room < need)
		need = room_needed(rec, processes_running(rec));
	if (room >= need)
		return room < SCARCE_BYTES ? HASTE_MS : TICK_MS;
	session_stop(rec);
	record_report_full(&rec->result, rec->req.out, room, need,
			   rec->running);
	record_report_trouble(&rec->result);
	return TICK_MS;
}

/* The same where it goes to another machine: as long as that is there. */
static int relay_check(struct recording *rec)
{
	if (record_reaches(rec->session))
		return TICK_MS;
	session_stop(rec);
	record_report_trouble(&rec->result);
	return TICK_MS;
}

static void say(const char *text)
{
	fprintf(stderr, RECORD_PROGRAM ": %s\n", text);
}

/* The end of a session that only snapshots are taken of. */
static void flight_stop(struct recording *rec)
{
	record_signals_lttng();
	rec->recorded = flight_close(rec->flight);
	rec->flight = NULL;
	record_close(rec->session);
	rec->session = NULL;
	record_signals_lttng_end();
}

/* How long to wait until next time. */
static int flight_watch(struct recording *rec)
{
	if (!flight_turn(rec->flight))
		return HASTE_MS;
	rec->result.failed = true;
	flight_stop(rec);
	return TICK_MS;
}

static void alive_check(struct recording *rec)
{
	if (record_alive())
		return;
	if (!rec->flight) {
		session_stop(rec);
		record_report_trouble(&rec->result);
		return;
	}
	record_report_clear();
	say("LTTng's session daemon has gone, and with it what was in no "
	    "snapshot");
	rec->result.failed = true;
	flight_stop(rec);
}

static void status_show(const struct recording *rec, uint64_t ms)
{
	if (is_away(rec))
		record_report_sent(rec->req.relay.host, ms);
	else
		record_report_status(rec->flight ? " a flight" : "", ms,
				     record_dir_bytes(rec->dir));
}

static void watch(struct recording *rec)
{
	uint64_t status_ns = 0, alive_ns = rec->start_ns;

	for (;;) {
		uint64_t now = clock_now_ns();
		int tick_ms = TICK_MS;

		if (rec->running &&
		    record_command_ended(rec->pid, &rec->code)) {
			rec->running = false;
			return;
		}
		if (record_signals.stops || (!rec->session && !rec->running))
			return;
		if (rec->session && !rec->req.command &&
		    now - status_ns > STATUS_NS) {
			status_show(rec, (now - rec->start_ns) / 1000000u);
			status_ns = now;
		}
		if (rec->session)
			tick_ms = rec->flight	 ? flight_watch(rec)
				  : is_away(rec) ? relay_check(rec)
						 : room_check(rec);
		if (rec->session && now - alive_ns > ALIVE_NS) {
			alive_ns = now;
			alive_check(rec);
		}
		record_signals_wait(tick_ms);
	}
}

/* Whether there is room, and memory, for what is wanted. */
static int room_first(const struct recording *rec)
{
	struct record_size size = record_size(&rec->req.opt);
	uint64_t room = record_dir_room(rec->dir), memory = UINT64_MAX;
	uint64_t need = ROOM_BYTES + RECORD_PROCESS_BYTES;
	const char *where;

	if (rec->req.opt.flight) {
		need = ROOM_BYTES + size.bytes;
		memory = record_size_memory(&where);
	}
	if (memory < size.bytes)
		fprintf(stderr,
			RECORD_PROGRAM
			": %s has only %.1f MiB left, the buffers need %.1f; "
			"take less with --subbuf-size or --num-subbuf\n",
			where, (double)memory / (1 << 20),
			(double)size.bytes / (1 << 20));
	else if (room < need)
		record_report_no_room(rec->req.out, room, need);
	return room < need || memory < size.bytes ? -ENOSPC : 0;
}

/* 0: the session records. */
static int session_begin(struct recording *rec)
{
	struct why why;
	unsigned absent;
	int err, pid;

	record_signals_lttng();
	err = record_start(&rec->session, &rec->req.opt, &why);
	if (!err && rec->req.opt.flight)
		err = flight_open(&rec->flight, &rec->req, rec->session, &why);
	record_signals_lttng_end();
	record_report_clear();
	if (err) {
		say(why.text);
		return err;
	}
	if (is_away(rec))
		record_relay_begun(&rec->req.relay, record_name(rec->session));
	rec->start_ns = clock_now_ns();
	absent = record_absent(rec->session, &pid);
	if (absent)
		fprintf(stderr,
			RECORD_PROGRAM
			": %u running process%s, "
			"process %d%s, did not answer LTTng; what they emit "
			"is missing until they do\n",
			absent, absent == 1 ? "" : "es", pid,
			absent == 1 ? "" : " and others");
	return 0;
}

static void command_end(struct recording *rec)
{
	int sig = record_signals.stop_from_tty ? 0 : record_signals.stop_signal;

	rec->code = record_command_end(rec->pid, sig, &record_signals.stops,
				       NULL, NULL);
}

static int record_run(struct recording *rec)
{
	enum record_verdict verdict;
	struct why why;
	bool failed;
	int err;

	if ((!is_away(rec) && room_first(rec)) || session_begin(rec))
		return 1;
	if (rec->req.command && !record_signals.stops) {
		err = record_command_start(rec->req.command, &rec->pid, &why);
		if (err) {
			say(why.text);
			return err == -ENOENT ? 127 : 126;
		}
		rec->running = true;
	} else if (rec->req.command) {
		rec->code = 128 + record_signals.stop_signal;
	}
	if (!is_away(rec) && !record_signals.stops)
		record_dir_keep(rec->dir);
	watch(rec);
	if (rec->running)
		command_end(rec);
	/* From here on Ctrl-C only cuts the report short. */
	if (rec->req.opt.flight) {
		record_signals.stops = 0;
		if (rec->flight && flight_settle(rec->flight))
			rec->result.failed = true;
		if (rec->flight)
			flight_stop(rec);
		return rec->code ? rec->code : rec->result.failed;
	}
	session_stop(rec);
	record_signals.stops = 0;
	if (is_away(rec)) {
		failed = !record_relay_report(&rec->result, &rec->req.relay,
					      rec->dir);
		return rec->code ? rec->code : failed;
	}
	verdict = record_report(&rec->result, rec->req.out, rec->dir,
				&record_signals.stops);
	rec->recorded = verdict != RECORD_NOTHING;
	return rec->code ? rec->code : verdict != RECORD_FINE;
}

/* Where the trace goes; 0, or the exit code. */
static int place_prepare(struct recording *rec)
{
	struct why why;
	int err;

	if (is_away(rec)) {
		record_relay_name(rec->dir, sizeof(rec->dir));
		rec->req.opt.relay = &rec->req.relay;
		return 0;
	}
	err = record_dir_prepare(rec->req.out, rec->req.force, rec->dir,
				 &rec->dir_made, &why);
	if (!err)
		return 0;
	say(why.text);
	return err == -ENOTEMPTY || err == -ENOTDIR || err == -ENOENT ||
			       err == -ENAMETOOLONG
		       ? 2
		       : 1;
}

int cmd_record(int argc, char **argv)
{
	static struct recording rec = {
		.req.opt = { .level = EV_LEVEL_PROTOCOL,
			     .waiting = record_report_waiting,
			     .answered = record_signals_lttng },
	};
	struct why why;
	int code, err;

	record_options_parse(argc, argv, &rec.req);
	/* Before signals are ours: the resolver may take its time. */
	if (is_away(&rec) && record_relay_connect(&rec.req.relay, &why)) {
		say(why.text);
		return 1;
	}
	err = record_signals_catch(rec.req.opt.flight);
	if (err) {
		say(strerror(-err));
		return 1;
	}
	code = place_prepare(&rec);
	if (code)
		return code;
	rec.req.opt.dir = rec.dir;
	rec.result.pid = (int)rec.req.opt.pid;
	code = rec.req.probes || rec.req.source != RECORD_RINGSIDED
		       ? record_direct(&rec.req, rec.dir, &rec.recorded)
		       : record_run(&rec);
	record_signals_lttng();
	if (rec.flight)
		rec.recorded = flight_close(rec.flight);
	record_close(rec.session);
	record_signals_lttng_end();
	free(rec.result.running);
	if (rec.recorded && !is_away(&rec))
		record_dir_keep(rec.dir);
	else if (!is_away(&rec))
		record_dir_discard(rec.dir, rec.dir_made);
	return code;
}
