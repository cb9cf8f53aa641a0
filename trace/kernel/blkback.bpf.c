// SPDX-License-Identifier: MIT
/*
 * BPF programs on functions of Linux's xen-blkback, and on those of the kernel
 * that it calls.  They only look and copy (raw.h).  What is for other
 * drivers, too, is in common.bpf.inc.
 *
 * One file, though a long one: the programs share their maps and the kernel's
 * structures, which belong to one object, and each is a few lines.
 */
#include "trace/kernel/common.bpf.inc"

#define SEGMENTS_MAX 256u /* of an indirect request */
#define THREADS	     1024
#define RING_HEADER  64u
#define PROTOCOL_32  2u
/* settings.address, as blkback.c names them */
#define END_IO	0
#define THREAD	1
#define KTHREAD 0x00200000u /* PF_KTHREAD */

/* Of these only the size counts here. */
enum blkif_protocol { PROTOCOL_NATIVE = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)),           \
			     apply_to = record)

struct block_device;
struct task_struct {
	unsigned int flags;
	void *worker_private;
};
struct kthread {
	int (*threadfn)(void *);
	void *data;
};
struct gnttab_map_grant_ref {
	__u32 ref;
	__s16 status;
};
struct bvec_iter {
	__u64 bi_sector;
};
struct bio {
	unsigned char bi_status;
	struct bvec_iter bi_iter;
	void *bi_end_io;
	void *bi_private;
};
struct blkif_common_sring {
	__u32 req_prod, req_event, rsp_prod, rsp_event;
};
struct blkif_common_back_ring {
	__u32 rsp_prod_pvt, req_cons;
	__u32 nr_ents;
	struct blkif_common_sring *sring;
};
union blkif_back_rings {
	struct blkif_common_back_ring common;
};
struct xen_vbd {
	__u16 handle;
};
struct backend_info {
	struct xenbus_device *dev;
};
struct xen_blkif;
struct xen_blkif_ring {
	unsigned int irq;
	union blkif_back_rings blk_rings;
	struct task_struct *xenblkd;
	struct xen_blkif *blkif;
};
struct xen_blkif {
	__u16 domid;
	enum blkif_protocol blk_protocol;
	struct xen_vbd vbd;
	struct backend_info *be;
	unsigned int nr_ring_pages;
	struct xen_blkif_ring *rings;
	unsigned int nr_rings;
};
struct seg_buf {
	unsigned int nsec;
};
typedef struct {
	int counter;
} atomic_t;
struct grant_page;
struct pending_req {
	struct xen_blkif_ring *ring;
	__u64 id;
	int nr_segs;
	atomic_t pendcnt;
	unsigned short operation;
	struct grant_page *segments[SEGMENTS_MAX];
	struct grant_page *indirect_pages[1];
	struct seg_buf seg[SEGMENTS_MAX];
};
struct gntab_unmap_queue_data {
	unsigned int count;
	void *data;
};

#pragma clang attribute pop

/* Threads that are within xen_blkbk_map. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, THREADS);
	__type(key, __u32);
	__type(value, __u32);
} mapping SEC(".maps");

/* Processors that are within make_response. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} responding SEC(".maps");

/* A copy of the segments of one request: too large for a stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[SEGMENTS_MAX * 16]);
} segments SEC(".maps");

/* ---- what is looked at --------------------------------------------------- */

static __always_inline void ring_look(struct raw_ring *to,
				      struct xen_blkif_ring *from)
{
	struct xen_blkif *blkif = BPF_CORE_READ(from, blkif);
	__u32 size = bpf_core_type_size(struct xen_blkif_ring);
	struct blkif_common_sring *shared =
		BPF_CORE_READ(from, blk_rings.common.sring);

	to->addr = (__u64)from;
	to->devid = BPF_CORE_READ(blkif, vbd.handle);
	to->domid = BPF_CORE_READ(blkif, domid);
	if (size)
		to->queue = (__u16)(((__u64)from -
				     (__u64)BPF_CORE_READ(blkif, rings)) /
				    size);
	to->irq = BPF_CORE_READ(from, irq);
	to->entries = BPF_CORE_READ(from, blk_rings.common.nr_ents);
	to->req_cons = BPF_CORE_READ(from, blk_rings.common.req_cons);
	to->rsp_prod_pvt = BPF_CORE_READ(from, blk_rings.common.rsp_prod_pvt);
	to->protocol = BPF_CORE_READ(blkif, blk_protocol);
	if (shared)
		to->rsp_event = BPF_CORE_READ(shared, rsp_event);
}

/* The slot of the request that was taken last.  The frontend may change it. */
static __always_inline void slot_look(const struct raw_ring *at, __u8 *slot,
				      struct xen_blkif_ring *from)
{
	__u32 bytes =
		at->protocol == PROTOCOL_32 ? RAW_SLOT_MAX - 4 : RAW_SLOT_MAX;
	__u64 shared = (__u64)BPF_CORE_READ(from, blk_rings.common.sring);
	__u32 idx = (at->req_cons - 1) & (at->entries - 1);

	if (shared)
		bpf_probe_read_kernel(
			slot, RAW_SLOT_MAX - 4,
			(void *)(shared + RING_HEADER + (__u64)idx * bytes));
	if (shared && bytes == RAW_SLOT_MAX)
		bpf_probe_read_kernel(slot + RAW_SLOT_MAX - 4, 4,
				      (void *)(shared + RING_HEADER +
					       (__u64)idx * bytes +
					       RAW_SLOT_MAX - 4));
}

static __always_inline __u32 request_bytes(struct pending_req *req, __u32 n)
{
	__u32 size = bpf_core_type_size(struct seg_buf), key = 0, sum = 0;
	__u8 *copy = bpf_map_lookup_elem(&segments, &key);
	__u64 from =
		(__u64)req + bpf_core_field_offset(struct pending_req, seg);
	__u32 at = bpf_core_field_offset(struct seg_buf, nsec);

	__u32 bytes = n * 16;

	barrier_var(bytes); /* the verifier is to see this bound */
	if (!copy || size != 16 || at > 12 || bytes > SEGMENTS_MAX * 16 ||
	    bpf_probe_read_kernel(copy, bytes, (void *)from))
		return 0;
	for (__u32 i = 0; i < SEGMENTS_MAX; i++) {
		if (i >= n)
			break;
		sum += *(__u32 *)(copy + i * 16 + (at & 12));
	}
	return sum * 512;
}

/* The ring of an xen-blkback's thread, which this must be. */
static __always_inline struct xen_blkif_ring *ring_of_thread(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct kthread *kthread;

	if (!(BPF_CORE_READ(task, flags) & KTHREAD))
		return 0;
	kthread = BPF_CORE_READ(task, worker_private);
	if (!kthread || !settings.address[THREAD] ||
	    (__u64)BPF_CORE_READ(kthread, threadfn) != settings.address[THREAD])
		return 0;
	return BPF_CORE_READ(kthread, data);
}

/* ---- requests ------------------------------------------------------------ */

SEC("fentry/xen_blkif_be_int")
int BPF_PROG(on_wakeup, int irq, void *dev_id)
{
	struct raw_on_ring *raw = BEGIN(RAW_WAKEUP, raw_on_ring);

	if (!raw)
		return 0;
	ring_look(&raw->ring, dev_id);
	raw->ring.irq = (__u32)irq; /* the ring knows it a moment later */
	return end(raw);
}

SEC("fentry/xen_blkbk_map")
int BPF_PROG(on_map)
{
	struct xen_blkif_ring *from = (void *)argument(ctx, 0);
	__u64 pages = argument(ctx, 1), num = argument(ctx, 2);
	__u64 direct =
		pages - bpf_core_field_offset(struct pending_req, segments);
	__u64 list = pages -
		     bpf_core_field_offset(struct pending_req, indirect_pages);
	struct raw_map *raw;
	struct pending_req *req = (void *)direct;
	__u32 tid = thread(), one = 1;
	bool is_list = false;

	bpf_map_update_elem(&mapping, &tid, &one, BPF_ANY);
	raw = BEGIN(RAW_MAP, raw_map);
	if (!raw)
		return 0;
	if (BPF_CORE_READ(req, ring) != from) {
		req = (void *)list;
		is_list = true;
	}
	ring_look(&raw->ring, from);
	slot_look(&raw->ring, raw->slot, from);
	raw->req = (__u64)req;
	raw->id = BPF_CORE_READ(req, id);
	raw->count = (__u32)num;
	raw->segments = (__u16)BPF_CORE_READ(req, nr_segs);
	raw->op = (__u8)BPF_CORE_READ(req, operation);
	raw->list = is_list;
	raw->writable = !(argument(ctx, 3) & 1);
	if (!is_list)
		raw->bytes = num <= SEGMENTS_MAX
				     ? request_bytes(req, (__u32)num)
				     : 0;
	return end(raw);
}

SEC("fexit/xen_blkbk_map")
int BPF_PROG(on_map_end)
{
	__u32 tid = thread();
	struct raw_head *raw;

	bpf_map_delete_elem(&mapping, &tid);
	raw = BEGIN(RAW_MAP_END, raw_head);
	if (!raw)
		return 0;
	return end(raw);
}

SEC("fexit/gnttab_map_refs")
int BPF_PROG(on_mapped, void *ops, void *kops, void *pages, unsigned int count)
{
	__u32 size = bpf_core_type_size(struct gnttab_map_grant_ref);
	__u32 tid = thread();
	struct raw_mapped *raw;

	if (!bpf_map_lookup_elem(&mapping, &tid))
		return 0;
	raw = BEGIN(RAW_MAPPED, raw_mapped);
	if (!raw)
		return 0;
	raw->count = count < RAW_GREFS_MAX ? count : RAW_GREFS_MAX;
	for (__u32 i = 0; i < RAW_GREFS_MAX; i++) {
		struct gnttab_map_grant_ref *op = ops + (__u64)i * size;

		if (i >= count)
			break;
		raw->gref[i] = BPF_CORE_READ(op, ref);
		raw->status[i] = BPF_CORE_READ(op, status);
	}
	return end(raw);
}

SEC("fentry/submit_bio")
int BPF_PROG(on_submit, struct bio *bio)
{
	struct pending_req *req;
	struct raw_bio *raw;

	if ((__u64)BPF_CORE_READ(bio, bi_end_io) != settings.address[END_IO])
		return 0;
	raw = BEGIN(RAW_SUBMIT, raw_bio);
	if (!raw)
		return 0;
	req = BPF_CORE_READ(bio, bi_private);
	raw->req = (__u64)req;
	raw->sector = BPF_CORE_READ(bio, bi_iter.bi_sector);
	raw->left = (__u32)BPF_CORE_READ(req, pendcnt.counter);
	return end(raw);
}

SEC("fentry/end_block_io_op")
int BPF_PROG(on_done, struct bio *bio)
{
	struct raw_bio *raw = BEGIN(RAW_DONE, raw_bio);

	if (!raw)
		return 0;
	raw->req = (__u64)BPF_CORE_READ(bio, bi_private);
	raw->status = BPF_CORE_READ(bio, bi_status);
	return end(raw);
}

static __always_inline int discard(__u32 what, __u64 sector, __u64 sectors,
				   int error)
{
	struct xen_blkif_ring *from = ring_of_thread();
	struct raw_discard *raw;

	if (!from)
		return 0;
	raw = BEGIN(what, raw_discard);
	if (!raw)
		return 0;
	ring_look(&raw->ring, from);
	slot_look(&raw->ring, raw->slot, from);
	raw->sector = sector;
	raw->sectors = sectors;
	raw->error = error;
	return end(raw);
}

SEC("fentry/blkdev_issue_discard")
int BPF_PROG(on_discard, struct block_device *bdev, __u64 sector, __u64 sectors)
{
	return discard(RAW_DISCARD, sector, sectors, 0);
}

SEC("fexit/blkdev_issue_discard")
int BPF_PROG(on_discarded, struct block_device *bdev, __u64 sector,
	     __u64 sectors, unsigned int gfp, int ret)
{
	return discard(RAW_DISCARDED, sector, sectors, ret);
}

SEC("fentry/blkdev_issue_secure_erase")
int BPF_PROG(on_erase, struct block_device *bdev, __u64 sector, __u64 sectors)
{
	return discard(RAW_DISCARD, sector, sectors, 0);
}

SEC("fexit/blkdev_issue_secure_erase")
int BPF_PROG(on_erased, struct block_device *bdev, __u64 sector, __u64 sectors,
	     unsigned int gfp, int ret)
{
	return discard(RAW_DISCARDED, sector, sectors, ret);
}

SEC("fentry/xen_blkbk_unmap_and_respond_callback")
int BPF_PROG(on_unmapped, int result, struct gntab_unmap_queue_data *data)
{
	struct raw_unmapped *raw = BEGIN(RAW_UNMAPPED, raw_unmapped);

	if (!raw)
		return 0;
	raw->req = (__u64)BPF_CORE_READ(data, data);
	raw->count = BPF_CORE_READ(data, count);
	return end(raw);
}

SEC("fentry/make_response")
int BPF_PROG(on_respond, void *ring_of, __u64 id, unsigned short op, int st)
{
	struct xen_blkif_ring *from = (void *)argument(ctx, 0);
	struct raw_respond *raw;
	__u32 key = 0, *in = bpf_map_lookup_elem(&responding, &key);

	if (in && recording)
		__sync_fetch_and_add(in, 1);
	raw = BEGIN(RAW_RESPOND, raw_respond);
	if (!raw)
		return 0;
	ring_look(&raw->ring, from);
	slot_look(&raw->ring, raw->slot, from);
	raw->id = id;
	raw->op = op;
	raw->status = st;
	return end(raw);
}

SEC("fexit/make_response")
int BPF_PROG(on_responded)
{
	struct xen_blkif_ring *from = (void *)argument(ctx, 0);
	__u32 key = 0, *in = bpf_map_lookup_elem(&responding, &key);
	struct raw_on_ring *raw;

	if (in && *in)
		__sync_fetch_and_add(in, -1);
	raw = BEGIN(RAW_RESPONDED, raw_on_ring);
	if (!raw)
		return 0;
	ring_look(&raw->ring, from);
	return end(raw);
}

SEC("fentry/notify_remote_via_irq")
int BPF_PROG(on_notify, int irq)
{
	__u32 key = 0, *in = bpf_map_lookup_elem(&responding, &key);

	return in && *in ? irq_seen(RAW_NOTIFY, (__u32)irq, 0) : 0;
}

SEC("fentry/xen_irq_lateeoi")
int BPF_PROG(on_eoi, unsigned int irq, unsigned int flags)
{
	if (!(flags & RAW_EOI_SPURIOUS) || !ring_of_thread())
		return 0;
	return irq_seen(RAW_EOI, irq, flags);
}

/* ---- handshake ------------------------------------------------------------
 */

/* Others have functions of this name: not by fentry. */
SEC("kprobe")
int BPF_KPROBE(on_seen, struct xenbus_device *dev, int state)
{
	return device(RAW_SEEN, dev, 0, state);
}

SEC("fexit/xen_blkbk_remove")
int BPF_PROG(on_remove, struct xenbus_device *dev)
{
	return device(RAW_REMOVE, dev, 0, 0);
}

SEC("fexit/bind_evtchn_to_irq_chip")
int BPF_PROG(on_port, unsigned int port, void *chip, void *dev, int ret)
{
	return ret > 0 ? irq_seen(RAW_PORT, (__u32)ret, port) : 0;
}

SEC("fexit/bind_interdomain_evtchn_to_irqhandler_lateeoi")
int BPF_PROG(on_bind, void *dev, unsigned int remote_port, void *handler,
	     unsigned long flags, const char *name, void *id, int ret)
{
	return ret > 0 ? irq_seen(RAW_BIND, (__u32)ret, remote_port) : 0;
}

SEC("fentry/xenbus_map_ring_valloc")
int BPF_PROG(on_grants, struct xenbus_device *dev)
{
	__u32 count = (__u32)argument(ctx, 2);
	struct raw_grants *raw = BEGIN(RAW_GRANTS, raw_grants);

	if (!raw)
		return 0;
	raw->count = count < RAW_GREFS_MAX ? count : RAW_GREFS_MAX;
	bpf_probe_read_kernel(raw->gref, raw->count * sizeof(raw->gref[0]),
			      (void *)argument(ctx, 1));
	bpf_probe_read_kernel_str(raw->node, sizeof(raw->node),
				  BPF_CORE_READ(dev, nodename));
	return end(raw);
}

SEC("fexit/read_per_ring_refs")
int BPF_PROG(on_ring, void *ring_of, const char *dir, int ret)
{
	struct xen_blkif_ring *from = (void *)argument(ctx, 0);
	struct raw_on_ring *raw;

	if (ret)
		return 0;
	raw = BEGIN(RAW_RING, raw_on_ring);
	if (!raw)
		return 0;
	ring_look(&raw->ring, from);
	return end(raw);
}

static __always_inline int status(__u32 what, struct xen_blkif *blkif)
{
	struct raw_status *raw = BEGIN(what, raw_status);
	struct xen_blkif_ring *first;

	if (!raw)
		return 0;
	first = BPF_CORE_READ(blkif, rings);
	raw->devid = BPF_CORE_READ(blkif, vbd.handle);
	raw->domid = BPF_CORE_READ(blkif, domid);
	raw->queues = (__u16)BPF_CORE_READ(blkif, nr_rings);
	raw->state = (__u32)BPF_CORE_READ(blkif, be, dev, state);
	raw->running = first && BPF_CORE_READ(first, xenblkd);
	return end(raw);
}

SEC("fexit/xen_update_blkif_status")
int BPF_PROG(on_status, struct xen_blkif *blkif)
{
	return status(RAW_STATUS, blkif);
}

SEC("fexit/xen_blkif_disconnect")
int BPF_PROG(on_disconnect, struct xen_blkif *blkif, int ret)
{
	return ret ? 0 : status(RAW_DISCONNECT, blkif);
}
