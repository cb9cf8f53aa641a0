/* SPDX-License-Identifier: MIT */
/*
 * ringside record: a recording session around a command, or until Ctrl-C.
 *
 * The first Ctrl-C ends the recording in order, a second one kills a command
 * that does not end, and one that comes while LTTng has not answered for
 * fifteen seconds gives up.  A session left by that, or by a kill -9, is
 * removed by the next recorder.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "tool/commands.h"
#include "tool/record_report.h"
#include "trace/record/check.h"
#include "trace/record/command.h"
#include "trace/record/dir.h"
#include "trace/record/session.h"

#define TICK_MS	  100
#define HASTE_MS  10 /* where the file system may be full before long */
#define STATUS_NS 500000000u
#define ALIVE_NS  1000000000u
#define HANG_NS	  15000000000u

/*
 * Room that must stay on the file system beside what the buffers hold: LTTng
 * writes a trace's metadata at its end, and without them nothing can be read.
 */
#define ROOM_BYTES   (16u << 20)
#define SCARCE_BYTES (512u << 20)

struct recording {
	struct record_options opt;
	const char *out;
	bool force;
	char **command; /* NULL: until Ctrl-C */

	char dir[PATH_MAX];
	bool dir_made;
	struct record *session;
	uint64_t start_ns;
	pid_t pid;    /* of the command, 0 if there is none */
	bool running; /* the command */
	int code;     /* of the command */
	bool recorded;
	struct record_result result;
};

/* ---- signals --------------------------------------------------------------
 */

static volatile sig_atomic_t stop_count, stop_signal, stop_from_tty;
static volatile uint64_t lttng_since_ns; /* 0: nobody waits for LTTng */
static int wake_fd;
static char give_up[256];

static void on_stop(int sig, siginfo_t *info, void *context)
{
	uint64_t one = 1;
	ssize_t unused;
	int err = errno;

	(void)context;
	if (!stop_count++) {
		stop_signal = sig;
		stop_from_tty = info->si_code == SI_KERNEL;
	}
	if (lttng_since_ns && clock_now_ns() - lttng_since_ns > HANG_NS) {
		unused = write(2, give_up, strlen(give_up));
		_exit(128 + sig);
	}
	unused = write(wake_fd, &one, sizeof(one));
	(void)unused;
	errno = err;
}

static void on_child(int sig)
{
	uint64_t one = 1;
	int err = errno;
	ssize_t unused = write(wake_fd, &one, sizeof(one));

	(void)sig;
	(void)unused;
	errno = err;
}

static int signals_catch(void)
{
	static const int stops[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction stop = { .sa_sigaction = on_stop,
				  .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction child = { .sa_handler = on_child,
				   .sa_flags = SA_RESTART | SA_NOCLDSTOP };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return -errno;
	snprintf(give_up, sizeof(give_up),
		 "\n" RECORD_PROGRAM ": LTTng does not answer; the session "
		 "ringside-%d is left, \"lttng destroy\" or the next "
		 "recording removes it\n",
		 (int)getpid());
	for (size_t i = 0; i < sizeof(stops) / sizeof(*stops); i++)
		sigaction(stops[i], &stop, NULL);
	sigaction(SIGCHLD, &child, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	return 0;
}

/* Until a signal, a child's end or the time. */
static void wait_ms(int ms)
{
	struct pollfd wake = { .fd = wake_fd, .events = POLLIN };
	uint64_t drop;

	if (poll(&wake, 1, ms) > 0 && read(wake_fd, &drop, sizeof(drop)) < 0)
		return; /* it was another's */
}

/* ---- options --------------------------------------------------------------
 */

static const struct argp_option options[] = {
	{ "output", 'o', "DIR", 0, "Write the trace to DIR, which is made", 0 },
	{ "level", 'l', "LEVEL", 0, "control, protocol (the default) or full",
	  0 },
	{ "subbuf-size", 's', "BYTES", 0,
	  "Size of a sub-buffer, a power of two: 512k", 0 },
	{ "num-subbuf", 'n', "N", 0,
	  "Sub-buffers for each processor and process, a power of two", 0 },
	{ "contexts", 'c', "LIST", 0,
	  "Add to each event any of vpid, vtid, procname", 0 },
	{ "force", 'f', NULL, 0, "Replace an older trace in DIR", 0 },
	{ 0 },
};

static unsigned parse_contexts(struct argp_state *state, char *list)
{
	static const char *const names[] = { "vpid", "vtid", "procname" };
	unsigned contexts = 0;
	char *rest = NULL;

	for (char *w = strtok_r(list, ",", &rest); w;
	     w = strtok_r(NULL, ",", &rest)) {
		unsigned i;

		for (i = 0; i < 3 && strcmp(w, names[i]); i++)
			;
		if (i == 3)
			argp_error(state,
				   "context \"%s\" is unknown; use "
				   "vpid, vtid or procname",
				   w);
		contexts |= 1u << i;
	}
	return contexts;
}

static uint64_t parse_power(struct argp_state *state, const char *name,
			    const char *arg, uint64_t min, uint64_t max)
{
	uint64_t n = 0;

	if (number_parse_size(arg, min, max, &n) || (n & (n - 1)))
		argp_error(state,
			   "%s \"%s\" is not a power of two from %" PRIu64
			   " to %" PRIu64,
			   name, arg, min, max);
	return n;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct recording *rec = state->input;
	int level;

	switch (key) {
	case 'o':
		rec->out = arg;
		break;
	case 'l':
		for (level = EV_LEVEL_CONTROL; level <= EV_LEVEL_FULL; level++)
			if (!strcmp(arg, ev_level_name((enum ev_level)level)))
				break;
		if (level > EV_LEVEL_FULL)
			argp_error(state,
				   "level \"%s\" is unknown; use "
				   "control, protocol or full",
				   arg);
		rec->opt.level = (enum ev_level)level;
		break;
	case 's':
		rec->opt.subbuf_bytes = parse_power(
			state, "--subbuf-size", arg,
			(uint64_t)sysconf(_SC_PAGESIZE), 256u << 20);
		break;
	case 'n':
		rec->opt.num_subbuf =
			parse_power(state, "--num-subbuf", arg, 2, 1024);
		break;
	case 'c':
		rec->opt.contexts |= parse_contexts(state, arg);
		break;
	case 'f':
		rec->force = true;
		break;
	case ARGP_KEY_ARGS:
		rec->command = state->argv + state->next;
		break;
	case ARGP_KEY_END:
		if (!rec->out || !*rec->out)
			argp_error(state, "-o DIR is missing: where shall "
					  "the trace go?");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp parser = {
	options,
	parse_option,
	"-o DIR [-- COMMAND...]",
	"Record the events of all backends and frontends of this machine "
	"while COMMAND runs, or until Ctrl-C.\v"
	"The exit code is the command's.  The trace is CTF: ringside show, "
	"babeltrace2 and others read it.",
	NULL,
	NULL,
	NULL
};

/* ---- while it records ------------------------------------------------------
 */

/* What must be free: our reserve, and what the buffers may still hold. */
static uint64_t room_needed(const struct recording *rec, unsigned processes)
{
	uint64_t subbuf, num, cpus = (uint64_t)sysconf(_SC_NPROCESSORS_CONF);

	record_buffers(rec->session, &subbuf, &num);
	return ROOM_BYTES + processes * cpus * subbuf * num;
}

/* Stops the session, once; the command, if any, goes on. */
static void session_stop(struct recording *rec)
{
	struct record_result *res = &rec->result;

	if (!rec->session)
		return;
	lttng_since_ns = clock_now_ns();
	res->seconds = (double)(clock_now_ns() - rec->start_ns) / 1e9;
	record_buffers(rec->session, &res->subbuf_bytes, &res->num_subbuf);
	res->running = record_check_running(rec->dir, &res->running_count);
	if (record_stop(rec->session, &res->losses, &res->why))
		res->failed = true;
	record_close(rec->session);
	lttng_since_ns = 0;
	rec->session = NULL;
}

/* Stops before the file system is full; how long to wait until next time. */
static int room_check(struct recording *rec)
{
	unsigned n = record_dir_processes(rec->dir);
	uint64_t room = record_dir_room(rec->dir);

	/* We have buffers of our own that nothing is ever written to. */
	if (room >= room_needed(rec, n ? n - 1 : 0))
		return room < SCARCE_BYTES ? HASTE_MS : TICK_MS;
	session_stop(rec);
	rec->result.failed = true;
	why_set(&rec->result.why, -ENOSPC,
		"the file system of %s has only %.1f MiB left, so recording "
		"was stopped%s; make room or name another place",
		rec->out, (double)room / (1 << 20),
		rec->running ? " while the command goes on" : "");
	record_report_trouble(&rec->result);
	return TICK_MS;
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
		if (stop_count || (!rec->session && !rec->running))
			return;
		if (rec->session && !rec->command &&
		    now - status_ns > STATUS_NS) {
			record_report_status((now - rec->start_ns) / 1000000u,
					     record_dir_bytes(rec->dir));
			status_ns = now;
		}
		if (rec->session)
			tick_ms = room_check(rec);
		if (rec->session && now - alive_ns > ALIVE_NS) {
			alive_ns = now;
			if (!record_alive())
				session_stop(rec); /* and says why not */
		}
		wait_ms(tick_ms);
	}
}

static int record_run(struct recording *rec)
{
	uint64_t room = record_dir_room(rec->dir);
	enum record_verdict verdict;
	struct why why;
	unsigned absent;
	int err, pid;

	if (room < ROOM_BYTES + RECORD_PROCESS_BYTES) {
		fprintf(stderr,
			RECORD_PROGRAM
			": the file system of %s has "
			"only %.1f MiB left, %u are needed at least; make room "
			"or name another place\n",
			rec->out, (double)room / (1 << 20),
			(ROOM_BYTES + RECORD_PROCESS_BYTES) >> 20);
		return 1;
	}
	lttng_since_ns = clock_now_ns();
	err = record_start(&rec->session, &rec->opt, &why);
	lttng_since_ns = 0;
	record_report_clear();
	if (err) {
		fprintf(stderr, RECORD_PROGRAM ": %s\n", why.text);
		return 1;
	}
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
	if (rec->command && !stop_count) {
		err = record_command_start(rec->command, &rec->pid, &why);
		if (err) {
			fprintf(stderr, RECORD_PROGRAM ": %s\n", why.text);
			return err == -ENOENT ? 127 : 126;
		}
		rec->running = true;
	} else if (rec->command) {
		rec->code = 128 + stop_signal;
	}
	watch(rec);
	if (rec->running)
		rec->code = record_command_end(
			rec->pid, stop_from_tty ? 0 : stop_signal, &stop_count);
	session_stop(rec);
	/* From here on Ctrl-C only cuts the report short. */
	stop_count = 0;
	verdict = record_report(&rec->result, rec->out, rec->dir, &stop_count);
	rec->recorded = verdict != RECORD_NOTHING;
	return rec->code ? rec->code : verdict != RECORD_FINE;
}

int cmd_record(int argc, char **argv)
{
	static struct recording rec = {
		.opt = { .level = EV_LEVEL_PROTOCOL,
			 .waiting = record_report_waiting },
	};
	struct why why;
	int code, err;

	argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &rec);
	err = signals_catch();
	if (err) {
		fprintf(stderr, RECORD_PROGRAM ": %s\n", strerror(-err));
		return 1;
	}
	err = record_dir_prepare(rec.out, rec.force, rec.dir, &rec.dir_made,
				 &why);
	if (err) {
		fprintf(stderr, RECORD_PROGRAM ": %s\n", why.text);
		return err == -ENOTEMPTY || err == -ENOTDIR || err == -ENOENT ||
				       err == -ENAMETOOLONG
			       ? 2
			       : 1;
	}
	rec.opt.dir = rec.dir;
	code = record_run(&rec);
	record_close(rec.session);
	free(rec.result.running);
	if (!rec.recorded)
		record_dir_discard(rec.dir, rec.dir_made);
	return code;
}
