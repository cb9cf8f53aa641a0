/* SPDX-License-Identifier: MIT */
/* The ring and what carries it, in words: grants, event channels, indices. */
#include <inttypes.h>
#include <stdio.h>

#include "viz/views/scribe.h"

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
	const uint32_t *gref = log_array(s->log, s->rec, LF_grant_map_gref, &n);
	const uint32_t *status =
		log_array(s->log, s->rec, LF_grant_map_status, &ns);
	uint64_t seq = (uint64_t)get(s, LF_grant_map_seq);
	const char *how =
		get(s, LF_grant_map_writable) ? "read-write" : "read-only";
	char list[64], what[32] = "the ring";

	for (i = 0; i < ns; i++)
		bad += status[i] != 0;
	if (seq)
		snprintf(what, sizeof(what), "#%" PRIu64,
			 seq_of(s, LF_grant_map_seq));
	list_grefs(list, sizeof(list), gref, n);
	if (bad)
		say(s, WAY_NOTE, 0, TONE_BAD,
		    "%u of %u grants of %s cannot "
		    "be mapped",
		    bad, n, what);
	else
		say(s, WAY_NOTE, 0, TONE_GRANT,
		    "maps %u page%s of %s %s "
		    "(grant%s %s)",
		    n, n == 1 ? "" : "s", what, how, n == 1 ? "" : "s", list);
	if (seq && !bad)
		folds(s, "maps the pages of %s requests", "%s", what);
}

static void tell_copy(struct scribe *s)
{
	uint32_t n, i, bad = 0;
	const uint32_t *status =
		log_array(s->log, s->rec, LF_grant_copy_status, &n);
	uint64_t seq = seq_of(s, LF_grant_copy_seq);
	const char *way = get(s, LF_grant_copy_to_guest) ? "to the guest"
							 : "from the guest";

	for (i = 0; i < n; i++)
		bad += status[i] != 0;
	if (bad) {
		say(s, WAY_NOTE, 0, TONE_BAD,
		    "%u of %u copies of #%" PRIu64 " fail", bad, n, seq);
		return;
	}
	say(s, WAY_NOTE, 0, TONE_GRANT, "copies %u page%s of #%" PRIu64 " %s",
	    n, n == 1 ? "" : "s", seq, way);
	folds(s, "copies the pages of %s requests", "#%" PRIu64, seq);
}

void tell_grant(struct scribe *s)
{
	uint32_t n;

	switch ((enum ev_kind)s->rec->kind) {
	case EV_KIND_grant_access:
		say(s, WAY_NOTE, 0, TONE_GRANT, "grants a page %s (grant %u)",
		    get(s, LF_grant_access_writable) ? "read-write"
						     : "read-only",
		    get32(s, LF_grant_access_gref));
		folds(s, "grants %s pages", "%u",
		      get32(s, LF_grant_access_gref));
		break;
	case EV_KIND_grant_end:
		if (get(s, LF_grant_end_busy)) {
			say(s, WAY_NOTE, 0, TONE_BAD,
			    "grant %u cannot be "
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
		say(s, WAY_NOTE, 0, TONE_GRANT,
		    "finds %u page%s of #%" PRIu64 " mapped already", n,
		    n == 1 ? "" : "s", seq_of(s, LF_grant_reuse_seq));
		folds(s, "finds pages of %s requests mapped already",
		      "#%" PRIu64, seq_of(s, LF_grant_reuse_seq));
		break;
	case EV_KIND_grant_copy:
		tell_copy(s);
		break;
	case EV_KIND_grant_unmap:
		n = get32(s, LF_grant_unmap_count);
		if (!get(s, LF_grant_unmap_seq)) {
			/* The ring's, or what was kept for reuse. */
			say(s, WAY_NOTE, 0, TONE_GRANT,
			    "unmaps %u page%s of no request", n,
			    n == 1 ? "" : "s");
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

void tell_evtchn(struct scribe *s)
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
		say(s, WAY_IN, LANE_RING, TONE_INDEX, "%s = %u: takes %s %u",
		    name, prod, what, from);
	else
		say(s, WAY_IN, LANE_RING, TONE_INDEX,
		    "%s = %u: takes %u %ss, %u to %u", name, prod, to - from,
		    what, from, to - 1);
}

void tell_ring(struct scribe *s)
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
		say(s, WAY_NOTE, 0, TONE_INDEX,
		    "notify? %s: %s %u is %sin "
		    "(%u, %u]",
		    get(s, LF_ring_notify_needed) ? "yes" : "no",
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
