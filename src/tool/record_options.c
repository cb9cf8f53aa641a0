/* SPDX-License-Identifier: MIT */
#include "tool/record_options.h"

#include <argp.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "trace/record/apps.h"
#include "trace/record/proc.h"

#define SNAPSHOTS     3
#define SNAPSHOTS_MAX 1000
#define SLOW_MAX_MS   3600000

#define RING_BYTES_MAX (1u << 30)
/* By probes; 16 MiB in all, for all programs. */
#define RING_SUBBUF_BYTES (2u << 20)
#define RING_SUBBUFS	  8u

enum {
	OPT_FLIGHT = 0x100,
	OPT_SOURCE,
	OPT_PROBES,
	OPT_TRIGGER,
	OPT_SNAPSHOTS,
	OPT_TO,
	OPT_PID,
};

static const struct argp_option options[] = {
	{ "output", 'o', "DIR", 0, "Write the trace to DIR, which is made", 0 },
	{ "to", OPT_TO, "HOST[:CONTROL:DATA]", 0,
	  "Send the trace to the lttng-relayd on HOST instead, by its ports "
	  "(default 5342 and 5343)",
	  0 },
	{ "level", 'l', "LEVEL", 0, "control, protocol (the default) or full",
	  0 },
	{ "subbuf-size", 's', "BYTES", 0,
	  "Size of a sub-buffer, a power of two: 512k", 0 },
	{ "num-subbuf", 'n', "N", 0,
	  "Sub-buffers for each processor and process, a power of two", 0 },
	{ "contexts", 'c', "LIST", 0,
	  "Add to each event any of vpid, vtid, procname", 0 },
	{ "pid", OPT_PID, "PID", 0,
	  "Record this process alone, which runs already", 0 },
	{ "source", OPT_SOURCE, "SOURCE", 0,
	  "Whose events: ringsided (the default), with its frontends; "
	  "blkback or blkfront, Linux's xen-blkback or, in a guest, "
	  "xen-blkfront, read by BPF as root",
	  0 },
	{ "probes", OPT_PROBES, NULL, 0,
	  "Read the USDT probes of programs by BPF, as root and without LTTng; "
	  "there is one buffer for all of them",
	  0 },
	{ "flight", OPT_FLIGHT, NULL, 0,
	  "Keep the last moments in memory, and write them when a trigger "
	  "fires or SIGUSR1 comes",
	  0 },
	{ "trigger", OPT_TRIGGER, "LIST", 0,
	  "With --flight, any of: refused (a request, by a rule), error (an "
	  "error response), slow=MS (a request slower than MS milliseconds), "
	  "death (a ringsided that ends without saying so)",
	  0 },
	{ "snapshots", OPT_SNAPSHOTS, "N", 0,
	  "With --flight, at most N snapshots for each trigger (default 3)",
	  0 },
	{ "force", 'f', NULL, 0, "Replace an older trace in DIR", 0 },
	{ 0 },
};

/* Where the trace goes, and what goes with that. */
static void check_place(struct argp_state *state,
			const struct record_request *req)
{
	bool away = *req->relay.host;

	if (!away && (!req->out || !*req->out))
		argp_error(state,
			   "-o DIR is missing: where shall the trace go?");
	if (away && req->out)
		argp_error(state, "a trace goes to a directory (-o) or to a "
				  "host (--to), not to both");
	if (away && req->opt.flight)
		argp_error(state, "--flight keeps its snapshots on this "
				  "machine; use -o DIR, not --to");
	if (away && req->force)
		argp_error(state, "--force is for -o");
}

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

static void parse_triggers(struct argp_state *state, struct record_request *req,
			   char *list)
{
	char *rest = NULL, *value;
	uint64_t ms;

	for (char *w = strtok_r(list, ",", &rest); w;
	     w = strtok_r(NULL, ",", &rest)) {
		int cause = 0;

		value = strchr(w, '=');
		if (value)
			*value++ = '\0';
		while (cause < RECORD_ASKED &&
		       strcmp(w, record_cause_word((enum record_cause)cause)))
			cause++;
		if (cause == RECORD_ASKED)
			argp_error(state,
				   "trigger \"%s\" is unknown; use refused, "
				   "error, slow=MS or death",
				   w);
		if (cause == RECORD_SLOW) {
			if (!value || number_parse(value, 1, SLOW_MAX_MS, &ms))
				argp_error(state,
					   "slow=%s: slow needs a whole number "
					   "of milliseconds from 1 to %d",
					   value ? value : "", SLOW_MAX_MS);
			req->slow_ms = (unsigned)ms;
		} else if (value) {
			argp_error(state, "trigger \"%s\" takes no value", w);
		}
		req->causes |= 1u << cause;
	}
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

/* Whether one process can be told from others. */
static void pid_check(struct argp_state *state,
		      const struct record_request *req)
{
	if (!req->opt.pid)
		return;
	if (req->source != RECORD_RINGSIDED)
		argp_error(state, "--pid is for programs; a kernel has none");
	if (req->opt.flight)
		argp_error(state, "--pid is not for --flight, whose triggers "
				  "hear all processes");
	if (!req->probes && !record_apps_has((int)req->opt.pid))
		argp_error(state,
			   "--pid %d: that process emits no events to LTTng, "
			   "or not to ours",
			   (int)req->opt.pid);
}

/* What is for LTTng only. */
static void direct_check(struct argp_state *state, struct record_request *req)
{
	const char *way = req->probes			   ? "--probes"
			  : req->source == RECORD_BLKFRONT ? "--source blkfront"
							   : "--source blkback";

	if (req->probes && req->source != RECORD_RINGSIDED)
		argp_error(
			state, "--probes is for programs, not for --source %s",
			req->source == RECORD_BLKBACK ? "blkback" : "blkfront");
	if (req->opt.flight)
		argp_error(state, "--flight is done by LTTng, not by %s", way);
	if (!req->out)
		argp_error(state, "--to is done by LTTng, not by %s", way);
	if (req->opt.contexts)
		argp_error(state, "--contexts is for LTTng, not for %s", way);
	if (!req->opt.subbuf_bytes)
		req->opt.subbuf_bytes = RING_SUBBUF_BYTES;
	if (!req->opt.num_subbuf)
		req->opt.num_subbuf = RING_SUBBUFS;
	if (req->opt.subbuf_bytes * req->opt.num_subbuf > RING_BYTES_MAX)
		argp_error(state,
			   "the buffer of %s is 1 GiB at most; take less with "
			   "--subbuf-size or --num-subbuf",
			   way);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct record_request *rec = state->input;
	struct why why;
	uint64_t n = 0;
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
	case OPT_SOURCE:
		if (!strcmp(arg, "blkback"))
			rec->source = RECORD_BLKBACK;
		else if (!strcmp(arg, "blkfront"))
			rec->source = RECORD_BLKFRONT;
		else if (strcmp(arg, "ringsided"))
			argp_error(state,
				   "source \"%s\" is unknown; use "
				   "ringsided, blkback or blkfront",
				   arg);
		break;
	case OPT_PID:
		if (number_parse(arg, 1, INT_MAX, &n) ||
		    !record_proc_runs((int)n))
			argp_error(state, "--pid %s: no such process runs",
				   arg);
		if (record_proc_of((int)n) != (int)n)
			argp_error(state,
				   "--pid %s: that is a thread of "
				   "process %d",
				   arg, record_proc_of((int)n));
		rec->opt.pid = (pid_t)n;
		break;
	case OPT_PROBES:
		rec->probes = true;
		break;
	case OPT_FLIGHT:
		rec->opt.flight = true;
		break;
	case OPT_TRIGGER:
		parse_triggers(state, rec, arg);
		break;
	case OPT_SNAPSHOTS:
		if (number_parse(arg, 1, SNAPSHOTS_MAX, &n))
			argp_error(state,
				   "--snapshots \"%s\" is not a number from 1 "
				   "to %d",
				   arg, SNAPSHOTS_MAX);
		rec->snapshots = (unsigned)n;
		break;
	case OPT_TO:
		if (record_relay_parse(arg, &rec->relay, &why))
			argp_error(state, "--to %s", why.text);
		break;
	case ARGP_KEY_ARGS:
		rec->command = state->argv + state->next;
		break;
	case ARGP_KEY_END:
		check_place(state, rec);
		pid_check(state, rec);
		if (!rec->opt.flight && rec->causes)
			argp_error(state, "--trigger is for --flight");
		if (!rec->opt.flight && rec->snapshots)
			argp_error(state, "--snapshots is for --flight");
		if (!rec->snapshots)
			rec->snapshots = SNAPSHOTS;
		if (rec->probes || rec->source != RECORD_RINGSIDED)
			direct_check(state, rec);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp parser = {
	options,
	parse_option,
	"-o DIR [-- COMMAND...]\n--to HOST [-- COMMAND...]",
	"Record the events of all backends and frontends of this machine "
	"while COMMAND runs, or until Ctrl-C.\v"
	"The exit code is the command's.  The trace is CTF: ringside show, "
	"babeltrace2 and others read it.\n\n"
	"A flight recorder writes nothing until then; each snapshot is a trace "
	"of its own, DIR/1-error, DIR/2-asked and so on.  Its memory is "
	"processors x (sub-buffers + 1) x size for each user whose programs "
	"it records: 36 MiB or less, unless told otherwise or on more than 64 "
	"processors.",
	NULL,
	NULL,
	NULL
};

void record_options_parse(int argc, char **argv, struct record_request *req)
{
	argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, req);
}
