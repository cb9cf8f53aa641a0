/* SPDX-License-Identifier: MIT */
/* xen-blkfront: requests, responses, grants, and its ring. */
#include <string.h>
#include <errno.h>

#include "trace/kernel/state.h"

/* ---- whose ----------------------------------------------------------------
 */

static int replay(const struct raw_head *raw, size_t len, void *user)
{
	return kstate_take(user, raw, len);
}

/*
 * A guest is not told its own number, but its backend's directory has it.  What
 * came before is told when it is known.
 */
static int learn(struct kstate *b, const char *backend)
{
	uint16_t domid;
	uint32_t devid;

	if (b->own_known || *backend != '/' ||
	    !xenbus_device_of(b, backend, &domid, &devid))
		return 0;
	b->own_known = true;
	b->own_domid = domid;
	return order_give(&b->early, UINT64_MAX, replay, b);
}

/* *ring is NULL where it is no disk's. */
static int ring_find(struct kstate *b, const struct raw_front *raw,
		     struct kring **ring)
{
	struct raw_ring at = { .addr = raw->addr,
			       .queue = raw->queue,
			       .irq = raw->irq,
			       .entries = raw->entries };
	int err = learn(b, raw->otherend);

	*ring = NULL;
	if (err || !xenbus_device_of(b, raw->otherend, &at.domid, &at.devid))
		return err;
	*ring = state_ring(b, &at);
	if (!*ring)
		return -ENOMEM;
	(*ring)->port = raw->port;
	return 0;
}

/* What is in flight on a ring has the ids from 0 on. */
static uint64_t key_of(const struct raw_front *raw, uint64_t id)
{
	return raw->addr + id;
}

static int tell_port(struct kstate *b, enum ev_kind kind,
		     const struct kring *ring, uint64_t t_ns)
{
	struct ctf_event e = event_of_ring(kind, t_ns, ring);

	e.value[0].number = ring->port;
	return state_tell(b, &e);
}

/* ---- requests -------------------------------------------------------------
 */

int on_push(struct kstate *b, const void *data)
{
	const struct raw_push *raw = data;
	const struct kslot slot = state_slot_read(raw->slot, false);
	struct ctf_event e;
	struct kring *ring;
	struct kreq *req;
	int err = ring_find(b, &raw->ring, &ring);

	if (!ring)
		return err;
	req = state_request(b, key_of(&raw->ring, raw->id));
	if (!req)
		return -ENOMEM;
	*req = (struct kreq){ .addr = req->addr,
			      .stage = KREQ_DISK,
			      .seq = ++ring->seq,
			      .id = raw->id,
			      .losses = b->losses };
	e = event_of_ring(EV_KIND_request_push, raw->head.t_ns, ring);
	e.value[0].number = req->seq;
	e.value[1].number = raw->id;
	e.value[2].number = raw->idx;
	e.value[3].number = state_slot(ring, raw->idx);
	e.value[4].number = slot.op;
	e.value[5].number = slot.segments;
	e.value[6].number = slot.sector;
	e.value[7].number = raw->bytes;
	return state_tell(b, &e);
}

int on_publish(struct kstate *b, const void *data)
{
	const struct raw_publish *raw = data;
	const uint32_t event[2] = { raw->event_before, raw->event_after };
	struct kring *ring;
	int err = ring_find(b, &raw->ring, &ring);

	if (!ring)
		return err;
	err = state_publish(b, ring, EV_SIDE_REQUEST, raw->idx, event,
			    raw->notified, raw->head.t_ns);
	if (err || !raw->notified)
		return err;
	return tell_port(b, EV_KIND_evtchn_notify, ring, raw->head.t_ns);
}

/* ---- responses ------------------------------------------------------------
 */

int on_interrupt(struct kstate *b, const void *data)
{
	const struct raw_on_front *raw = data;
	struct kring *ring;
	int err = ring_find(b, &raw->ring, &ring);

	return ring ? tell_port(b, EV_KIND_evtchn_wakeup, ring, raw->head.t_ns)
		    : err;
}

int on_complete(struct kstate *b, const void *data)
{
	const struct raw_complete *raw = data;
	struct ctf_event e;
	struct kring *ring;
	struct kreq *req;
	int err = ring_find(b, &raw->ring, &ring);

	if (!ring)
		return err;
	req = state_request_find(b, key_of(&raw->ring, raw->id));
	if (!state_follow(b, req))
		return 0;
	req->stage = KREQ_FREE;
	e = event_of_ring(EV_KIND_request_complete, raw->head.t_ns, ring);
	e.value[0].number = req->seq;
	e.value[1].number = raw->id;
	e.value[2].number = raw->idx;
	e.value[3].number = state_slot(ring, raw->idx);
	e.value[4].number = (uint64_t)(int64_t)raw->status;
	return state_tell(b, &e);
}

int on_taken(struct kstate *b, const void *data)
{
	const struct raw_taken *raw = data;
	struct ctf_event e;
	struct kring *ring;
	int err = ring_find(b, &raw->ring, &ring);

	if (!ring)
		return err;
	e = event_of_ring(EV_KIND_ring_consume, raw->head.t_ns, ring);
	e.value[0].number = EV_SIDE_RESPONSE;
	e.value[1].number = raw->before;
	e.value[2].number = raw->after;
	e.value[3].number = raw->after;
	return state_tell(b, &e);
}

/* ---- grants ---------------------------------------------------------------
 */

int on_grant(struct kstate *b, const void *data)
{
	const struct raw_grant *raw = data;
	struct ctf_event e;
	struct kring *ring;
	int err = ring_find(b, &raw->ring, &ring);

	if (!ring)
		return err;
	e = event_of_ring(EV_KIND_grant_access, raw->head.t_ns, ring);
	e.value[0].number = raw->gref;
	e.value[1].number = !raw->readonly;
	e.value[2].number = raw->frame;
	return state_tell(b, &e);
}

/*
 * Where grants are kept, blkfront tries to take back each one after its
 * request, to find out whether the backend keeps it.
 */
int on_grant_end(struct kstate *b, const void *data)
{
	const struct raw_grant *raw = data;
	struct ctf_event e;
	struct kring *ring;
	int err = ring_find(b, &raw->ring, &ring);

	if (!ring || (raw->busy && raw->ring.persistent))
		return err;
	e = event_of_ring(EV_KIND_grant_end, raw->head.t_ns, ring);
	e.value[0].number = raw->gref;
	e.value[1].number = raw->busy;
	return state_tell(b, &e);
}

/* ---- the ring -------------------------------------------------------------
 */

/* It was made, granted, and has a port. */
int on_front(struct kstate *b, const void *data)
{
	const struct raw_on_front *raw = data;
	uint32_t pages = raw->ring.pages;
	struct ctf_event e;
	struct kring *ring;
	int err = ring_find(b, &raw->ring, &ring);

	if (!ring)
		return err;
	ring->mapped = true;
	if (pages && pages <= RAW_GREFS_MAX) {
		e = event_of_ring(EV_KIND_ring_map, raw->head.t_ns, ring);
		e.value[0].number = (uint64_t)(31 - __builtin_clz(pages));
		e.value[1].number = ring->entries;
		e.value[2].array.of = raw->ring.gref;
		e.value[2].array.count = pages;
		err = state_tell(b, &e);
	}
	return err ? err
		   : tell_port(b, EV_KIND_evtchn_alloc, ring, raw->head.t_ns);
}

/* Its irq and port are no longer known to the kernel. */
int on_gone(struct kstate *b, const void *data)
{
	const struct raw_on_front *raw = data;

	for (size_t i = 0; i < b->rings; i++) {
		struct kring *ring = &b->ring[i];
		struct ctf_event e;
		int err;

		if (ring->addr != raw->ring.addr)
			continue;
		err = tell_port(b, EV_KIND_evtchn_unbind, ring, raw->head.t_ns);
		if (err)
			return err;
		e = event_of_ring(EV_KIND_ring_unmap, raw->head.t_ns, ring);
		e.value[0].number = ring->entries;
		ring->addr = ring->irq = ring->port = 0;
		ring->mapped = false;
		return state_tell(b, &e);
	}
	return 0;
}

/* ---- xenbus ---------------------------------------------------------------
 */

int on_front_xenbus(struct kstate *b, const void *data)
{
	const struct raw_head *raw = data;
	int err = 0;

	if (raw->what == RAW_READ)
		err = learn(b, ((const struct raw_text *)data)->value);
	if (err)
		return err;
	if (!b->own_known)
		return order_add(&b->early, raw, raw->len);
	switch ((enum raw_what)raw->what) {
	case RAW_STATE:
		return on_state(b, data);
	case RAW_SEEN:
		return on_seen(b, data);
	case RAW_READ:
		return on_read(b, data);
	default:
		return on_write(b, data);
	}
}
