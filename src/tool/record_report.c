/* SPDX-License-Identifier: MIT */
#include "tool/record_report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trace/record/check.h"
#include "trace/record/dir.h"

#define MIB	   ((double)(1u << 20))
#define FULL_BYTES 65536u /* less room than this is none */

static bool status_shown;

void record_report_clear(void)
{
	if (status_shown)
		fputs("\r\033[K", stderr);
	status_shown = false;
}

void record_report_status(const char *what, uint64_t ms, uint64_t bytes)
{
	if (!isatty(2))
		return;
	fprintf(stderr,
		"\r\033[Krecording%s, %" PRIu64 " s, %.1f MiB written; "
		"Ctrl-C ends it",
		what, ms / 1000, (double)bytes / MIB);
	status_shown = true;
}

void record_report_sent(const char *host, uint64_t ms)
{
	if (!isatty(2))
		return;
	fprintf(stderr,
		"\r\033[Krecording to %s, %" PRIu64 " s; Ctrl-C ends it", host,
		ms / 1000);
	status_shown = true;
}

void record_report_waiting(unsigned processes)
{
	if (!isatty(2))
		return;
	fprintf(stderr, "waiting for %u running program%s to join", processes,
		processes == 1 ? "" : "s");
	status_shown = true;
}

void record_report_trouble(struct record_result *res)
{
	record_report_clear();
	if (res->failed && !res->told)
		fprintf(stderr, RECORD_PROGRAM ": %s\n", res->why.text);
	res->told = true;
}

void record_report_no_room(const char *out, uint64_t room, uint64_t need)
{
	fprintf(stderr,
		RECORD_PROGRAM ": the file system of %s has only %.1f MiB "
			       "left, %.0f are needed at least; make room or "
			       "name another place\n",
		out, (double)room / (1 << 20), (double)need / (1 << 20));
}

void record_report_full(struct record_result *res, const char *out,
			uint64_t room, uint64_t need, bool running)
{
	res->failed = true;
	why_set(&res->why, -ENOSPC,
		"the file system of %s has only %.1f MiB left, %.0f are "
		"needed for what is still to be written, so recording was "
		"stopped%s; make room or name another place",
		out, (double)room / MIB, (double)need / MIB,
		running ? " while the command goes on" : "");
}

const char *record_size_text(uint64_t bytes, char text[32])
{
	if (bytes >= 1u << 20)
		snprintf(text, 32, "%" PRIu64 " MiB", bytes >> 20);
	else
		snprintf(text, 32, "%" PRIu64 " KiB", bytes >> 10);
	return text;
}

/* The one sentence that counts. */
static void tell_counts(const struct record_result *res, const char *out,
			const char *dir, const struct record_summary *sum,
			uint64_t lost)
{
	char size[32];

	fprintf(stderr, RECORD_PROGRAM ": %" PRIu64 " events of ", sum->events);
	if (res->whose)
		fputs(res->whose, stderr);
	else
		fprintf(stderr, "%u process%s", sum->processes,
			sum->processes == 1 ? "" : "es");
	fprintf(stderr, " in %s (%.1f MiB, %.1f s)", out,
		(double)record_dir_bytes(dir) / MIB, res->seconds);
	if (lost)
		fprintf(stderr,
			"; %" PRIu64 " more were LOST because the "
			"buffers were full: give more than %" PRIu64 " of %s "
			"with --subbuf-size, or take fewer with --level\n",
			lost, res->num_subbuf,
			record_size_text(res->subbuf_bytes, size));
	else if (sum->damaged || sum->packets || res->losses.packets)
		fputs("\n", stderr);
	else
		fprintf(stderr, ", none lost%s\n",
			res->failed ? " until then" : "");
}

/* What makes the trace less than it says; whether that is a failure. */
static bool tell_gaps(const char *out, const char *dir,
		      const struct record_result *res,
		      const struct record_summary *sum)
{
	uint64_t packets = sum->packets > res->losses.packets
				   ? sum->packets
				   : res->losses.packets;
	bool full = record_dir_room(dir) < FULL_BYTES;

	if (sum->killed)
		fprintf(stderr,
			RECORD_PROGRAM
			": %s%s ended without saying "
			"so; if it was killed, the events of its last moment "
			"may be missing\n",
			sum->killed_name, sum->killed > 1 ? " and others" : "");
	if (sum->damaged)
		fprintf(stderr,
			RECORD_PROGRAM ": the trace of %s%s cannot be "
				       "read to its end%s\n",
			sum->damaged_name,
			sum->damaged > 1 ? " and others" : "",
			full ? ", because the file system is full; make room "
			       "and record again"
			     : "; record again");
	else if (packets)
		fprintf(stderr,
			RECORD_PROGRAM
			": %" PRIu64 " packets of "
			"events are missing in %s; record again\n",
			packets, out);
	else if (full)
		fprintf(stderr,
			RECORD_PROGRAM
			": the file system of %s is "
			"full, and the trace may lack its end; make room and "
			"record again\n",
			out);
	return sum->damaged || packets || full;
}

static const char *check_error(int err)
{
	return err == -ENOENT ? "babeltrace2's \"ctf\" plugin is missing"
			      : strerror(-err);
}

static void tell_counted(uint64_t events)
{
	fprintf(stderr,
		"\r\033[Kreading the trace, %" PRIu64 " million events so "
		"far; Ctrl-C leaves the rest uncounted",
		events / 1000000);
	status_shown = true;
}

enum record_verdict record_report(struct record_result *res, const char *out,
				  const char *dir,
				  const volatile sig_atomic_t *stop)
{
	struct record_summary sum;
	bool terminal = isatty(2);
	uint64_t lost;
	int err;

	record_report_trouble(res);
	if (terminal) {
		fputs("reading the trace", stderr);
		fflush(stderr);
		status_shown = true;
	}
	err = record_check(dir, res->running, res->running_count, stop,
			   terminal ? tell_counted : NULL, &sum);
	record_report_clear();
	if (err) {
		fprintf(stderr,
			RECORD_PROGRAM ": the trace in %s could not be "
				       "checked: %s\n",
			out, check_error(err));
		return RECORD_FAILED;
	}
	lost = res->losses.events > sum.discarded ? res->losses.events
						  : sum.discarded;
	if (!sum.complete) {
		fprintf(stderr,
			RECORD_PROGRAM
			": the trace is in %s (%.1f MiB, "
			"%.1f s); its events were not counted, %" PRIu64
			" were lost\n",
			out, (double)record_dir_bytes(dir) / MIB, res->seconds,
			lost);
		return res->failed ? RECORD_FAILED : RECORD_FINE;
	}
	if ((res->whose ? !sum.events && !sum.damaged : !sum.processes) &&
	    !lost) {
		if (res->whose && !res->failed)
			fprintf(stderr,
				RECORD_PROGRAM ": nothing was recorded: %s did "
					       "nothing\n",
				res->whose);
		else if (res->failed)
			fprintf(stderr,
				RECORD_PROGRAM ": 0 events until then, and "
					       "there is no trace in %s\n",
				out);
		else if (res->pid)
			fprintf(stderr,
				RECORD_PROGRAM ": nothing was recorded: "
					       "process %d emitted no event of "
					       "this level\n",
				res->pid);
		else
			fprintf(stderr, RECORD_PROGRAM
				": nothing was "
				"recorded: no backend or frontend emitted an "
				"event; is ringsided running?\n");
		return RECORD_NOTHING;
	}
	tell_counts(res, out, dir, &sum, lost);
	return tell_gaps(out, dir, res, &sum) || res->failed ? RECORD_FAILED
							     : RECORD_FINE;
}

bool record_report_snapshot(const char *out, const char *name, const char *dir,
			    const volatile sig_atomic_t *stop)
{
	double mib = (double)record_dir_bytes(dir) / MIB;
	struct record_summary sum;
	int err = record_check(dir, NULL, 0, stop, NULL, &sum);

	fprintf(stderr, "  %s/%s: ", out, name);
	if (err || sum.damaged) {
		fprintf(stderr, "%.1f MiB that cannot be read: %s\n", mib,
			err ? check_error(err) : "the trace is damaged");
		return false;
	}
	if (!sum.complete) {
		fprintf(stderr, "%.1f MiB, not counted\n", mib);
		return true;
	}
	fprintf(stderr, "%" PRIu64 " events (%.1f MiB)", sum.events, mib);
	if (sum.whole_ns)
		fprintf(stderr,
			", whole for the last %.3f s; of what was before, "
			"%" PRIu64 " sub-buffers were overwritten",
			(double)(sum.end_ns - sum.whole_ns) / 1e9,
			sum.overwritten + sum.packets);
	else
		fputs(", all since recording began", stderr);
	if (sum.discarded)
		fprintf(stderr, "; %" PRIu64 " events were LOST",
			sum.discarded);
	fputs("\n", stderr);
	return true;
}
