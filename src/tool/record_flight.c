/* SPDX-License-Identifier: MIT */
#include "tool/record_flight.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tool/record_report.h"
#include "tool/record_signals.h"
#include "trace/record/dir.h"
#include "trace/record/size.h"
#include "trace/record/snapshot.h"
#include "trace/record/trigger.h"
#include "trace/record/watch.h"

#define ROOM_BYTES  (16u << 20) /* to stay on the file system */
#define REST_NS	    1000000000u /* of a trigger after its snapshot */
#define SETTLE_NS   300000000u	/* for what is on its way to us */
#define NOTICES_MAX 10000	/* in a turn */

/* What has become of one kind of trigger. */
struct tally {
	unsigned taken;
	uint64_t rest_ns; /* until then it rests */
	uint64_t left_out;
};

struct flight {
	const struct record_request *req;
	struct record *session;
	struct record_triggers *triggers; /* NULL: none */
	struct record_watch *watch;
	uint64_t start_ns;
	unsigned number; /* of the last snapshot that was begun */
	unsigned taken;
	sig_atomic_t asked;
	bool failed;
	struct tally tally[RECORD_CAUSES];
};

/* ---- a snapshot -----------------------------------------------------------
 */

static void note_make(char *note, size_t size, const struct flight *f,
		      enum record_cause cause, const char *text)
{
	char when[64] = "";
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(note, size,
		 "number: %u\ntaken for: %s\nwhat: %s\ntime: %s.%06ldZ\n",
		 f->number, record_cause_word(cause), text, when,
		 now.tv_nsec / 1000);
}

/* 0 or why it cannot be taken or read. */
static int snapshot_take(struct flight *f, enum record_cause cause,
			 const char *text, const char *path, struct why *why)
{
	uint64_t room = record_dir_room(f->req->opt.dir);
	uint64_t need = ROOM_BYTES + record_size(&f->req->opt).bytes;
	char note[512];
	int err;

	if (room < need)
		return why_set(why, -ENOSPC,
			       "the file system of %s has only %.1f MiB left, "
			       "%.0f are needed",
			       f->req->out, (double)room / (1 << 20),
			       (double)need / (1 << 20));
	note_make(note, sizeof(note), f, cause, text);
	record_signals_lttng();
	err = record_snapshot(f->session, path, note, why);
	record_signals_lttng_end();
	return err;
}

static void snapshot(struct flight *f, enum record_cause cause,
		     const char *text)
{
	char name[64], path[PATH_MAX + 64];
	struct why why;

	snprintf(name, sizeof(name), "%u-%s", ++f->number,
		 record_cause_word(cause));
	snprintf(path, sizeof(path), "%s/%s", f->req->opt.dir, name);
	record_report_clear();
	f->tally[cause].taken++; /* or tried: it is the bound of both */
	if (snapshot_take(f, cause, text, path, &why)) {
		fprintf(stderr,
			RECORD_PROGRAM ": %s, but there is no snapshot of it: "
				       "%s\n",
			text, why.text);
		f->failed = true;
		return;
	}
	f->taken++;
	fprintf(stderr, RECORD_PROGRAM ": %s\n", text);
	if (!record_report_snapshot(f->req->out, name, path,
				    &record_signals.stops))
		f->failed = true;
}

/* One that a trigger wants: not at once after the last, and not too many. */
static void snapshot_wanted(struct flight *f, enum record_cause cause,
			    const char *text)
{
	struct tally *t = &f->tally[cause];

	if (t->taken >= f->req->snapshots || clock_now_ns() < t->rest_ns) {
		t->left_out++;
		return;
	}
	snapshot(f, cause, text);
	t->rest_ns = clock_now_ns() + REST_NS;
}

/* ---- what happens ---------------------------------------------------------
 */

static void notices_read(struct flight *f)
{
	struct record_notice notice;

	for (int i = 0; f->triggers && i < NOTICES_MAX &&
			record_triggers_next(f->triggers, &notice);
	     i++)
		switch (notice.what) {
		case NOTICE_BEGIN:
			record_watch_add(f->watch, notice.pid, notice.program);
			break;
		case NOTICE_END:
			record_watch_said_end(f->watch, notice.pid);
			break;
		case NOTICE_REQUEST:
			snapshot_wanted(f, notice.cause, notice.text);
			break;
		}
}

/*
 * A process that was killed in the middle of an event stops the ring of its
 * processor for good, and nobody can see that.  So the buffers are made anew.
 */
static int begin_anew(struct flight *f)
{
	struct why why;
	int err;

	record_signals_lttng();
	err = record_renew(f->session, &why);
	record_signals_lttng_end();
	record_report_clear();
	fprintf(stderr, RECORD_PROGRAM ": %s\n",
		err ? why.text
		    : "recording begins anew, since a program that is "
		      "killed while it emits can stop LTTng's buffers");
	if (err)
		f->failed = true;
	return err;
}

static int deaths_see(struct flight *f)
{
	bool death = f->req->causes & 1u << RECORD_DEATH, any = false;
	const char *name;
	char text[128];
	int pid;

	while ((pid = record_watch_dead(f->watch, &name))) {
		any = true;
		snprintf(text, sizeof(text),
			 "%s (process %d) ended without saying so", name, pid);
		if (death && !strcmp(name, "ringsided")) {
			snapshot_wanted(f, RECORD_DEATH, text);
			continue;
		}
		record_report_clear();
		fprintf(stderr, RECORD_PROGRAM ": %s\n", text);
	}
	return any ? begin_anew(f) : 0;
}

int flight_turn(struct flight *f)
{
	sig_atomic_t asked = record_signals.asked;

	if (asked != f->asked) {
		f->asked = asked;
		snapshot(f, RECORD_ASKED, "a snapshot was asked for (SIGUSR1)");
	}
	notices_read(f);
	return deaths_see(f);
}

int flight_settle(struct flight *f)
{
	uint64_t until = clock_now_ns() + SETTLE_NS;

	while (!record_signals.stops &&
	       (clock_now_ns() < until || record_watch_waits(f->watch))) {
		if (flight_turn(f))
			break;
		record_signals_wait(10);
	}
	return f->failed ? -EIO : 0;
}

/* ---- begin and end --------------------------------------------------------
 */

static void tell_begin(const struct record_request *req)
{
	struct record_size size = record_size(&req->opt);
	char subbuf[32], all[32], list[64] = "none";
	size_t n = 0;

	for (int i = 0; i < RECORD_ASKED; i++)
		if (req->causes & 1u << i)
			n += (size_t)snprintf(
				list + n, sizeof(list) - n, "%s%s",
				n ? ", " : "",
				record_cause_word((enum record_cause)i));
	fprintf(stderr,
		RECORD_PROGRAM ": flight recorder with %" PRIu64 " sub-buffers "
			       "of %s for each of %" PRIu64 " processors, %s "
			       "of memory; triggers: %s; \"kill -USR1 %d\" "
			       "takes a snapshot\n",
		size.num_subbuf, record_size_text(size.subbuf_bytes, subbuf),
		size.cpus, record_size_text(size.bytes, all), list,
		(int)getpid());
}

int flight_open(struct flight **out, const struct record_request *req,
		struct record *session, struct why *why)
{
	struct flight *f = calloc(1, sizeof(*f));
	int err = -ENOMEM;

	if (f)
		f->watch = record_watch_open();
	if (!f || !f->watch) {
		why_set(why, err, "no memory for a flight recorder");
		goto fail;
	}
	f->req = req;
	f->session = session;
	f->start_ns = clock_now_ns();
	/* Which programs begin and end has to be known in any case. */
	err = record_triggers_open(&f->triggers,
				   req->causes | 1u << RECORD_DEATH,
				   req->slow_ms, why);
	if (err)
		goto fail;
	record_watch_running(f->watch);
	record_report_clear();
	tell_begin(req);
	*out = f;
	return 0;
fail:
	if (f)
		record_watch_close(f->watch);
	free(f);
	return err;
}

static void tell_left_out(struct flight *f)
{
	bool exactly;
	uint64_t all, lost = record_triggers_lost(f->triggers, &exactly);

	all = lost;
	for (int i = 0; i < RECORD_CAUSES; i++)
		all += f->tally[i].left_out;
	if (!all && exactly)
		return;
	fprintf(stderr, RECORD_PROGRAM ": left out:");
	for (int i = 0; i < RECORD_CAUSES; i++)
		if (f->tally[i].left_out)
			fprintf(stderr, " %" PRIu64 " more of %s,",
				f->tally[i].left_out,
				record_cause_word((enum record_cause)i));
	if (lost || !exactly)
		fprintf(stderr, " %s%" PRIu64 " that LTTng did not tell,",
			exactly ? "" : "more than ", lost);
	fprintf(stderr,
		" for a trigger rests a second after its snapshot, and takes "
		"%u at most (--snapshots)\n",
		f->req->snapshots);
}

bool flight_close(struct flight *f)
{
	bool taken = f->taken;

	record_report_clear();
	fprintf(stderr, RECORD_PROGRAM ": flew for %.1f s, ",
		(double)(clock_now_ns() - f->start_ns) / 1e9);
	if (taken)
		fprintf(stderr, "%u snapshot%s in %s\n", f->taken,
			f->taken == 1 ? "" : "s", f->req->out);
	else
		fputs("no snapshot: nothing was written\n", stderr);
	tell_left_out(f);
	record_triggers_close(f->triggers);
	record_watch_close(f->watch);
	free(f);
	return taken;
}
