/* SPDX-License-Identifier: MIT */
#include "backend/turn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

/*
 * Data of a queue that is in memory at a time: what a ring of direct requests
 * can ask for, or this where that is less.  Requests beyond it wait.
 */
#define PAGES_LEAST 2048u

static void turn_fail(struct turn *t, const char *rule, int err,
		      const char *text)
{
	if (!t->fault.text)
		t->fault = (struct turn_fault){ rule, err, text };
}

/* Started, and done or failed. */
static void turn_done(struct turn *t, struct request *r)
{
	t->storing--;
	if (t->barrier == r)
		t->barrier = NULL;
	t->done[t->ndone++] = r;
}

static unsigned turn_reap(struct turn *t)
{
	unsigned i, n;

	n = t->disk->ops->reap(t->storage, t->reaped, t->ring.entries);
	for (i = 0; i < n; i++) {
		struct request *r = request_of_io(t->reaped[i]);

		if (request_stored(&t->table, r))
			turn_done(t, r);
		else
			t->disk->ops->submit(t->storage,
					     request_store(&t->table, r));
	}
	return n;
}

static void turn_submit(struct turn *t, struct request *r)
{
	request_hold(r);
	t->disk->ops->submit(t->storage, request_store(&t->table, r));
}

static void refusal_log(struct turn *t, const struct request *r,
			const struct request_refusal *refusal)
{
	if (log_limit_pass(t->limit))
		log_warn("domain %u device %u queue %u: request %llu refused "
			 "by rule %s: %s",
			 t->ev.domid, t->ev.devid, t->ev.queue,
			 (unsigned long long)r->seq, refusal->rule,
			 refusal->detail);
}

static void unmapped_log(struct turn *t, const struct request *r)
{
	if (log_limit_pass(t->limit))
		log_warn("domain %u device %u queue %u: request %llu failed: "
			 "its pages could not be mapped",
			 t->ev.domid, t->ev.devid, t->ev.queue,
			 (unsigned long long)r->seq);
}

/* Map the pages of a batch and hand it to the storage. */
static void turn_batch_start(struct turn *t, unsigned n)
{
	unsigned i;

	if (!n)
		return;
	for (i = 0; i < n; i++)
		t->uses[i] = request_use(t->batch[i]);
	grant_space_acquire(t->grants, t->uses, n);
	for (i = 0; i < n; i++) {
		struct request *r = t->batch[i];

		if (!r->use.error) {
			if (r->use.shared)
				request_shares(&t->table, r);
			turn_submit(t, r);
			continue;
		}
		unmapped_log(t, r);
		t->pages -= r->use.count;
		request_fail(r, RING_STATUS_ERROR);
		turn_done(t, r);
	}
}

/*
 * RQ-42: a barrier starts when the storage has nothing else, and the others
 * when it is done.  And all that is held keeps to its bound.
 */
static bool turn_may_start(const struct turn *t, const struct request *r)
{
	if (t->barrier)
		return false;
	if (r->state == REQUEST_DONE)
		return true;
	if (r->checked.kind == REQUEST_BARRIER && t->storing)
		return false;
	return t->pages + r->checked.pieces <= t->pages_max;
}

/* What waits is answered, and nothing of it done. */
static unsigned turn_drop_waiting(struct turn *t)
{
	unsigned n = 0;

	while (t->waiting.head) {
		struct request *r = request_fifo_pop(&t->waiting);

		if (r->state != REQUEST_DONE)
			request_fail(r, RING_STATUS_ERROR);
		t->done[t->ndone++] = r;
		n++;
	}
	return n;
}

/* Start what waits and may; returns how many. */
static unsigned turn_start_waiting(struct turn *t)
{
	unsigned n = 0, started = 0;

	while (t->waiting.head && turn_may_start(t, t->waiting.head)) {
		struct request *r = request_fifo_pop(&t->waiting);

		started++;
		if (r->state == REQUEST_DONE) {
			t->done[t->ndone++] = r;
			continue;
		}
		t->storing++;
		if (r->checked.kind == REQUEST_BARRIER)
			t->barrier = r;
		if (r->checked.pieces) {
			t->pages += r->checked.pieces;
			t->batch[n++] = r;
		} else {
			turn_submit(t, r);
		}
	}
	turn_batch_start(t, n);
	return started;
}

/* Read the segments of the indirect requests of this turn. */
static void turn_lists_read(struct turn *t)
{
	unsigned i, n = t->nlisted, held = 0;

	if (!n)
		return;
	t->nlisted = 0;
	t->indirect += n;
	for (i = 0; i < n; i++)
		t->uses[i] = request_list_use(t->listed[i]);
	grant_space_acquire(t->grants, t->uses, n);
	for (i = 0; i < n; i++) {
		struct request *r = t->listed[i];
		struct request_refusal refusal;

		request_list_read(&t->table, r, &refusal);
		if (refusal.rule)
			refusal_log(t, r, &refusal);
		if (r->use.error)
			unmapped_log(t, r);
		else
			t->uses[held++] = &r->use;
	}
	grant_space_release(t->grants, t->uses, held);
}

static unsigned turn_take(struct turn *t)
{
	int ready = ring_back_ready(&t->ring);
	uint64_t now = ready > 0 ? clock_now_ns() : 0;
	unsigned i;

	if (ready == -ESTALE) {
		turn_fail(t, "RG-22", ready,
			  "the frontend's req_prod went back");
		return 0;
	}
	if (ready < 0) {
		turn_fail(t, "RG-20", ready,
			  "the frontend's req_prod claims "
			  "more requests than the ring holds");
		return 0;
	}
	if (ready && !turn_in_flight(t))
		t->busy_ns = now;
	t->table.limits.size_bytes =
		atomic_load_explicit(&t->size_bytes, memory_order_acquire);
	for (i = 0; i < (unsigned)ready; i++) {
		struct request_refusal refusal;
		struct request *r = request_take(&t->table, &t->ring, &refusal);

		r->taken_ns = now;
		if (refusal.rule)
			refusal_log(t, r, &refusal);
		if (r->state == REQUEST_LISTED)
			t->listed[t->nlisted++] = r;
		request_fifo_push(&t->waiting, r);
	}
	turn_lists_read(t);
	if (ready)
		t->taken_ns = now;
	return (unsigned)ready;
}

_Static_assert((int)STATS_READ == REQUEST_READ &&
		       (int)STATS_WRITE == REQUEST_WRITE &&
		       (int)STATS_BARRIER == REQUEST_BARRIER &&
		       (int)STATS_FLUSH == REQUEST_FLUSH &&
		       (int)STATS_DISCARD == REQUEST_DISCARD,
	       "the same operations in the same order");

static void turn_count(struct turn *t, const struct request *r, uint64_t now)
{
	struct stats_queue *s = t->stats;
	uint64_t took = now - r->taken_ns;
	unsigned op = r->checked.kind;

	if (r->refused)
		return;
	stats_add(&s->requests[op], 1);
	stats_add(&s->waited_ns[op], took);
	stats_add(&s->latency[stats_latency_slot(took)], 1);
	if (r->status == RING_STATUS_OKAY)
		stats_add(&s->bytes[op], r->checked.len_bytes);
	else
		stats_add(&s->errors[op], 1);
}

/* Since when there are requests and none was answered, or 0. */
static uint64_t turn_still_ns(const struct turn *t)
{
	if (!turn_in_flight(t))
		return 0;
	return t->answered_ns > t->busy_ns ? t->answered_ns : t->busy_ns;
}

void turn_publish(struct turn *t)
{
	struct stats_queue *s = t->stats;

	stats_set(&s->in_flight, turn_in_flight(t));
	stats_set(&s->still_ns, turn_still_ns(t));
	stats_set(&s->pending, ring_back_pending(&t->ring));
	stats_set(&s->refused, t->table.refused);
	stats_set(&s->tolerated, t->table.tolerated);
	stats_set(&s->pushes, t->pushes);
	stats_set(&s->notifies, t->channel->sent);
	stats_set(&s->wakeups, t->channel->received);
	stats_set(&s->spurious, t->channel->spurious);
	stats_set(&s->indirect, t->indirect);
	stats_set(&s->kept_pages, grant_space_kept(t->grants));
}

static void turn_answer(struct turn *t)
{
	unsigned i, held = 0;
	uint64_t now;

	if (!t->ndone)
		return;
	for (i = 0; i < t->ndone; i++)
		if (request_holds_pages(t->done[i])) {
			request_release_begin(t->done[i]);
			t->uses[held++] = &t->done[i]->use;
			t->pages -= t->done[i]->use.count;
		}
	grant_space_release(t->grants, t->uses, held);
	t->answered_ns = now = clock_now_ns();
	for (i = 0; i < t->ndone; i++) {
		request_release_end(t->done[i]);
		turn_count(t, t->done[i], now);
		request_respond(&t->table, t->done[i], &t->ring,
				now - t->done[i]->taken_ns);
	}
	t->ndone = 0;
	t->pushes++;
	if (ring_back_push(&t->ring) && channel_notify(t->channel) < 0)
		turn_fail(t, "", -EPIPE, "the host took no notification");
	turn_publish(t);
}

/* If nobody needs the old storage any more, change places. */
static void turn_change(struct turn *t)
{
	struct turn_storage *c =
		atomic_load_explicit(&t->change, memory_order_acquire);
	const struct turn_storage old = { t->disk, t->storage,
					  t->table.limits.size_bytes };

	if (t->waiting.head || t->storing)
		return;
	t->disk = c->disk;
	t->storage = c->queue;
	atomic_store_explicit(&t->size_bytes, c->size_bytes,
			      memory_order_relaxed);
	*c = old;
	atomic_store_explicit(&t->change, NULL, memory_order_release);
	t->changed = true;
}

unsigned turn_run(struct turn *t, bool take)
{
	bool changing = turn_changing(t);
	unsigned work = turn_reap(t);

	if (take && !changing && !t->fault.text)
		work += turn_take(t);
	work += t->abandon ? turn_drop_waiting(t) : turn_start_waiting(t);
	if (work)
		t->disk->ops->kick(t->storage);
	turn_answer(t);
	if (changing)
		turn_change(t);
	return work;
}

/* ---- its room ----------------------------------------------------------- */

static int turn_rooms_alloc(struct turn *t, struct why *why)
{
	uint32_t n = t->ring.entries;

	t->done = calloc(n, sizeof(*t->done));
	t->batch = calloc(n, sizeof(*t->batch));
	t->listed = calloc(n, sizeof(*t->listed));
	t->uses = calloc(n, sizeof(*t->uses));
	t->reaped = calloc(n, sizeof(*t->reaped));
	if (!t->done || !t->batch || !t->listed || !t->uses || !t->reaped)
		return why_set(why, -ENOMEM, "no memory for a ring of %u", n);
	return 0;
}

static int turn_grants_open(struct turn *t, const struct queue_setup *setup,
			    struct xen_gnttab *gnttab, struct why *why)
{
	unsigned segs = request_segs_max(&setup->limits);
	unsigned list_pages = (segs + RING_LIST_SEGS - 1) / RING_LIST_SEGS;
	const struct grant_space_setup grants = {
		.host = setup->host,
		.gnttab = gnttab,
		.domid = setup->domid,
		.path = setup->grant_path,
		.uses_max = t->ring.entries,
		.pages_max = t->pages_max + t->ring.entries * list_pages,
		.keep_pages = setup->grant_keep_pages,
		.budget = setup->grant_budget,
		.ev = t->ev,
	};

	return grant_space_open(&t->grants, &grants, why);
}

int turn_open(struct turn *t, const struct queue_setup *setup,
	      struct xen_gnttab *gnttab, struct channel *channel,
	      void *ring_pages, struct why *why)
{
	int err;

	t->disk = setup->disk;
	t->size_bytes = setup->limits.size_bytes;
	t->channel = channel;
	t->ev = setup->ev;
	t->stats = setup->stats ? setup->stats : &t->own_stats;
	t->limit = setup->limit ? setup->limit : &t->own_limit;
	ring_back_init(&t->ring, ring_pages, setup->ring_pages, setup->abi,
		       &t->ev);
	t->pages_max = t->ring.entries * RING_SEGS_MAX;
	if (t->pages_max < PAGES_LEAST)
		t->pages_max = PAGES_LEAST;
	err = turn_rooms_alloc(t, why);
	if (!err)
		err = request_table_open(&t->table, t->ring.entries,
					 &setup->limits, &t->ev, why);
	if (!err)
		err = turn_grants_open(t, setup, gnttab, why);
	if (!err)
		err = t->disk->ops->queue_open(t->disk, t->ring.entries,
					       &t->storage, why);
	return err;
}

void turn_close(struct turn *t)
{
	if (t->storage)
		t->disk->ops->queue_close(t->storage);
	grant_space_close(t->grants);
	request_table_close(&t->table);
	free(t->done);
	free(t->batch);
	free(t->listed);
	free(t->uses);
	free(t->reaped);
}
