/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "xen/desk/guest.h"

/* ---- requests ----------------------------------------------------------- */

static void *page_of(const struct load_queue *q, unsigned entry, unsigned seg)
{
	return q->data + (size_t)(entry * q->shape->segs + seg) * XEN_PAGE_SIZE;
}

/* Each entry has its own pages, and its own place on the disk. */
static void slot_fill(struct load_queue *q, unsigned entry)
{
	unsigned segs = q->shape->segs, i;
	const uint32_t *gref = q->gref + (1u << q->shape->order);
	uint64_t sector = (uint64_t)(q->index * q->depth + entry) * segs * 8;
	struct ring_request_x86_64 direct = {
		.operation = q->shape->write ? RING_OP_WRITE : RING_OP_READ,
		.nr_segments = (uint8_t)segs,
		.id = entry,
		.sector_number = sector,
	};
	struct ring_indirect_x86_64 indirect = {
		.operation = RING_OP_INDIRECT,
		.inner_op = direct.operation,
		.nr_segments = (uint16_t)segs,
		.id = entry,
		.sector_number = sector,
		.list_gref = { gref[q->depth * segs + entry] },
	};
	struct ring_segment *seg = direct.seg;

	if (segs > RING_SEGS_MAX)
		seg = (void *)(q->lists + (size_t)entry * XEN_PAGE_SIZE);
	for (i = 0; i < segs; i++) {
		seg[i] = (struct ring_segment){ .gref = gref[entry * segs + i],
						.last_sect = 7 };
		q->iov[entry * segs + i].iov_base = page_of(q, entry, i);
		q->iov[entry * segs + i].iov_len = XEN_PAGE_SIZE;
	}
	if (segs > RING_SEGS_MAX)
		memcpy(q->slot[entry], &indirect, sizeof(indirect));
	else
		memcpy(q->slot[entry], &direct, sizeof(direct));
	q->op[entry] = (struct disk_op){
		.kind = q->shape->write ? DISK_WRITE : DISK_READ,
		.iov_count = segs,
		.iov = q->iov + entry * segs,
		.off_bytes = sector * 512,
		.len_bytes = segs * XEN_PAGE_SIZE,
	};
}

/* ---- the frontend ------------------------------------------------------- */

static bool take(struct load_queue *q, unsigned *free, unsigned *nfree)
{
	int n = ring_front_ready(&q->ring), i;

	for (i = 0; i < n; i++) {
		struct ring_response rsp;

		ring_front_take(&q->ring, &rsp);
		free[(*nfree)++] = (unsigned)rsp.id;
		q->errors += rsp.status != RING_STATUS_OKAY;
		q->done++;
	}
	return n > 0;
}

static bool put(struct load_queue *q, unsigned *free, unsigned *nfree)
{
	const struct xen_evtchn_ops *ops = &q->world->front->ops->evtchn;

	if (!*nfree)
		return false;
	while (*nfree)
		ring_front_put(&q->ring, q->slot[free[--*nfree]]);
	if (ring_front_push(&q->ring) && q->path != LOAD_BARE)
		ops->notify(q->evtchn, (uint32_t)q->port);
	return true;
}

static void wait_for_backend(struct load_queue *q)
{
	const struct xen_evtchn_ops *ops = &q->world->front->ops->evtchn;
	struct pollfd p = { .events = POLLIN };

	if (q->path == LOAD_BARE) {
		sched_yield();
		return;
	}
	if (ring_front_final_check(&q->ring))
		return;
	p.fd = ops->fd(q->evtchn);
	poll(&p, 1, 1000);
	if (ops->pending(q->evtchn) == q->port)
		ops->unmask(q->evtchn, (uint32_t)q->port);
}

static void *front_run(void *arg)
{
	struct load_queue *q = arg;
	unsigned free[LOAD_ENTRIES_MAX], nfree;
	struct timespec cpu;

	for (nfree = 0; nfree < q->depth; nfree++)
		free[nfree] = nfree;
	for (;;) {
		bool worked = take(q, free, &nfree);

		if (!atomic_load_explicit(&q->stop, memory_order_relaxed))
			worked |= put(q, free, &nfree);
		else if (nfree == q->depth)
			break;
		if (!worked)
			wait_for_backend(q);
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	q->cpu_ns = (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec;
	return NULL;
}

static int pages_grant(struct load_queue *q, void *pages, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		int gref = desk_guest_grant(
			q->world->front, 0,
			(uint8_t *)pages + (size_t)i * XEN_PAGE_SIZE, false);

		if (gref < 0)
			return gref;
		q->gref[q->grefs++] = (uint32_t)gref;
	}
	return 0;
}

static int front_open(struct load_queue *q, struct why *why)
{
	struct xen_host *h = q->world->front;
	const struct ev_origin ev = { .actor = EV_ACTOR_FRONTEND,
				      .domid = LOAD_DOMID };
	unsigned pages = 1u << q->shape->order, i;
	int err;

	q->depth = ring_entries(RING_ABI_X86_64, pages);
	if (q->depth * q->shape->segs > LOAD_PAGES_MAX)
		q->depth = LOAD_PAGES_MAX / q->shape->segs;
	q->ring_pages = desk_guest_alloc(h, pages);
	q->data = desk_guest_alloc(h, q->depth * q->shape->segs);
	q->lists = desk_guest_alloc(h, q->depth);
	if (!q->ring_pages || !q->data || !q->lists)
		return why_set(why, -ENOMEM, "the guest has no memory left");
	err = pages_grant(q, q->ring_pages, pages);
	if (!err)
		err = pages_grant(q, q->data, q->depth * q->shape->segs);
	if (!err)
		err = pages_grant(q, q->lists, q->depth);
	if (!err)
		err = h->ops->evtchn.open(h, &q->evtchn);
	if (!err)
		q->port = h->ops->evtchn.alloc_unbound(q->evtchn, 0);
	if (err || q->port < 0)
		return why_set(why, -EIO, "no grant or no event channel left");
	ring_front_init(&q->ring, q->ring_pages, pages, RING_ABI_X86_64, &ev);
	for (i = 0; i < q->depth; i++)
		slot_fill(q, i);
	return 0;
}

static void front_close(struct load_queue *q)
{
	struct xen_host *h = q->world->front;
	unsigned i;

	for (i = 0; i < q->grefs; i++)
		desk_guest_grant_end(h, q->gref[i]);
	if (q->lists)
		desk_guest_free(h, q->lists, q->depth);
	if (q->data)
		desk_guest_free(h, q->data, q->depth * q->shape->segs);
	if (q->ring_pages)
		desk_guest_free(h, q->ring_pages, 1u << q->shape->order);
	if (q->evtchn)
		h->ops->evtchn.close(q->evtchn);
}

/* ---- both ends ---------------------------------------------------------- */

static int back_open(struct load_queue *q, struct why *why)
{
	const struct queue_setup setup = {
		.host = q->world->back,
		.disk = q->world->disk,
		.domid = LOAD_DOMID,
		.abi = RING_ABI_X86_64,
		.ring_grefs = q->gref,
		.ring_pages = 1u << q->shape->order,
		.evtchn_port = (uint32_t)q->port,
		.limits = { .size_bytes = q->world->disk->size_bytes,
			    .sector_bytes = q->world->disk->sector_bytes,
			    .flush = true,
			    .indirect_segs = 256 },
		.grant_path = q->path == LOAD_MAP    ? GRANT_PATH_MAP
			      : q->path == LOAD_COPY ? GRANT_PATH_COPY
						     : GRANT_PATH_PERSIST,
		.grant_keep_pages = LOAD_PAGES_MAX + LOAD_ENTRIES_MAX,
		.grant_budget = q->world->budget,
		.poll_us = q->world->poll_us,
		.ev = { .actor = EV_ACTOR_BACKEND,
			.domid = LOAD_DOMID,
			.queue = (uint16_t)q->index },
		.fault_fd = -1,
	};
	const char *rule = "";
	int err = queue_open(&q->queue, &setup, &rule, why);

	return err ? err : queue_start(q->queue, why);
}

int load_open(struct load_queue *q, const struct load_world *world,
	      const struct load_shape *shape, enum load_path path,
	      unsigned index, struct why *why)
{
	int err;

	memset(q, 0, sizeof(*q));
	q->world = world;
	q->shape = shape;
	q->path = path;
	q->index = index;
	err = front_open(q, why);
	if (!err)
		err = path == LOAD_BARE ? load_bare_start(q, why)
					: back_open(q, why);
	return err;
}

int load_start(struct load_queue *q)
{
	return -pthread_create(&q->thread, NULL, front_run, q);
}

void load_stop(struct load_queue *q)
{
	atomic_store(&q->stop, true);
	pthread_join(q->thread, NULL);
}

void load_close(struct load_queue *q)
{
	if (!q->world)
		return;
	load_bare_stop(q);
	queue_close(q->queue);
	front_close(q);
	memset(q, 0, sizeof(*q));
}
