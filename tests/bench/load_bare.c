/* SPDX-License-Identifier: MIT */
/*
 * The least that a backend has to do: copy a slot, have the storage move the
 * data between itself and the guest's pages, write a response.
 */
#include "load.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "ring/barrier.h"

static bool bare_take(struct load_queue *q, uint32_t *cons)
{
	struct ring_shared *s = q->ring.shared;
	uint32_t prod = ring_load_acquire(&s->req_prod), from = *cons;

	for (; *cons != prod; ++*cons) {
		struct ring_request_x86_64 r;

		memcpy(&r,
		       ring_slot_at(s, RING_ABI_X86_64, q->ring.entries, *cons),
		       sizeof(r));
		q->world->disk->ops->submit(q->storage, &q->op[r.id]);
	}
	if (from != prod)
		q->world->disk->ops->kick(q->storage);
	return from != prod;
}

static bool bare_answer(struct load_queue *q, uint32_t *rsp)
{
	struct ring_shared *s = q->ring.shared;
	struct disk_op *done[LOAD_ENTRIES_MAX];
	unsigned i, n;

	n = q->world->disk->ops->reap(q->storage, done, LOAD_ENTRIES_MAX);
	for (i = 0; i < n; i++) {
		struct ring_response_x86_64 r = {
			.id = (uint64_t)(done[i] - q->op),
			.status = done[i]->error ? RING_STATUS_ERROR
						 : RING_STATUS_OKAY,
		};

		memcpy(ring_slot_at(s, RING_ABI_X86_64, q->ring.entries,
				    (*rsp)++),
		       &r, sizeof(r));
	}
	if (n)
		ring_store_release(&s->rsp_prod, *rsp);
	return n;
}

static void *bare_run(void *arg)
{
	struct load_queue *q = arg;
	uint32_t cons = 0, rsp = 0;

	while (!atomic_load_explicit(&q->bare_stop, memory_order_relaxed)) {
		bool worked = bare_take(q, &cons);

		if (!(bare_answer(q, &rsp) | worked))
			sched_yield();
	}
	return NULL;
}

int load_bare_start(struct load_queue *q, struct why *why)
{
	const struct disk_ops *ops = q->world->disk->ops;
	int err = ops->queue_open(q->world->disk, LOAD_ENTRIES_MAX, &q->storage,
				  why);

	if (err)
		return err;
	if (!pthread_create(&q->bare, NULL, bare_run, q))
		return 0;
	ops->queue_close(q->storage);
	q->storage = NULL;
	return why_set(why, -EAGAIN, "no more threads");
}

void load_bare_stop(struct load_queue *q)
{
	if (!q->storage)
		return;
	atomic_store(&q->bare_stop, true);
	pthread_join(q->bare, NULL);
	q->world->disk->ops->queue_close(q->storage);
}
