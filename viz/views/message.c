/* SPDX-License-Identifier: MIT */
#include "viz/views/message.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "viz/text.h"

const char *const lane_names[LANE_COUNT] = {
	"frontend", "store", "ring + event channel", "backend", "disk",
};

const char *const tone_names[TONE_COUNT] = {
	"state", "store", "ring", "index", "notify",
	"grant", "disk",  "life", "bad",
};

const char *state_name(int64_t state)
{
	static const char *const names[] = {
		"Unknown",   "Initialising", "InitWait",
		"Initialised", "Connected",  "Closing",
		"Closed",    "Reconfiguring", "Reconfigured",
	};

	return state >= 0 && state < 9 ? names[state] : "?";
}

const char *op_name(unsigned op)
{
	const char *word = ev_word_find(&ev_words_op, op);

	return word ? word : "unknown operation";
}

const char *status_name(int status)
{
	const char *word = ev_word_find(&ev_words_status, status);

	return word ? word : "unknown status";
}

const char *actor_name(unsigned actor)
{
	const char *word = ev_word_find(&ev_words_actor, actor);

	return word ? word : "?";
}

const char *key_name(const char *path, uint32_t devid)
{
	char dir[16];
	const char *at, *last;

	snprintf(dir, sizeof(dir), "/%" PRIu32 "/", devid);
	at = strstr(path, dir);
	if (at)
		return at + strlen(dir);
	last = strrchr(path, '/');
	return last && last[1] ? last + 1 : path;
}

struct scribe {
	const struct model *m;
	const struct trace_log *log;
	const struct log_rec *rec;
	struct message *out;
};

/* A message from the speaker's lane to another, or the other way round. */
enum way { WAY_OUT, WAY_IN, WAY_NOTE };

static uint8_t own_lane(const struct log_rec *rec)
{
	switch (rec->actor) {
	case EV_ACTOR_FRONTEND:
		return LANE_FRONTEND;
	case EV_ACTOR_STORE:
		return LANE_STORE;
	default:
		return LANE_BACKEND;
	}
}

static void say(struct scribe *s, enum way way, enum lane other,
		enum tone tone, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static void say(struct scribe *s, enum way way, enum lane other,
		enum tone tone, const char *fmt, ...)
{
	uint8_t own = own_lane(s->rec);
	char line[2 * STRINGS_TEXT_MAX];
	va_list ap;

	s->out->from = way == WAY_IN ? (uint8_t)other : own;
	s->out->to = way == WAY_OUT ? (uint8_t)other : own;
	s->out->tone = (uint8_t)tone;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	text_clean(s->out->text, sizeof(s->out->text), line, strlen(line));
}

/* How several of these read, and which part of each is listed. */
static void folds(struct scribe *s, const char *many, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void folds(struct scribe *s, const char *many, const char *fmt, ...)
{
	char line[2 * STRINGS_TEXT_MAX];
	va_list ap;

	s->out->many = many;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	text_clean(s->out->item, sizeof(s->out->item), line, strlen(line));
}

static int64_t get(const struct scribe *s, enum log_field f)
{
	return log_get(s->log, s->rec, f);
}

static uint32_t get32(const struct scribe *s, enum log_field f)
{
	return (uint32_t)log_get(s->log, s->rec, f);
}

static const char *str(const struct scribe *s, enum log_field f)
{
	return log_text(s->log, s->rec, f);
}

/* The same number for both sides of a request where they are joined. */
static uint64_t seq_of(const struct scribe *s, enum log_field f)
{
	uint32_t of = s->m->of_rec[s->rec - s->log->rec];

	return of == MODEL_NONE ? (uint64_t)get(s, f) :
				  request_seq(&s->m->request[of]);
}

static const char *size(char buf[TEXT_SIZE_MAX], uint64_t bytes)
{
	return text_size(buf, bytes);
}

/* ---- handshake ---------------------------------------------------------- */

static void tell_store(struct scribe *s, const char *path)
{
	const char *key = key_name(path, s->rec->devid);

	switch ((enum ev_kind)s->rec->kind) {
	case EV_KIND_store_read:
		if (get(s, LF_store_read_error)) {
			say(s, WAY_IN, LANE_STORE, TONE_STORE,
			    "reads %s: absent", key);
			folds(s, "reads %s keys", "%s: absent", key);
			break;
		}
		say(s, WAY_IN, LANE_STORE, TONE_STORE, "reads %s = %s", key,
		    str(s, LF_store_read_value));
		folds(s, "reads %s keys", "%s = %s", key,
		      str(s, LF_store_read_value));
		break;
	case EV_KIND_store_write:
		say(s, WAY_OUT, LANE_STORE, TONE_STORE, "writes %s = %s", key,
		    str(s, LF_store_write_value));
		folds(s, "writes %s keys", "%s = %s", key,
		      str(s, LF_store_write_value));
		break;
	case EV_KIND_store_remove:
		say(s, WAY_OUT, LANE_STORE, TONE_STORE, "removes %s", key);
		folds(s, "removes %s keys", "%s", key);
		break;
	default:
		say(s, WAY_IN, LANE_STORE, TONE_STORE, "watch fires: %s", key);
		folds(s, "%s watches fire", "%s", key);
	}
}

static void tell_control(struct scribe *s)
{
	char buf[TEXT_SIZE_MAX];
	const char *peer = s->rec->actor == EV_ACTOR_FRONTEND ? "backend" :
								"frontend";

	switch ((enum ev_kind)s->rec->kind) {
	case EV_KIND_program_start:
		say(s, WAY_NOTE, 0, TONE_LIFE, "%s starts (process %u)",
		    str(s, LF_program_start_program),
		    get32(s, LF_program_start_pid));
		break;
	case EV_KIND_program_stop:
		say(s, WAY_NOTE, 0, TONE_LIFE, "%s ends",
		    str(s, LF_program_stop_program));
		break;
	case EV_KIND_device_create:
		say(s, WAY_NOTE, 0, TONE_LIFE, "takes on the disk: %s, %s",
		    str(s, LF_device_create_target),
		    size(buf, (uint64_t)get(s, LF_device_create_size)));
		break;
	case EV_KIND_device_fault:
		say(s, WAY_NOTE, 0, TONE_BAD, "stops it, %s: %s",
		    str(s, LF_device_fault_rule),
		    str(s, LF_device_fault_detail));
		break;
	case EV_KIND_device_destroy:
		say(s, WAY_NOTE, 0, TONE_LIFE, "nothing of the disk is left");
		break;
	case EV_KIND_queue_start:
		say(s, WAY_NOTE, 0, TONE_LIFE, "serves queue %u, %u entries",
		    s->rec->queue, get32(s, LF_queue_start_ring_entries));
		break;
	case EV_KIND_queue_stop:
		say(s, WAY_NOTE, 0, TONE_LIFE, "ends queue %u: %" PRIu64
		    " requests, %" PRIu64 " responses", s->rec->queue,
		    (uint64_t)get(s, LF_queue_stop_requests),
		    (uint64_t)get(s, LF_queue_stop_responses));
		break;
	case EV_KIND_state_switch:
		say(s, WAY_OUT, LANE_STORE, TONE_STATE, "state %d %s → %d %s",
		    (int)get(s, LF_state_switch_from),
		    state_name(get(s, LF_state_switch_from)),
		    (int)get(s, LF_state_switch_to),
		    state_name(get(s, LF_state_switch_to)));
		break;
	case EV_KIND_state_seen:
		say(s, WAY_IN, LANE_STORE, TONE_STATE, "sees %s in %d %s",
		    peer, (int)get(s, LF_state_seen_state),
		    state_name(get(s, LF_state_seen_state)));
		break;
	case EV_KIND_store_read:
		tell_store(s, str(s, LF_store_read_path));
		break;
	case EV_KIND_store_write:
		tell_store(s, str(s, LF_store_write_path));
		break;
	case EV_KIND_store_remove:
		tell_store(s, str(s, LF_store_remove_path));
		break;
	case EV_KIND_store_watch:
		tell_store(s, str(s, LF_store_watch_path));
		break;
	case EV_KIND_feature_offer:
		say(s, WAY_NOTE, 0, TONE_STORE, "offers %s = %" PRIu64,
		    str(s, LF_feature_offer_name),
		    (uint64_t)get(s, LF_feature_offer_value));
		folds(s, "offers %s features", "%s = %" PRIu64,
		      str(s, LF_feature_offer_name),
		      (uint64_t)get(s, LF_feature_offer_value));
		break;
	case EV_KIND_feature_accept:
		say(s, WAY_NOTE, 0, TONE_STORE, "settles %s = %" PRIu64,
		    str(s, LF_feature_accept_name),
		    (uint64_t)get(s, LF_feature_accept_value));
		folds(s, "settles %s features", "%s = %" PRIu64,
		      str(s, LF_feature_accept_name),
		      (uint64_t)get(s, LF_feature_accept_value));
		break;
	default:
		break;
	}
}

/* ---- grants and event channels ------------------------------------------ */

static void list_grefs(char *buf, size_t cap, const uint32_t *gref, uint32_t n)
{
	uint32_t i;
	size_t at = 0;

	*buf = '\0';
	for (i = 0; i < n && i < 4; i++)
		at += (size_t)snprintf(buf + at, cap - at, "%s%" PRIu32,
				       i ? " " : "", gref[i]);
	if (i < n)
		snprintf(buf + at, cap - at, " …");
}

static void tell_map(struct scribe *s)
{
	uint32_t n, ns, i, bad = 0;
	const uint32_t *gref = log_array(s->log, s->rec, LF_grant_map_gref,
					 &n);
	const uint32_t *status = log_array(s->log, s->rec,
					   LF_grant_map_status, &ns);
	uint64_t seq = (uint64_t)get(s, LF_grant_map_seq);
	const char *how = get(s, LF_grant_map_writable) ? "read-write" :
							  "read-only";
	char list[64], what[32] = "the ring";

	for (i = 0; i < ns; i++)
		bad += status[i] != 0;
	if (seq)
		snprintf(what, sizeof(what), "#%" PRIu64,
			 seq_of(s, LF_grant_map_seq));
	list_grefs(list, sizeof(list), gref, n);
	if (bad)
		say(s, WAY_NOTE, 0, TONE_BAD, "%u of %u grants of %s cannot "
		    "be mapped", bad, n, what);
	else
		say(s, WAY_NOTE, 0, TONE_GRANT, "maps %u page%s of %s %s "
		    "(grant%s %s)", n, n == 1 ? "" : "s", what, how,
		    n == 1 ? "" : "s", list);
	if (seq && !bad)
		folds(s, "maps the pages of %s requests", "%s", what);
}

static void tell_copy(struct scribe *s)
{
	uint32_t n, i, bad = 0;
	const uint32_t *status = log_array(s->log, s->rec,
					   LF_grant_copy_status, &n);
	uint64_t seq = seq_of(s, LF_grant_copy_seq);
	const char *way = get(s, LF_grant_copy_to_guest) ? "to the guest" :
							   "from the guest";

	for (i = 0; i < n; i++)
		bad += status[i] != 0;
	if (bad) {
		say(s, WAY_NOTE, 0, TONE_BAD, "%u of %u copies of #%" PRIu64
		    " fail", bad, n, seq);
		return;
	}
	say(s, WAY_NOTE, 0, TONE_GRANT, "copies %u page%s of #%" PRIu64 " %s",
	    n, n == 1 ? "" : "s", seq, way);
	folds(s, "copies the pages of %s requests", "#%" PRIu64, seq);
}

static void tell_grant(struct scribe *s)
{
	uint32_t n;

	switch ((enum ev_kind)s->rec->kind) {
	case EV_KIND_grant_access:
		say(s, WAY_NOTE, 0, TONE_GRANT, "grants a page %s (grant %u)",
		    get(s, LF_grant_access_writable) ? "read-write" :
						       "read-only",
		    get32(s, LF_grant_access_gref));
		folds(s, "grants %s pages", "%u",
		      get32(s, LF_grant_access_gref));
		break;
	case EV_KIND_grant_end:
		if (get(s, LF_grant_end_busy)) {
			say(s, WAY_NOTE, 0, TONE_BAD, "grant %u cannot be "
			    "ended: still mapped",
			    get32(s, LF_grant_end_gref));
			break;
		}
		say(s, WAY_NOTE, 0, TONE_GRANT, "ends grant %u",
		    get32(s, LF_grant_end_gref));
		folds(s, "ends %s grants", "%u", get32(s, LF_grant_end_gref));
		break;
	case EV_KIND_grant_batch:
		n = get32(s, LF_grant_batch_pages);
		say(s, WAY_NOTE, 0,
		    get(s, LF_grant_batch_failed) ? TONE_BAD : TONE_GRANT,
		    "one call %smaps %u page%s of %u request%s",
		    get(s, LF_grant_batch_unmap) ? "un" : "", n,
		    n == 1 ? "" : "s", get32(s, LF_grant_batch_requests),
		    get32(s, LF_grant_batch_requests) == 1 ? "" : "s");
		break;
	case EV_KIND_grant_map:
		tell_map(s);
		break;
	case EV_KIND_grant_reuse:
		n = get32(s, LF_grant_reuse_count);
		say(s, WAY_NOTE, 0, TONE_GRANT, "finds %u page%s of #%" PRIu64
		    " mapped already", n, n == 1 ? "" : "s",
		    seq_of(s, LF_grant_reuse_seq));
		folds(s, "finds pages of %s requests mapped already",
		      "#%" PRIu64, seq_of(s, LF_grant_reuse_seq));
		break;
	case EV_KIND_grant_copy:
		tell_copy(s);
		break;
	case EV_KIND_grant_unmap:
		n = get32(s, LF_grant_unmap_count);
		if (!get(s, LF_grant_unmap_seq)) {
			say(s, WAY_NOTE, 0, TONE_GRANT, "unmaps the ring");
			break;
		}
		say(s, WAY_NOTE, 0, TONE_GRANT, "unmaps %u page%s of #%" PRIu64,
		    n, n == 1 ? "" : "s", seq_of(s, LF_grant_unmap_seq));
		folds(s, "unmaps the pages of %s requests", "#%" PRIu64,
		      seq_of(s, LF_grant_unmap_seq));
		break;
	default:
		break;
	}
}

static void tell_evtchn(struct scribe *s)
{
	switch ((enum ev_kind)s->rec->kind) {
	case EV_KIND_evtchn_alloc:
		say(s, WAY_OUT, LANE_RING, TONE_NOTIFY,
		    "allocates event channel port %u",
		    get32(s, LF_evtchn_alloc_port));
		break;
	case EV_KIND_evtchn_bind:
		say(s, WAY_OUT, LANE_RING, TONE_NOTIFY,
		    "binds port %u to the peer's %u",
		    get32(s, LF_evtchn_bind_port),
		    get32(s, LF_evtchn_bind_remote_port));
		break;
	case EV_KIND_evtchn_unbind:
		say(s, WAY_OUT, LANE_RING, TONE_NOTIFY, "closes port %u",
		    get32(s, LF_evtchn_unbind_port));
		break;
	case EV_KIND_evtchn_notify:
		say(s, WAY_OUT, LANE_RING, TONE_NOTIFY, "notifies (port %u)",
		    get32(s, LF_evtchn_notify_port));
		folds(s, "notifies %s times", "%s", "");
		break;
	case EV_KIND_evtchn_wakeup:
		say(s, WAY_IN, LANE_RING, TONE_NOTIFY, "is woken (port %u)",
		    get32(s, LF_evtchn_wakeup_port));
		folds(s, "is woken %s times", "%s", "");
		break;
	case EV_KIND_evtchn_spurious:
		say(s, WAY_IN, LANE_RING, TONE_NOTIFY,
		    "was woken for nothing (port %u)",
		    get32(s, LF_evtchn_spurious_port));
		folds(s, "was woken for nothing %s times", "%s", "");
		break;
	default:
		break;
	}
}

/* ---- ring --------------------------------------------------------------- */

static void tell_consume(struct scribe *s)
{
	bool rsp = get(s, LF_ring_consume_side) == EV_SIDE_RESPONSE;
	uint32_t from = get32(s, LF_ring_consume_cons_before);
	uint32_t to = get32(s, LF_ring_consume_cons_after);
	uint32_t prod = get32(s, LF_ring_consume_prod);
	const char *name = rsp ? "rsp_prod" : "req_prod";
	const char *what = rsp ? "response" : "request";

	if (to == from)
		say(s, WAY_IN, LANE_RING, TONE_INDEX, "%s = %u: nothing new",
		    name, prod);
	else if (to - from == 1)
		say(s, WAY_IN, LANE_RING, TONE_INDEX,
		    "%s = %u: takes %s %u", name, prod, what, from);
	else
		say(s, WAY_IN, LANE_RING, TONE_INDEX,
		    "%s = %u: takes %u %ss, %u to %u", name, prod, to - from,
		    what, from, to - 1);
}

static void tell_ring(struct scribe *s)
{
	uint32_t n = 0;
	const uint32_t *gref;
	char list[64];
	bool rsp;

	switch ((enum ev_kind)s->rec->kind) {
	case EV_KIND_ring_map:
		gref = log_array(s->log, s->rec, LF_ring_map_gref, &n);
		list_grefs(list, sizeof(list), gref, n);
		say(s, WAY_OUT, LANE_RING, TONE_RING,
		    "%s the ring, %u entries (grant%s %s)",
		    s->rec->actor == EV_ACTOR_FRONTEND ? "makes" : "maps",
		    get32(s, LF_ring_map_entries), n == 1 ? "" : "s", list);
		break;
	case EV_KIND_ring_unmap:
		say(s, WAY_OUT, LANE_RING, TONE_RING, "leaves the ring");
		break;
	case EV_KIND_ring_consume:
		tell_consume(s);
		break;
	case EV_KIND_ring_produce:
		rsp = get(s, LF_ring_produce_side) == EV_SIDE_RESPONSE;
		say(s, WAY_OUT, LANE_RING, TONE_INDEX, "%s %u → %u",
		    rsp ? "rsp_prod" : "req_prod",
		    get32(s, LF_ring_produce_prod_before),
		    get32(s, LF_ring_produce_prod_after));
		break;
	case EV_KIND_ring_notify:
		rsp = get(s, LF_ring_notify_side) == EV_SIDE_RESPONSE;
		say(s, WAY_NOTE, 0, TONE_INDEX, "notify? %s: %s %u is %sin "
		    "(%u, %u]", get(s, LF_ring_notify_needed) ? "yes" : "no",
		    rsp ? "rsp_event" : "req_event",
		    get32(s, LF_ring_notify_event),
		    get(s, LF_ring_notify_needed) ? "" : "not ",
		    get32(s, LF_ring_notify_prod_before),
		    get32(s, LF_ring_notify_prod_after));
		break;
	case EV_KIND_ring_final_check:
		rsp = get(s, LF_ring_final_check_side) == EV_SIDE_RESPONSE;
		say(s, WAY_NOTE, 0, TONE_INDEX, "sets %s = %u, looks again: %s",
		    rsp ? "rsp_event" : "req_event",
		    get32(s, LF_ring_final_check_event),
		    get(s, LF_ring_final_check_more) ? "more came" : "nothing");
		break;
	case EV_KIND_ring_slot:
		say(s, WAY_NOTE, 0, TONE_INDEX, "the slot's raw bytes");
		folds(s, "the raw bytes of %s slots", "%s", "");
		break;
	case EV_KIND_ring_indices:
		say(s, WAY_NOTE, 0, TONE_INDEX, "the four indices");
		folds(s, "the four indices, %s times", "%s", "");
		break;
	default:
		break;
	}
}

/* ---- requests ----------------------------------------------------------- */

static void tell_refuse(struct scribe *s)
{
	say(s, WAY_NOTE, 0, TONE_BAD, "refuses #%" PRIu64 " by %s: %s",
	    seq_of(s, LF_request_refuse_seq), str(s, LF_request_refuse_rule),
	    str(s, LF_request_refuse_detail));
}

static void tell_disk(struct scribe *s)
{
	static const char *const ops[] = { "read", "write", "flush",
					   "discard" };
	int64_t op, error;
	char buf[TEXT_SIZE_MAX];
	uint64_t seq;

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
			    size(buf, (uint64_t)get(s, LF_disk_submit_len)),
			    (uint64_t)get(s, LF_disk_submit_off), seq);
		folds(s, "%s operations", "#%" PRIu64, seq);
		return;
	}
	error = get(s, LF_disk_done_error);
	seq = seq_of(s, LF_disk_done_seq);
	if (error) {
		const char *name = error < 0 && error > -4096 ?
					   strerrorname_np((int)-error) :
					   NULL;

		say(s, WAY_IN, LANE_DISK, TONE_BAD,
		    "fails for #%" PRIu64 ": %s (%d)", seq,
		    name ? name : "error", (int)error);
		return;
	}
	say(s, WAY_IN, LANE_DISK, TONE_DISK, "done for #%" PRIu64, seq);
	folds(s, "%s operations are done", "#%" PRIu64, seq);
}

static const char *plural_push[] = {
	"pushes %s reads", "pushes %s writes", "pushes %s barriers",
	"pushes %s flushes", "pushes %s requests", "pushes %s discards",
	"pushes %s indirect requests", "pushes %s requests",
};
static const char *plural_take[] = {
	"takes %s reads", "takes %s writes", "takes %s barriers",
	"takes %s flushes", "takes %s requests", "takes %s discards",
	"takes %s indirect requests", "takes %s requests",
};

static void tell_request(struct scribe *s)
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
			    ", slot %u", op_name(op), seq,
			    size(buf, (uint64_t)get(s, LF_request_push_len)),
			    (uint64_t)get(s, LF_request_push_sector),
			    get32(s, LF_request_push_slot));
		else
			say(s, WAY_OUT, LANE_RING, TONE_RING,
			    "pushes %s #%" PRIu64 ", slot %u", op_name(op),
			    seq, get32(s, LF_request_push_slot));
		folds(s, plural_push[op & 7], "#%" PRIu64, seq);
		break;
	case EV_KIND_request_take:
		op = (unsigned)get(s, LF_request_take_op);
		seq = seq_of(s, LF_request_take_seq);
		say(s, WAY_IN, LANE_RING, TONE_RING,
		    "takes %s #%" PRIu64 " out of slot %u", op_name(op), seq,
		    get32(s, LF_request_take_slot));
		folds(s, plural_take[op & 7], "#%" PRIu64, seq);
		break;
	case EV_KIND_request_check:
		seq = seq_of(s, LF_request_check_seq);
		say(s, WAY_NOTE, 0, TONE_RING, "#%" PRIu64
		    " keeps every rule", seq);
		folds(s, "%s requests keep every rule", "#%" PRIu64, seq);
		break;
	case EV_KIND_request_refuse:
		tell_refuse(s);
		break;
	case EV_KIND_request_respond:
		status = (int)get(s, LF_request_respond_status);
		seq = seq_of(s, LF_request_respond_seq);
		say(s, WAY_OUT, LANE_RING, status ? TONE_BAD : TONE_RING,
		    "responds to #%" PRIu64 ": %s, slot %u", seq,
		    status_name(status), get32(s, LF_request_respond_slot));
		if (!status)
			folds(s, "responds to %s requests: okay",
			      "#%" PRIu64, seq);
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

/* The catalogue's layers say who tells what. */
static void tell(struct scribe *s, const struct ev_desc *desc)
{
	static const struct {
		const char *layer;
		void (*tell)(struct scribe *s);
	} tellers[] = {
		{ "grant", tell_grant },     { "evtchn", tell_evtchn },
		{ "ring", tell_ring },	     { "request", tell_request },
		{ "disk", tell_disk },	     { "xenbus", tell_control },
		{ "backend", tell_control },
	};
	size_t i;

	for (i = 0; i < sizeof(tellers) / sizeof(tellers[0]); i++) {
		if (strcmp(desc->layer, tellers[i].layer))
			continue;
		tellers[i].tell(s);
		if (s->out->text[0])
			return;
	}
	/* An event that the catalogue has since this was written. */
	say(s, WAY_NOTE, 0, TONE_LIFE, "%s", desc->name);
}

void message_of(const struct model *m, uint32_t at, struct message *out)
{
	struct scribe s = { m, m->log, &m->log->rec[at], out };

	memset(out, 0, sizeof(*out));
	tell(&s, &ev_descs[s.rec->kind]);
	out->fold = (uint32_t)s.rec->kind << 16 | (uint32_t)out->from << 12 |
		    (uint32_t)out->to << 8 | out->tone;
}
