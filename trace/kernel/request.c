/* SPDX-License-Identifier: MIT */
/* Requests, from their slots to the storage and back. */
#include <errno.h>
#include <string.h>

#include "trace/kernel/state.h"

#define PROTOCOL_32 2u /* BLKIF_PROTOCOL_X86_32 */
#define SLOT_32	    108u
#define SECTOR	    512u

/* The request that was taken last begins here, as `req`. */
int state_take(struct kstate *b, struct kreq *req, const struct raw_ring *at,
	       const uint8_t *slot, uint64_t t_ns)
{
	uint64_t addr = req->addr;
	struct kring *ring = state_ring(b, at);
	struct kslot c = state_slot_read(slot, at->protocol == PROTOCOL_32);
	uint32_t idx = at->req_cons - 1;
	struct ctf_event e;
	int err;

	if (!ring)
		return -ENOMEM;
	*req = (struct kreq){ .addr = addr,
			      .ring = (unsigned)(ring - b->ring),
			      .seq = ++ring->seq,
			      .id = c.id,
			      .op = c.op,
			      .sector = c.sector,
			      .take_ns = t_ns,
			      .losses = b->losses };
	e = event_of_ring(EV_KIND_ring_slot, t_ns, ring);
	e.value[0].number = idx;
	e.value[1].array.of = slot;
	e.value[1].array.count =
		at->protocol == PROTOCOL_32 ? SLOT_32 : RAW_SLOT_MAX;
	err = state_tell(b, &e);
	if (err)
		return err;
	e = event_of_ring(EV_KIND_request_take, t_ns, ring);
	e.value[0].number = req->seq;
	e.value[1].number = req->id;
	e.value[2].number = idx;
	e.value[3].number = state_slot(ring, idx);
	e.value[4].number = c.op;
	e.value[5].number = c.segments;
	e.value[6].number = c.sector;
	return state_tell(b, &e);
}

static int checked(struct kstate *b, struct kreq *req, uint64_t t_ns)
{
	struct ctf_event e =
		event_of_ring(EV_KIND_request_check, t_ns, &b->ring[req->ring]);

	req->stage = KREQ_CHECKED;
	e.value[0].number = req->seq;
	e.value[1].number = req->op;
	e.value[2].number = req->sector * SECTOR;
	e.value[3].number = req->bytes;
	return state_tell(b, &e);
}

/* ---- grants ---------------------------------------------------------------
 */

/*
 * Of an indirect request the list is mapped first, then, by the same thread,
 * what is in it.
 */
int on_map(struct kstate *b, const void *data)
{
	const struct raw_map *raw = data;
	struct kthr *thread = state_thread(b, raw->head.tid);
	struct kreq *req = state_request(b, raw->req);
	struct ctf_event e;
	bool goes_on;
	int err = 0;

	if (!thread || !req)
		return -ENOMEM;
	goes_on = !raw->list && state_known(b, req) &&
		  req->stage == KREQ_LIST && thread->last == req &&
		  req->id == raw->id;
	thread->mapping = thread->last = req;
	/* Its list was mapped unseen, or before something was lost. */
	if (!goes_on && !raw->list && raw->slot[0] == EV_OP_INDIRECT) {
		req->stage = KREQ_FREE;
		thread->mapping = NULL;
		state_follow(b, req);
		return 0;
	}
	if (!goes_on) {
		err = state_take(b, req, &raw->ring, raw->slot, raw->head.t_ns);
	} else {
		e = event_of_ring(EV_KIND_request_list, raw->head.t_ns,
				  &b->ring[req->ring]);
		e.value[0].number = req->seq;
		e.value[1].number = req->list_pages;
		e.value[2].number = raw->count;
		err = state_tell(b, &e);
	}
	if (err)
		return err;
	req->id = raw->id;
	req->to_map = raw->count;
	req->mapped = 0;
	req->writable = raw->writable;
	if (raw->list) {
		req->stage = KREQ_LIST;
		req->list_pages = raw->count;
		return 0;
	}
	req->op = raw->op;
	req->bytes = raw->bytes;
	return checked(b, req, raw->head.t_ns);
}

int on_mapped(struct kstate *b, const void *data)
{
	const struct raw_mapped *raw = data;
	struct kthr *thread = state_thread(b, raw->head.tid);
	struct ctf_event e;

	if (!thread)
		return -ENOMEM;
	if (!raw->count || raw->count > RAW_GREFS_MAX ||
	    !state_follow(b, thread->mapping))
		return 0;
	thread->mapping->mapped += raw->count;
	e = event_of_ring(EV_KIND_grant_map, raw->head.t_ns,
			  &b->ring[thread->mapping->ring]);
	e.value[0].number = thread->mapping->seq;
	e.value[1].number = thread->mapping->writable;
	e.value[2].array.of = raw->gref;
	e.value[2].array.count = raw->count;
	e.value[3].array.of = raw->status;
	e.value[3].array.count = raw->count;
	return state_tell(b, &e);
}

/* What had not to be mapped was mapped already. */
int on_map_end(struct kstate *b, const void *data)
{
	const struct raw_head *raw = data;
	struct kthr *thread = state_thread(b, raw->tid);
	struct kreq *req;
	struct ctf_event e;

	if (!thread)
		return -ENOMEM;
	req = thread->mapping;
	thread->mapping = NULL;
	if (!req || req->mapped >= req->to_map || !state_follow(b, req))
		return 0;
	e = event_of_ring(EV_KIND_grant_reuse, raw->t_ns, &b->ring[req->ring]);
	e.value[0].number = req->seq;
	e.value[1].number = req->to_map - req->mapped;
	return state_tell(b, &e);
}

int on_unmapped(struct kstate *b, const void *data)
{
	const struct raw_unmapped *raw = data;
	struct kcpu *cpu = state_cpu(b, raw->head.cpu);
	const struct kreq *req = state_request_find(b, raw->req);
	struct ctf_event e;

	if (!cpu)
		return -ENOMEM;
	if (cpu->reqs == NEST_MAX) /* answers were lost */
		cpu->reqs = 0;
	cpu->req[cpu->reqs++] = raw->req;
	if (!raw->count || !state_follow(b, req))
		return 0;
	e = event_of_ring(EV_KIND_grant_unmap, raw->head.t_ns,
			  &b->ring[req->ring]);
	e.value[0].number = req->seq;
	e.value[1].number = raw->count;
	return state_tell(b, &e);
}

/* ---- storage --------------------------------------------------------------
 */

static enum ev_diskop disk_op(const struct kreq *req)
{
	if (req->op == EV_OP_READ)
		return EV_DISKOP_READ;
	if (req->op == EV_OP_DISCARD)
		return EV_DISKOP_DISCARD;
	return req->bytes ? EV_DISKOP_WRITE : EV_DISKOP_FLUSH;
}

static int submitted(struct kstate *b, struct kreq *req, uint64_t sector,
		     uint64_t t_ns)
{
	struct ctf_event e =
		event_of_ring(EV_KIND_disk_submit, t_ns, &b->ring[req->ring]);

	req->stage = KREQ_DISK;
	e.value[0].number = req->seq;
	e.value[1].number = disk_op(req);
	e.value[2].number = sector * SECTOR;
	e.value[3].number = req->bytes;
	return state_tell(b, &e);
}

static int done(struct kstate *b, struct kreq *req, uint64_t t_ns)
{
	struct ctf_event e =
		event_of_ring(EV_KIND_disk_done, t_ns, &b->ring[req->ring]);

	req->stage = KREQ_DONE;
	e.value[0].number = req->seq;
	e.value[1].number = (uint64_t)(int64_t)req->error;
	return state_tell(b, &e);
}

/* One request may be several bios: it is handed over with the first one. */
int on_submit(struct kstate *b, const void *data)
{
	const struct raw_bio *raw = data;
	struct kreq *req = state_request_find(b, raw->req);

	if (!state_follow(b, req) || req->stage != KREQ_CHECKED)
		return 0;
	req->left = raw->left;
	return submitted(b, req, req->bytes ? raw->sector : 0, raw->head.t_ns);
}

/* What blk_status_to_errno() makes of it, of those that a disk gives. */
static int bio_error(uint32_t status)
{
	static const int of[] = { 0,	    -EOPNOTSUPP, -ETIMEDOUT, -ENOSPC,
				  -ENOLINK, -EREMOTEIO,	 -EBADE,     -ENODATA,
				  -EILSEQ,  -ENOMEM,	 -EIO,	     -EREMCHG,
				  -EAGAIN };

	return status < sizeof(of) / sizeof(of[0]) ? of[status] : -EIO;
}

int on_done(struct kstate *b, const void *data)
{
	const struct raw_bio *raw = data;
	struct kreq *req = state_request_find(b, raw->req);

	if (!state_follow(b, req) || req->stage != KREQ_DISK)
		return 0;
	if (raw->status)
		req->error = bio_error(raw->status);
	if (req->left && --req->left)
		return 0;
	return done(b, req, raw->head.t_ns);
}

int on_discard(struct kstate *b, const void *data)
{
	const struct raw_discard *raw = data;
	struct kthr *thread = state_thread(b, raw->head.tid);
	struct kreq *req;
	int err;

	if (!thread)
		return -ENOMEM;
	req = &thread->discard;
	err = state_take(b, req, &raw->ring, raw->slot, raw->head.t_ns);
	if (err)
		return err;
	req->op = EV_OP_DISCARD;
	req->bytes = raw->sectors * SECTOR;
	err = checked(b, req, raw->head.t_ns);
	return err ? err : submitted(b, req, raw->sector, raw->head.t_ns);
}

int on_discarded(struct kstate *b, const void *data)
{
	const struct raw_discard *raw = data;
	struct kthr *thread = state_thread(b, raw->head.tid);

	if (!thread)
		return -ENOMEM;
	if (!state_follow(b, &thread->discard) ||
	    thread->discard.stage != KREQ_DISK)
		return 0;
	thread->discard.error = raw->error;
	return done(b, &thread->discard, raw->head.t_ns);
}
