/* SPDX-License-Identifier: MIT */
#include "viz/views/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viz/text.h"

const char *const lane_names[LANES] = {
	"frontend", "store", "ring / event channel", "backend", "disk",
};

#define GET(f)	 log_get(m->log, rec, LF_##f)
#define TEXT(f)	 log_text(m->log, rec, LF_##f)
#define SAY(...) snprintf(out->text, sizeof(out->text), __VA_ARGS__)

static const char *word(const struct ev_words *words, int64_t value)
{
	const char *w = ev_word_find(words, value);

	return w ? w : "unknown";
}

/* The key of a store path: what stands behind the device's directory. */
static const char *path_key(const char *path, const struct log_rec *rec)
{
	char devid[16];
	const char *at;

	snprintf(devid, sizeof(devid), "/%u/", rec->devid);
	at = strstr(path, devid);
	if (at)
		return at + strlen(devid);
	at = strrchr(path, '/');
	return at ? at + 1 : path;
}

static void way(struct message *out, enum lane from, enum lane to)
{
	out->from = from;
	out->to = to;
}

/* ---- by layer ----------------------------------------------------------- */

static bool make_store(const struct model *m, const struct log_rec *rec,
		       enum lane self, struct message *out)
{
	const char *key;

	switch (rec->kind) {
	case EV_KIND_store_write:
		key = path_key(TEXT(store_write_path), rec);
		if (!strcmp(key, "state"))
			return false; /* state_switch tells it */
		way(out, self, LANE_STORE);
		SAY("write %s = %s", key, TEXT(store_write_value));
		return true;
	case EV_KIND_store_read:
		key = path_key(TEXT(store_read_path), rec);
		if (!strcmp(key, "state"))
			return false;
		way(out, LANE_STORE, self);
		if (GET(store_read_error))
			SAY("read %s: absent", key);
		else
			SAY("read %s = %s", key, TEXT(store_read_value));
		return true;
	case EV_KIND_store_remove:
		way(out, self, LANE_STORE);
		SAY("remove %s", path_key(TEXT(store_remove_path), rec));
		return true;
	case EV_KIND_store_watch:
		way(out, LANE_STORE, self);
		SAY("watch: %s changed", path_key(TEXT(store_watch_path), rec));
		return true;
	case EV_KIND_state_switch:
		way(out, self, LANE_STORE);
		SAY("state %lld %s", (long long)GET(state_switch_to),
		    word(&ev_words_state, GET(state_switch_to)));
		return true;
	case EV_KIND_state_seen:
		way(out, LANE_STORE, self);
		SAY("sees the peer at %lld %s",
		    (long long)GET(state_seen_state),
		    word(&ev_words_state, GET(state_seen_state)));
		return true;
	case EV_KIND_feature_accept:
		way(out, self, self);
		SAY("settles %s = %lld", TEXT(feature_accept_name),
		    (long long)GET(feature_accept_value));
		return true;
	default:
		return false;
	}
}

static bool make_channel(const struct model *m, const struct log_rec *rec,
			 enum lane self, struct message *out)
{
	switch (rec->kind) {
	case EV_KIND_evtchn_alloc:
		way(out, self, LANE_RING);
		SAY("allocate event channel port %lld",
		    (long long)GET(evtchn_alloc_port));
		return true;
	case EV_KIND_evtchn_bind:
		way(out, self, LANE_RING);
		SAY("bind to port %lld",
		    (long long)GET(evtchn_bind_remote_port));
		return true;
	case EV_KIND_evtchn_unbind:
		way(out, self, LANE_RING);
		SAY("close port %lld", (long long)GET(evtchn_unbind_port));
		return true;
	case EV_KIND_evtchn_notify:
		way(out, self, LANE_RING);
		SAY("notify");
		return true;
	case EV_KIND_evtchn_wakeup:
		way(out, LANE_RING, self);
		SAY("wake-up");
		return true;
	case EV_KIND_evtchn_spurious:
		way(out, self, self);
		SAY("the wake-up brought no work");
		return true;
	default:
		return false;
	}
}

static bool make_ring(const struct model *m, const struct log_rec *rec,
		      enum lane self, struct message *out)
{
	switch (rec->kind) {
	case EV_KIND_ring_map:
		way(out, self, LANE_RING);
		SAY("%s a ring of %lld entries",
		    self == LANE_FRONTEND ? "grant" : "map",
		    (long long)GET(ring_map_entries));
		return true;
	case EV_KIND_ring_unmap:
		way(out, self, LANE_RING);
		SAY("the ring is gone");
		return true;
	case EV_KIND_ring_produce:
		way(out, self, LANE_RING);
		SAY("publish %s_prod %lld to %lld",
		    GET(ring_produce_side) ? "rsp" : "req",
		    (long long)GET(ring_produce_prod_before),
		    (long long)GET(ring_produce_prod_after));
		return true;
	case EV_KIND_ring_consume:
		way(out, LANE_RING, self);
		SAY("sees %s %lld to %lld",
		    GET(ring_consume_side) ? "responses" : "requests",
		    (long long)GET(ring_consume_cons_before),
		    (long long)GET(ring_consume_prod));
		return true;
	case EV_KIND_ring_notify:
		way(out, self, self);
		SAY("peer asked for %lld: %s",
		    (long long)GET(ring_notify_event),
		    GET(ring_notify_needed) ? "notify" : "no need to notify");
		return true;
	case EV_KIND_ring_final_check:
		way(out, self, LANE_RING);
		SAY("wake me at %lld; %s",
		    (long long)GET(ring_final_check_event),
		    GET(ring_final_check_more) ? "there is more" : "sleeps");
		return true;
	default:
		return false;
	}
}

static bool make_grant(const struct model *m, const struct log_rec *rec,
		       enum lane self, struct message *out)
{
	uint32_t n;

	way(out, self, self);
	switch (rec->kind) {
	case EV_KIND_grant_access:
		SAY("grant gref %lld %s", (long long)GET(grant_access_gref),
		    GET(grant_access_writable) ? "read-write" : "read-only");
		return true;
	case EV_KIND_grant_end:
		SAY("take back gref %lld%s", (long long)GET(grant_end_gref),
		    GET(grant_end_busy) ? ": busy" : "");
		return true;
	case EV_KIND_grant_map:
		log_array(m->log, rec, LF_grant_map_gref, &n);
		SAY("map %u page%s %s", n, n == 1 ? "" : "s",
		    GET(grant_map_writable) ? "read-write" : "read-only");
		return true;
	case EV_KIND_grant_unmap:
		n = (uint32_t)GET(grant_unmap_count);
		SAY("unmap %u page%s", n, n == 1 ? "" : "s");
		return true;
	default:
		return false; /* a batch is told by its members */
	}
}

static bool make_request(const struct model *m, const struct log_rec *rec,
			 struct message *out)
{
	char size[TEXT_SIZE_MAX];

	switch (rec->kind) {
	case EV_KIND_request_push:
		way(out, LANE_FRONTEND, LANE_RING);
		SAY("%s #%lld: slot %lld, sector %lld, %s",
		    word(&ev_words_op, GET(request_push_op)),
		    (long long)GET(request_push_seq),
		    (long long)GET(request_push_slot),
		    (long long)GET(request_push_sector),
		    text_size(size, (uint64_t)GET(request_push_len)));
		return true;
	case EV_KIND_request_take:
		way(out, LANE_RING, LANE_BACKEND);
		SAY("take %s #%lld from slot %lld",
		    word(&ev_words_op, GET(request_take_op)),
		    (long long)GET(request_take_seq),
		    (long long)GET(request_take_slot));
		return true;
	case EV_KIND_request_check:
		way(out, LANE_BACKEND, LANE_BACKEND);
		SAY("#%lld keeps every rule",
		    (long long)GET(request_check_seq));
		return true;
	case EV_KIND_request_refuse:
		way(out, LANE_BACKEND, LANE_BACKEND);
		SAY("#%lld refused by %s", (long long)GET(request_refuse_seq),
		    TEXT(request_refuse_rule));
		return true;
	case EV_KIND_disk_submit:
		way(out, LANE_BACKEND, LANE_DISK);
		SAY("%s %s at %lld",
		    word(&ev_words_diskop, GET(disk_submit_op)),
		    text_size(size, (uint64_t)GET(disk_submit_len)),
		    (long long)GET(disk_submit_off));
		return true;
	case EV_KIND_disk_done:
		way(out, LANE_DISK, LANE_BACKEND);
		if (GET(disk_done_error))
			SAY("#%lld failed: %s", (long long)GET(disk_done_seq),
			    strerror((int)-GET(disk_done_error)));
		else
			SAY("#%lld done", (long long)GET(disk_done_seq));
		return true;
	case EV_KIND_request_respond:
		way(out, LANE_BACKEND, LANE_RING);
		SAY("response #%lld: %s, slot %lld",
		    (long long)GET(request_respond_seq),
		    word(&ev_words_status, GET(request_respond_status)),
		    (long long)GET(request_respond_slot));
		return true;
	case EV_KIND_request_complete:
		way(out, LANE_RING, LANE_FRONTEND);
		SAY("#%lld completed: %s", (long long)GET(request_complete_seq),
		    word(&ev_words_status, GET(request_complete_status)));
		return true;
	default:
		return false;
	}
}

static bool make_life(const struct model *m, const struct log_rec *rec,
		      enum lane self, struct message *out)
{
	char size[TEXT_SIZE_MAX];

	way(out, self, self);
	switch (rec->kind) {
	case EV_KIND_device_create:
		SAY("opens %s, %s", TEXT(device_create_target),
		    text_size(size, (uint64_t)GET(device_create_size)));
		return true;
	case EV_KIND_device_fault:
		SAY("closes the device: %s %s", TEXT(device_fault_rule),
		    TEXT(device_fault_detail));
		return true;
	case EV_KIND_device_destroy:
		SAY("forgets the device");
		return true;
	case EV_KIND_queue_start:
		SAY("the queue serves its ring");
		return true;
	case EV_KIND_queue_stop:
		SAY("the queue ends after %lld requests",
		    (long long)GET(queue_stop_requests));
		return true;
	default:
		return false;
	}
}

bool message_make(const struct model *m, const struct log_rec *rec,
		  struct message *out)
{
	enum lane self =
		rec->actor == EV_ACTOR_FRONTEND ? LANE_FRONTEND : LANE_BACKEND;

	memset(out, 0, sizeof(*out));
	out->t_ns = rec->t_ns;
	out->kind = rec->kind;
	out->times = 1;
	return make_life(m, rec, self, out) || make_store(m, rec, self, out) ||
	       make_grant(m, rec, self, out) ||
	       make_channel(m, rec, self, out) ||
	       make_ring(m, rec, self, out) || make_request(m, rec, out);
}

/* ---- a list of them ----------------------------------------------------- */

void messages_free(struct messages *l)
{
	free(l->item);
	memset(l, 0, sizeof(*l));
}

static struct message *messages_push(struct messages *l)
{
	struct message *item;

	if (l->error)
		return NULL;
	if (l->n == l->room) {
		l->room = l->room ? l->room * 2 : 128;
		item = realloc(l->item, l->room * sizeof(*item));
		if (!item) {
			l->error = -ENOMEM;
			return NULL;
		}
		l->item = item;
	}
	return &l->item[l->n++];
}

void messages_add(struct messages *l, const struct message *msg)
{
	struct message *last = l->n ? &l->item[l->n - 1] : NULL;

	if (last && !last->skipped && last->kind == msg->kind &&
	    last->from == msg->from && last->to == msg->to &&
	    (msg->kind == EV_KIND_grant_access ||
	     msg->kind == EV_KIND_grant_end ||
	     !strcmp(last->text, msg->text))) {
		last->times++;
		return;
	}
	last = messages_push(l);
	if (last)
		*last = *msg;
}

void messages_gap(struct messages *l, int64_t t_ns, uint64_t events,
		  const char *fmt, ...)
{
	struct message *g = messages_push(l);
	va_list ap;

	if (!g)
		return;
	memset(g, 0, sizeof(*g));
	g->t_ns = t_ns;
	g->skipped = events;
	g->to = LANE_DISK;
	va_start(ap, fmt);
	vsnprintf(g->text, sizeof(g->text), fmt, ap);
	va_end(ap);
}
