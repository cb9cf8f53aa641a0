/* SPDX-License-Identifier: MIT */
#include "viz/model/handshake.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const side_names[SIDE_COUNT] = { "frontend", "backend" };

struct walk {
	const struct trace_log *log;
	const struct model_device *d;
	struct handshake *h;
	uint8_t state[SIDE_COUNT]; /* where each stands now */
	uint8_t saw[SIDE_COUNT];   /* and in which state it saw its peer */
};

static struct step *step_new(struct walk *w, const struct log_rec *rec,
			     enum step_kind kind)
{
	struct handshake *h = w->h;
	struct step *grown;
	size_t room;

	if (h->n == h->room) {
		room = h->room ? h->room * 2 : 64;
		grown = realloc(h->step, room * sizeof(*grown));
		if (!grown)
			return NULL;
		h->step = grown;
		h->room = room;
	}
	grown = &h->step[h->n++];
	memset(grown, 0, sizeof(*grown));
	grown->kind = (uint8_t)kind;
	grown->side =
		rec->actor == EV_ACTOR_FRONTEND ? SIDE_FRONTEND : SIDE_BACKEND;
	grown->from = grown->to = w->state[grown->side];
	grown->rec = (uint32_t)(rec - w->log->rec);
	grown->t_ns = rec->t_ns;
	grown->key = grown->value = "";
	return grown;
}

static bool known(int64_t state)
{
	return state >= 0 && state < HANDSHAKE_STATES;
}

/* The key behind the device's own directory, or the last part of a path. */
const char *key_name(const char *path, uint32_t devid)
{
	char dir[16];
	const char *at;

	snprintf(dir, sizeof(dir), "/%" PRIu32 "/", devid);
	at = strstr(path, dir);
	if (at)
		return at + strlen(dir);
	at = strrchr(path, '/');
	return at && at[1] ? at + 1 : path;
}

static int on_move(struct walk *w, const struct log_rec *rec)
{
	int64_t from = log_get(w->log, rec, LF_state_switch_from);
	int64_t to = log_get(w->log, rec, LF_state_switch_to);
	struct step *s;

	if (!known(from) || !known(to))
		return 0;
	s = step_new(w, rec, STEP_MOVE);
	if (!s)
		return -ENOMEM;
	s->from = (uint8_t)from;
	s->to = (uint8_t)to;
	s->number = ++w->h->moves;
	w->state[s->side] = s->to;
	w->h->visited[s->side][from] = w->h->visited[s->side][to] = true;
	return 0;
}

static int on_seen(struct walk *w, const struct log_rec *rec)
{
	int64_t state = log_get(w->log, rec, LF_state_seen_state);
	enum side side =
		rec->actor == EV_ACTOR_FRONTEND ? SIDE_FRONTEND : SIDE_BACKEND;
	struct step *s;

	/* Watches fire more often than states change. */
	if (!known(state) || w->saw[side] == state)
		return 0;
	s = step_new(w, rec, STEP_SEEN);
	if (!s)
		return -ENOMEM;
	s->to = (uint8_t)state;
	s->number = ++w->h->moves;
	w->saw[side] = s->to;
	/* Unknown is that there is no state: the directory is gone. */
	w->h->seen[!side][state] = state != EV_STATE_UNKNOWN;
	return 0;
}

static int on_key(struct walk *w, const struct log_rec *rec,
		  enum step_kind kind, const char *path, const char *value)
{
	const char *key = key_name(path, w->d->devid);
	struct step *s;

	if (!strcmp(key, "state"))
		return 0; /* the moves tell it */
	s = step_new(w, rec, kind);
	if (!s)
		return -ENOMEM;
	s->key = key;
	s->value = value;
	return 0;
}

static int walk_event(struct walk *w, const struct log_rec *rec)
{
	const struct trace_log *log = w->log;
	struct step *s;

	switch ((enum ev_kind)rec->kind) {
	case EV_KIND_state_switch:
		return on_move(w, rec);
	case EV_KIND_state_seen:
		return on_seen(w, rec);
	case EV_KIND_store_write:
		return on_key(w, rec, STEP_WRITE,
			      log_text(log, rec, LF_store_write_path),
			      log_text(log, rec, LF_store_write_value));
	case EV_KIND_store_read:
		return on_key(w, rec,
			      log_get(log, rec, LF_store_read_error)
				      ? STEP_ABSENT
				      : STEP_READ,
			      log_text(log, rec, LF_store_read_path),
			      log_text(log, rec, LF_store_read_value));
	case EV_KIND_feature_accept:
		s = step_new(w, rec, STEP_SETTLE);
		if (!s)
			return -ENOMEM;
		s->key = log_text(log, rec, LF_feature_accept_name);
		s->settled =
			(uint64_t)log_get(log, rec, LF_feature_accept_value);
		return 0;
	case EV_KIND_device_fault:
		s = step_new(w, rec, STEP_FAULT);
		if (!s)
			return -ENOMEM;
		s->key = log_text(log, rec, LF_device_fault_rule);
		s->value = log_text(log, rec, LF_device_fault_detail);
		return 0;
	default:
		return 0;
	}
}

/*
 * Keys come before the first move: the side stood then where that move
 * begins, or in Initialising if it never moved.
 */
static void first_states(struct walk *w)
{
	bool found[SIDE_COUNT] = { false, false };
	size_t i;

	w->state[SIDE_FRONTEND] = w->state[SIDE_BACKEND] =
		EV_STATE_INITIALISING;
	w->saw[SIDE_FRONTEND] = w->saw[SIDE_BACKEND] = HANDSHAKE_STATES;
	for (i = 0; i < w->d->steps; i++) {
		const struct log_rec *rec = &w->log->rec[w->d->step[i]];
		enum side side = rec->actor == EV_ACTOR_FRONTEND ? SIDE_FRONTEND
								 : SIDE_BACKEND;
		int64_t from;

		if (rec->kind != EV_KIND_state_switch || found[side])
			continue;
		from = log_get(w->log, rec, LF_state_switch_from);
		if (known(from))
			w->state[side] = (uint8_t)from;
		found[side] = true;
	}
}

int handshake_make(const struct model *m, const struct model_device *d,
		   struct handshake *out)
{
	struct walk w = { .log = m->log, .d = d, .h = out };
	size_t i;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	first_states(&w);
	for (i = 0; !rc && i < d->steps; i++)
		rc = walk_event(&w, &m->log->rec[d->step[i]]);
	for (i = 0; i < out->n; i++) {
		out->visited[out->step[i].side][out->step[i].from] = true;
		out->recorded[out->step[i].side] = true;
	}
	return rc;
}

void handshake_free(struct handshake *h)
{
	free(h->step);
	memset(h, 0, sizeof(*h));
}
