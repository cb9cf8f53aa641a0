/* SPDX-License-Identifier: MIT */
#include "viz/views/message.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "viz/model/handshake.h"
#include "viz/text.h"
#include "viz/views/scribe.h"

const char *const lane_names[LANE_COUNT] = {
	"frontend", "store", "ring + event channel", "backend", "disk",
};

const char *const lane_short_names[LANE_COUNT] = {
	"frontend", "store", "ring", "backend", "disk",
};

const char *const tone_names[TONE_COUNT] = {
	"state", "store", "ring", "index", "notify",
	"grant", "disk",  "life", "bad",
};

const char *state_name(int64_t state)
{
	static const char *const names[] = {
		"Unknown",     "Initialising",	"InitWait",
		"Initialised", "Connected",	"Closing",
		"Closed",      "Reconfiguring", "Reconfigured",
	};

	return state >= 0 && state < 9 ? names[state] : "?";
}

const char *op_name(unsigned op)
{
	const char *word = ev_word_find(&ev_words_op, op);

	return word ? word : "unknown operation";
}

const char *model_op_name(unsigned op)
{
	return op == MODEL_OP_INDIRECT_READ    ? "indirect read"
	       : op == MODEL_OP_INDIRECT_WRITE ? "indirect write"
					       : op_name(op);
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

void say(struct scribe *s, enum way way, enum lane other, enum tone tone,
	 const char *fmt, ...)
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
	clean_text(s->out->text, sizeof(s->out->text), line, strlen(line));
}

void folds(struct scribe *s, const char *many, const char *fmt, ...)
{
	char line[2 * STRINGS_TEXT_MAX];
	va_list ap;

	s->out->many = many;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	clean_text(s->out->item, sizeof(s->out->item), line, strlen(line));
}

/* The same number for both sides of a request where they are joined. */
uint64_t seq_of(const struct scribe *s, enum log_field f)
{
	uint32_t of = s->m->of_rec[s->rec - s->log->rec];

	return of == MODEL_NONE ? (uint64_t)get(s, f)
				: request_seq(&s->m->request[of]);
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
	char buf[TEXT_SIZE_MAX], more[TEXT_SIZE_MAX];
	const char *peer =
		s->rec->actor == EV_ACTOR_FRONTEND ? "backend" : "frontend";

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
		    text_size(buf, (uint64_t)get(s, LF_device_create_size)));
		break;
	case EV_KIND_device_resize:
		say(s, WAY_NOTE, 0, TONE_LIFE, "the disk had %s and has %s",
		    text_size(buf, (uint64_t)get(s, LF_device_resize_before)),
		    text_size(more, (uint64_t)get(s, LF_device_resize_size)));
		break;
	case EV_KIND_device_medium:
		if (!*str(s, LF_device_medium_target))
			say(s, WAY_NOTE, 0, TONE_LIFE, "the drive is empty");
		else
			say(s, WAY_NOTE, 0, TONE_LIFE,
			    "another medium is in the drive: %s, %s",
			    str(s, LF_device_medium_target),
			    text_size(buf,
				      (uint64_t)get(s, LF_device_medium_size)));
		break;
	case EV_KIND_device_fault:
		say(s, WAY_NOTE, 0, TONE_BAD, "stops it%s%s: %s",
		    *str(s, LF_device_fault_rule) ? ", " : "",
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
	case EV_KIND_queue_poll:
		say(s, WAY_NOTE, 0, TONE_INDEX,
		    "looks for requests before it sleeps: %s",
		    get(s, LF_queue_poll_found) ? "one came" : "none");
		break;
	case EV_KIND_queue_stop:
		say(s, WAY_NOTE, 0, TONE_LIFE,
		    "ends queue %u: %" PRIu64 " requests, %" PRIu64
		    " responses",
		    s->rec->queue, (uint64_t)get(s, LF_queue_stop_requests),
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
		say(s, WAY_IN, LANE_STORE, TONE_STATE, "sees %s in %d %s", peer,
		    (int)get(s, LF_state_seen_state),
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

/* The catalogue's layers say who tells what. */
static void tell(struct scribe *s, const struct ev_desc *desc)
{
	static const struct {
		const char *layer;
		void (*tell)(struct scribe *s);
	} tellers[] = {
		{ "grant", tell_grant },     { "evtchn", tell_evtchn },
		{ "ring", tell_ring },	     { "request", tell_requests },
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
