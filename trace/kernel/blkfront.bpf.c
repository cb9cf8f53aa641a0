// SPDX-License-Identifier: MIT
/*
 * BPF programs on functions of Linux's xen-blkfront, and on those of the kernel
 * that it calls.  They only look and copy (raw.h).  What is for other drivers,
 * too, is in common.bpf.inc.
 *
 * A request gets its place under the ring's lock, in get_id_from_freelist, and
 * is published under the same.  When blkif_queue_rq has ended the lock is free,
 * so what was found under it is kept until then: the request is told at the
 * time at which it got its place, which was before the backend could see it.
 */
#include "trace/kernel/common.bpf.inc"

#define THREADS	  1024
#define INTERRUPT 0 /* settings.address, as blkfront.c names it */
#define SECTOR_AT                                                              \
	16 /* in a slot, but for a 32-bit kernel's, which has no BPF */

#pragma clang attribute push(__attribute__((preserve_access_index)),           \
			     apply_to = record)

struct request {
	unsigned int __data_len;
	__u64 __sector;
};
struct blk_mq_queue_data {
	struct request *rq;
};
struct blkif_response {
	__u64 id;
	__s16 status;
};
union blkif_sring_entry {
	struct blkif_response rsp;
};
struct blkif_sring {
	__u32 req_event, rsp_prod;
	union blkif_sring_entry ring[1];
};
struct blkif_front_ring {
	__u32 req_prod_pvt, rsp_cons;
	unsigned int nr_ents;
	struct blkif_sring *sring;
};
struct blkif_request;
struct blk_shadow {
	struct request *request;
};
struct blkfront_ring_info;
struct blkfront_info {
	struct xenbus_device *xbdev;
	unsigned int nr_ring_pages;
	unsigned int feature_persistent : 1;
	struct blkfront_ring_info *rinfo;
	unsigned int rinfo_size;
};
struct blkfront_ring_info {
	struct blkif_front_ring ring;
	unsigned int ring_ref[RAW_GREFS_MAX];
	unsigned int evtchn, irq;
	struct blkfront_info *dev_info;
	struct blk_shadow shadow[];
};

#pragma clang attribute pop

/* A request that a thread is about to push. */
struct pushing {
	__u64 rq, sector;
	__u64 ring; /* 0: it has no place yet */
	__u64 placed_ns, notified_ns;
	__u64 id;
	__u32 bytes, idx;
	__u32 event_before, event_after;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREADS);
	__type(key, __u32);
	__type(value, struct pushing);
} pushes SEC(".maps");

/* Threads that are within blkif_free_ring, and of which ring. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREADS);
	__type(key, __u32);
	__type(value, __u64);
} freeing SEC(".maps");

/* What a processor is about to take, within blkif_interrupt. */
struct taking {
	__u64 ring; /* 0: it is not */
	__u64 first_ns;
	__u32 cons, taken;
	__u32 prod; /* with the first one that was taken */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct taking);
} takes SEC(".maps");

static __always_inline struct taking *taking(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&takes, &key);
}

static __always_inline struct pushing *pushing(void)
{
	__u32 tid = thread();

	return bpf_map_lookup_elem(&pushes, &tid);
}

static __always_inline void front_look(struct raw_front *to,
				       struct blkfront_ring_info *from)
{
	struct blkfront_info *info = BPF_CORE_READ(from, dev_info);
	__u32 size = BPF_CORE_READ(info, rinfo_size);
	__u64 first = (__u64)BPF_CORE_READ(info, rinfo);

	to->addr = (__u64)from;
	to->irq = BPF_CORE_READ(from, irq);
	to->port = BPF_CORE_READ(from, evtchn);
	to->entries = BPF_CORE_READ(from, ring.nr_ents);
	to->pages = BPF_CORE_READ(info, nr_ring_pages);
	to->persistent =
		BPF_CORE_READ_BITFIELD_PROBED(info, feature_persistent);
	if (size)
		to->queue = (__u16)(((__u64)from - first) / size);
	BPF_CORE_READ_INTO(&to->gref, from, ring_ref);
	bpf_probe_read_kernel_str(to->otherend, sizeof(to->otherend),
				  BPF_CORE_READ(info, xbdev, otherend));
}

/* ---- requests ------------------------------------------------------------ */

SEC("fentry/blkif_queue_rq")
int BPF_PROG(on_queue, void *hctx, struct blk_mq_queue_data *data)
{
	struct request *rq = BPF_CORE_READ(data, rq);
	struct pushing p = { .rq = (__u64)rq };
	__u32 tid = thread();

	if (!recording)
		return 0;
	p.sector = BPF_CORE_READ(rq, __sector);
	p.bytes = BPF_CORE_READ(rq, __data_len);
	bpf_map_update_elem(&pushes, &tid, &p, BPF_ANY);
	return 0;
}

SEC("fexit/get_id_from_freelist")
int BPF_PROG(on_place)
{
	struct blkfront_ring_info *from = (void *)argument(ctx, 0);
	struct pushing *p = pushing();
	__u64 id = 0;

	if (!p || p->ring)
		return 0;
	bpf_get_func_ret(ctx, &id);
	p->placed_ns = bpf_ktime_get_ns();
	p->ring = (__u64)from;
	p->id = (__u32)id;
	p->idx = BPF_CORE_READ(from, ring.req_prod_pvt) - 1;
	p->event_before = BPF_CORE_READ(from, ring.sring, req_event);
	return 0;
}

SEC("fentry/notify_remote_via_irq")
int BPF_PROG(on_notify, int irq)
{
	struct pushing *p = pushing();
	struct blkfront_ring_info *from;

	if (!p || !p->ring)
		return 0;
	from = (void *)p->ring;
	if (BPF_CORE_READ(from, irq) == (__u32)irq)
		p->notified_ns = bpf_ktime_get_ns();
	return 0;
}

/*
 * The request as blkfront keeps it.  It may be answered by now, but is still
 * ours unless its id was given to another one meanwhile.
 */
static __always_inline bool slot_kept(const struct pushing *p, __u8 *slot)
{
	struct blk_shadow *shadow =
		(void *)(p->ring +
			 bpf_core_field_offset(struct blkfront_ring_info,
					       shadow) +
			 p->id * bpf_core_type_size(struct blk_shadow));
	__u64 rq = (__u64)BPF_CORE_READ(shadow, request);
	__u64 sector = 0;

	if (rq && rq != p->rq)
		return false;
	/* Its first member is the request. */
	if (bpf_probe_read_kernel(slot, RAW_SLOT_HEAD, shadow))
		return false;
	__builtin_memcpy(&sector, slot + SECTOR_AT, sizeof(sector));
	return sector == p->sector;
}

static __always_inline void count_lost(void)
{
	__u32 key = 0;
	__u64 *n = bpf_map_lookup_elem(&lost, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline void tell_push(const struct pushing *p)
{
	struct raw_push *raw = BEGIN(RAW_PUSH, raw_push);

	if (!raw)
		return;
	if (!slot_kept(p, raw->slot)) {
		bpf_ringbuf_discard(raw, 0);
		count_lost();
		return;
	}
	front_look(&raw->ring, (void *)p->ring);
	raw->head.t_ns = p->placed_ns;
	raw->id = p->id;
	raw->idx = p->idx;
	raw->bytes = p->bytes;
	end(raw);
}

static __always_inline void tell_publish(const struct pushing *p)
{
	struct blkfront_ring_info *from = (void *)p->ring;
	struct raw_publish *raw = BEGIN(RAW_PUBLISH, raw_publish);

	if (!raw)
		return;
	front_look(&raw->ring, from);
	if (p->notified_ns)
		raw->head.t_ns = p->notified_ns;
	raw->idx = p->idx;
	raw->event_before = p->event_before;
	raw->event_after = BPF_CORE_READ(from, ring.sring, req_event);
	raw->notified = !!p->notified_ns;
	end(raw);
}

SEC("fexit/blkif_queue_rq")
int BPF_PROG(on_queued, void *hctx, void *data, unsigned char ret)
{
	struct pushing *p = pushing();
	__u32 tid = thread();

	if (!p)
		return 0;
	if (p->ring && !ret) {
		tell_push(p);
		tell_publish(p);
	}
	bpf_map_delete_elem(&pushes, &tid);
	return 0;
}

/* ---- responses ----------------------------------------------------------- */

static __always_inline int on_front(__u32 what, struct blkfront_ring_info *from)
{
	struct raw_on_front *raw = BEGIN(what, raw_on_front);

	if (!raw)
		return 0;
	front_look(&raw->ring, from);
	return end(raw);
}

SEC("fentry/blkif_interrupt")
int BPF_PROG(on_interrupt)
{
	struct blkfront_ring_info *from = (void *)argument(ctx, 1);
	struct taking *t = taking();

	if (!t || !recording)
		return 0;
	t->ring = (__u64)from;
	t->cons = BPF_CORE_READ(from, ring.rsp_cons);
	t->taken = 0;
	return on_front(RAW_INTERRUPT, from);
}

/* In the order of the ring; their slots stay theirs until the lock is free. */
SEC("fentry/blk_mq_complete_request")
int BPF_PROG(on_complete)
{
	struct taking *t = taking();
	struct blkfront_ring_info *from;
	union blkif_sring_entry *entry;
	struct raw_complete *raw;
	__u32 idx, mask;

	if (!t || !t->ring)
		return 0;
	from = (void *)t->ring;
	if (!t->taken) {
		t->first_ns = bpf_ktime_get_ns();
		t->prod = BPF_CORE_READ(from, ring.sring, rsp_prod);
	}
	idx = t->cons + t->taken++;
	raw = BEGIN(RAW_COMPLETE, raw_complete);
	if (!raw)
		return 0;
	front_look(&raw->ring, from);
	mask = raw->ring.entries - 1;
	entry = (void *)((__u64)BPF_CORE_READ(from, ring.sring) +
			 bpf_core_field_offset(struct blkif_sring, ring) +
			 (__u64)(idx & mask) *
				 bpf_core_type_size(union blkif_sring_entry));
	raw->id = BPF_CORE_READ(entry, rsp.id);
	raw->status = BPF_CORE_READ(entry, rsp.status);
	raw->idx = idx;
	return end(raw);
}

/*
 * How often the producer's index was read meanwhile is not seen.  If all that
 * was taken had been published when the first was taken, it was then; else it
 * is told at the end, for it must not seem to be read before it was written.
 */
SEC("fexit/blkif_interrupt")
int BPF_PROG(on_taken)
{
	struct blkfront_ring_info *from = (void *)argument(ctx, 1);
	struct taking *t = taking();
	struct raw_taken *raw;

	if (!t || !t->ring)
		return 0;
	t->ring = 0;
	if (!t->taken)
		return 0;
	raw = BEGIN(RAW_TAKEN, raw_taken);
	if (!raw)
		return 0;
	front_look(&raw->ring, from);
	raw->before = t->cons;
	raw->after = t->cons + t->taken;
	if ((__s32)(t->prod - raw->after) >= 0)
		raw->head.t_ns = t->first_ns;
	return end(raw);
}

SEC("fentry/xen_irq_lateeoi")
int BPF_PROG(on_eoi, unsigned int irq, unsigned int flags)
{
	struct taking *t = taking();

	if (!t || !t->ring || !(flags & RAW_EOI_SPURIOUS))
		return 0;
	return irq_seen(RAW_EOI, irq, flags);
}

/* ---- grants -------------------------------------------------------------- */

SEC("fentry/gnttab_grant_foreign_access_ref")
int BPF_PROG(on_grant, __u32 ref, __u16 domid, __u64 frame, int readonly)
{
	struct pushing *p = pushing();
	struct raw_grant *raw;

	if (!p || !p->ring)
		return 0;
	raw = BEGIN(RAW_GRANT, raw_grant);
	if (!raw)
		return 0;
	front_look(&raw->ring, (void *)p->ring);
	raw->gref = ref;
	raw->frame = frame;
	raw->readonly = !!readonly;
	return end(raw);
}

static __always_inline int grant_end(__u32 ref, int ended)
{
	__u32 tid = thread();
	__u64 *of = bpf_map_lookup_elem(&freeing, &tid);
	struct taking *t = taking();
	__u64 ring_of = t && t->ring ? t->ring : of ? *of : 0;
	struct raw_grant *raw;

	if (!ring_of)
		return 0;
	raw = BEGIN(RAW_GRANT_END, raw_grant);
	if (!raw)
		return 0;
	front_look(&raw->ring, (void *)ring_of);
	raw->gref = ref;
	raw->busy = !ended;
	return end(raw);
}

/* By the version of the grant table. */
SEC("fexit/gnttab_end_foreign_access_ref_v1")
int BPF_PROG(on_grant_end_v1, __u32 ref, int ret)
{
	return grant_end(ref, ret);
}

SEC("fexit/gnttab_end_foreign_access_ref_v2")
int BPF_PROG(on_grant_end_v2, __u32 ref, int ret)
{
	return grant_end(ref, ret);
}

/* ---- handshake ----------------------------------------------------------- */

/* xenbus_switch_state, where xenbus_frontend_closed has it inlined. */
SEC("fentry/__xenbus_switch_state")
int BPF_PROG(on_state_inner, struct xenbus_device *dev, int state)
{
	return device(RAW_STATE, dev, BPF_CORE_READ(dev, state), state);
}

SEC("fentry/blkback_changed")
int BPF_PROG(on_seen, struct xenbus_device *dev, int state)
{
	return device(RAW_SEEN, dev, 0, state);
}

SEC("fexit/bind_evtchn_to_irqhandler_lateeoi")
int BPF_PROG(on_bound, unsigned int port, void *handler, unsigned long flags,
	     const char *name, void *id, int ret)
{
	struct blkfront_ring_info *from = (void *)argument(ctx, 4);
	struct raw_on_front *raw;

	if (ret <= 0 || argument(ctx, 1) != settings.address[INTERRUPT])
		return 0;
	raw = BEGIN(RAW_FRONT, raw_on_front);
	if (!raw)
		return 0;
	front_look(&raw->ring, from);
	raw->ring.irq = (__u32)ret; /* the ring knows it a moment later */
	return end(raw);
}

SEC("fentry/blkif_free_ring")
int BPF_PROG(on_free)
{
	__u64 ring_of = argument(ctx, 0);
	__u32 tid = thread();

	bpf_map_update_elem(&freeing, &tid, &ring_of, BPF_ANY);
	return 0;
}

SEC("fexit/blkif_free_ring")
int BPF_PROG(on_freed)
{
	__u32 tid = thread();

	bpf_map_delete_elem(&freeing, &tid);
	return on_front(RAW_GONE, (void *)argument(ctx, 0));
}
