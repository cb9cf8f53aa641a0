/* SPDX-License-Identifier: MIT */
/* Requests and what storage does for them, in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "viz/views/scribe.h"

static void tell_refuse(struct scribe *s)
{
	say(s, WAY_NOTE, 0, TONE_BAD, "refuses #%" PRIu64 " by %s: %s",
	    seq_of(s, LF_request_refuse_seq), str(s, LF_request_refuse_rule),
	    str(s, LF_request_refuse_detail));
}

static void tell_tolerate(struct scribe *s)
{
	const char *rule = str(s, LF_request_tolerate_rule);
	uint64_t seq = seq_of(s, LF_request_tolerate_seq);

	say(s, WAY_NOTE, 0, TONE_BAD,
	    "serves #%" PRIu64 " though it breaks %s: %s", seq, rule,
	    str(s, LF_request_tolerate_detail));
	folds(s, "serves %s requests though they break a rule",
	      "#%" PRIu64 " (%s)", seq, rule);
}

static void tell_list(struct scribe *s)
{
	uint32_t pages = get32(s, LF_request_list_pages);
	uint64_t seq = seq_of(s, LF_request_list_seq);

	say(s, WAY_NOTE, 0, TONE_RING,
	    "copies the list of #%" PRIu64 ": %u segments in %u page%s", seq,
	    get32(s, LF_request_list_segments), pages, pages == 1 ? "" : "s");
	folds(s, "copies the lists of %s requests", "#%" PRIu64, seq);
}

/* The storage is slow or wrong on purpose. */
static void tell_inject(struct scribe *s)
{
	int64_t held = get(s, LF_disk_inject_held);
	char ns[TEXT_NS_MAX];

	say(s, WAY_NOTE, LANE_DISK, TONE_DISK,
	    "on purpose, for #%" PRIu64 ": %s%s%s",
	    seq_of(s, LF_disk_inject_seq), str(s, LF_disk_inject_what),
	    held ? ", held back for " : "", held ? text_ns(ns, held) : "");
}

void tell_disk(struct scribe *s)
{
	static const char *const ops[] = { "read", "write", "flush",
					   "discard" };
	int64_t op, error;
	char buf[TEXT_SIZE_MAX];
	uint64_t seq;

	if (s->rec->kind == EV_KIND_disk_inject) {
		tell_inject(s);
		return;
	}
	if (s->rec->kind != EV_KIND_disk_submit &&
	    s->rec->kind != EV_KIND_disk_done)
		return;
	if (s->rec->kind == EV_KIND_disk_submit) {
		op = get(s, LF_disk_submit_op);
		seq = seq_of(s, LF_disk_submit_seq);
		if (op == EV_DISKOP_FLUSH)
			say(s, WAY_OUT, LANE_DISK, TONE_DISK,
			    "flush for #%" PRIu64, seq);
		else
			say(s, WAY_OUT, LANE_DISK, TONE_DISK,
			    "%s %s at byte %" PRIu64 " for #%" PRIu64,
			    op >= 0 && op < 4 ? ops[op] : "?",
			    text_size(buf,
				      (uint64_t)get(s, LF_disk_submit_len)),
			    (uint64_t)get(s, LF_disk_submit_off), seq);
		folds(s, "%s operations", "#%" PRIu64, seq);
		return;
	}
	error = get(s, LF_disk_done_error);
	seq = seq_of(s, LF_disk_done_seq);
	if (error) {
		const char *name = error < 0 && error > -4096
					   ? strerrorname_np((int)-error)
					   : NULL;

		say(s, WAY_IN, LANE_DISK, TONE_BAD,
		    "fails for #%" PRIu64 ": %s (%d)", seq,
		    name ? name : "error", (int)error);
		return;
	}
	say(s, WAY_IN, LANE_DISK, TONE_DISK, "done for #%" PRIu64, seq);
	folds(s, "%s operations are done", "#%" PRIu64, seq);
}

static const char *const plural_push[MODEL_OP_OTHER + 1] = {
	"pushes %s reads",
	"pushes %s writes",
	"pushes %s barriers",
	"pushes %s flushes",
	"pushes %s requests",
	"pushes %s discards",
	"pushes %s indirect requests",
	"pushes %s requests",
};
static const char *const plural_take[MODEL_OP_OTHER + 1] = {
	"takes %s reads",
	"takes %s writes",
	"takes %s barriers",
	"takes %s flushes",
	"takes %s requests",
	"takes %s discards",
	"takes %s indirect requests",
	"takes %s requests",
};

/* A guest may write any number. */
static const char *plural(const char *const *words, unsigned op)
{
	return words[op < MODEL_OP_OTHER ? op : MODEL_OP_OTHER];
}

void tell_requests(struct scribe *s)
{
	char buf[TEXT_SIZE_MAX];
	unsigned op;
	uint64_t seq;
	int status;

	switch ((enum ev_kind)s->rec->kind) {
	case EV_KIND_request_push:
		op = (unsigned)get(s, LF_request_push_op);
		seq = seq_of(s, LF_request_push_seq);
		if (get(s, LF_request_push_len))
			say(s, WAY_OUT, LANE_RING, TONE_RING,
			    "pushes %s #%" PRIu64 ": %s at sector %" PRIu64
			    ", slot %u",
			    op_name(op), seq,
			    text_size(buf,
				      (uint64_t)get(s, LF_request_push_len)),
			    (uint64_t)get(s, LF_request_push_sector),
			    get32(s, LF_request_push_slot));
		else
			say(s, WAY_OUT, LANE_RING, TONE_RING,
			    "pushes %s #%" PRIu64 ", slot %u", op_name(op), seq,
			    get32(s, LF_request_push_slot));
		folds(s, plural(plural_push, op), "#%" PRIu64, seq);
		break;
	case EV_KIND_request_take:
		op = (unsigned)get(s, LF_request_take_op);
		seq = seq_of(s, LF_request_take_seq);
		say(s, WAY_IN, LANE_RING, TONE_RING,
		    "takes %s #%" PRIu64 " out of slot %u", op_name(op), seq,
		    get32(s, LF_request_take_slot));
		folds(s, plural(plural_take, op), "#%" PRIu64, seq);
		break;
	case EV_KIND_request_check:
		seq = seq_of(s, LF_request_check_seq);
		say(s, WAY_NOTE, 0, TONE_RING, "#%" PRIu64 " keeps every rule",
		    seq);
		folds(s, "%s requests keep every rule", "#%" PRIu64, seq);
		break;
	case EV_KIND_request_refuse:
		tell_refuse(s);
		break;
	case EV_KIND_request_list:
		tell_list(s);
		break;
	case EV_KIND_request_tolerate:
		tell_tolerate(s);
		break;
	case EV_KIND_request_respond:
		status = (int)get(s, LF_request_respond_status);
		seq = seq_of(s, LF_request_respond_seq);
		say(s, WAY_OUT, LANE_RING, status ? TONE_BAD : TONE_RING,
		    "responds to #%" PRIu64 ": %s, slot %u", seq,
		    status_name(status), get32(s, LF_request_respond_slot));
		if (!status)
			folds(s, "responds to %s requests: okay", "#%" PRIu64,
			      seq);
		break;
	case EV_KIND_request_complete:
		status = (int)get(s, LF_request_complete_status);
		seq = seq_of(s, LF_request_complete_seq);
		say(s, WAY_IN, LANE_RING, status ? TONE_BAD : TONE_RING,
		    "completes #%" PRIu64 ": %s", seq, status_name(status));
		if (!status)
			folds(s, "completes %s requests: okay", "#%" PRIu64,
			      seq);
		break;
	default:
		break;
	}
}
