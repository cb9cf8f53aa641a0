/* SPDX-License-Identifier: MIT */
/*
 * What BPF programs on the functions of a driver of Linux put into the ring
 * buffer: what was seen, as it was seen.  What it means is for driver.h.
 *
 * Compiled for BPF, too: nothing here but plain types, and no padding.
 */
#ifndef KERNEL_RAW_H
#define KERNEL_RAW_H

#include <linux/types.h>

enum raw_what {
	/* Of xen-blkback: */
	RAW_WAKEUP,	/* raw_on_ring: xen_blkif_be_int */
	RAW_MAP,	/* raw_map: xen_blkbk_map is entered */
	RAW_MAPPED,	/* raw_mapped: gnttab_map_refs, within it, has ended */
	RAW_MAP_END,	/* raw_head: it has ended */
	RAW_SUBMIT,	/* raw_bio: submit_bio */
	RAW_DONE,	/* raw_bio: end_block_io_op */
	RAW_DISCARD,	/* raw_discard: blkdev_issue_discard, or secure erase */
	RAW_DISCARDED,	/* raw_discard: it has ended */
	RAW_UNMAPPED,	/* raw_unmapped: xen_blkbk_unmap_and_respond_callback */
	RAW_RESPOND,	/* raw_respond: make_response is entered */
	RAW_NOTIFY,	/* raw_irq: notify_remote_via_irq */
	RAW_RESPONDED,	/* raw_on_ring: make_response has ended */
	RAW_REMOVE,	/* raw_device: xen_blkbk_remove */
	RAW_PORT,	/* raw_irq: bind_evtchn_to_irq_chip */
	RAW_BIND,	/* raw_irq: the remote port was bound to an irq */
	RAW_GRANTS,	/* raw_grants: xenbus_map_ring_valloc */
	RAW_RING,	/* raw_on_ring: read_per_ring_refs has ended well */
	RAW_STATUS,	/* raw_status: xen_update_blkif_status has ended */
	RAW_DISCONNECT, /* raw_status: xen_blkif_disconnect has ended well */
	/* Of xen-blkfront: */
	RAW_INTERRUPT, /* raw_on_front: blkif_interrupt is entered */
	RAW_PUSH,      /* raw_push: get_id_from_freelist has ended, in */
	RAW_PUBLISH,   /* raw_publish: blkif_queue_rq, which did it */
	RAW_COMPLETE,  /* raw_complete: blk_mq_complete_request */
	RAW_TAKEN,     /* raw_taken: blkif_interrupt has ended */
	RAW_GRANT,     /* raw_grant: gnttab_grant_foreign_access_ref */
	RAW_GRANT_END, /* raw_grant: gnttab_end_foreign_access_ref_v* */
	RAW_FRONT,     /* raw_on_front: a ring's event channel was bound */
	RAW_GONE,      /* raw_on_front: blkif_free_ring has ended */
	/* Of both: */
	RAW_EOI,   /* raw_irq: xen_irq_lateeoi */
	RAW_STATE, /* raw_device: xenbus_switch_state is entered */
	RAW_SEEN,  /* raw_device: frontend_changed, blkback_changed */
	RAW_READ,  /* raw_text: xs_single, of a read; dir is all */
	RAW_WRITE, /* raw_text: xenbus_write has ended well */
	RAW_WHAT_COUNT
};

#define RAW_ADDRESSES	 2
#define RAW_SLOT_MAX	 112 /* bytes of a slot of the ring */
#define RAW_SLOT_HEAD	 32
#define RAW_GREFS_MAX	 16
#define RAW_DIR_MAX	 96 /* bytes with the NUL; longer texts are cut */
#define RAW_NODE_MAX	 64
#define RAW_VALUE_MAX	 128
#define RAW_EOI_SPURIOUS 1u /* XEN_EOI_FLAG_SPURIOUS */

struct raw_head {
	__u64 t_ns; /* CLOCK_MONOTONIC */
	__u64 lost; /* so many were lost before this one */
	__u32 what;
	__u32 cpu, tid;
	__u32 len; /* bytes in all, with this head */
};

/* A ring of a device, as it stood. */
struct raw_ring {
	__u64 addr; /* of the kernel's struct; a name, no more */
	__u32 devid;
	__u16 domid, queue;
	__u32 irq;
	__u32 entries;
	__u32 req_cons, rsp_prod_pvt;
	__u32 rsp_event; /* shared */
	__u32 protocol;	 /* BLKIF_PROTOCOL_* of common.h */
};

struct raw_on_ring {
	struct raw_head head;
	struct raw_ring ring;
};

struct raw_map {
	struct raw_head head;
	struct raw_ring ring;
	__u64 req; /* address of the kernel's pending_req */
	__u64 id;
	__u32 count; /* grants to be mapped */
	__u32 bytes; /* of the request's data; 0 of a list */
	__u16 segments;
	__u8 op;   /* of an indirect request the inner one */
	__u8 list; /* these are the pages of an indirect request's list */
	__u32 writable;
	__u8 slot[RAW_SLOT_MAX];
};

struct raw_mapped {
	struct raw_head head;
	__u32 count;
	__u32 gref[RAW_GREFS_MAX];
	__s16 status[RAW_GREFS_MAX];
	__u32 pad;
};

struct raw_bio {
	struct raw_head head;
	__u64 req;
	__u64 sector;
	__u32 left;   /* bios of the request that are not done */
	__u32 status; /* blk_status_t */
};

struct raw_discard {
	struct raw_head head;
	struct raw_ring ring;
	__u64 sector, sectors;
	__s32 error;
	__u32 pad;
	__u8 slot[RAW_SLOT_MAX];
};

struct raw_unmapped {
	struct raw_head head;
	__u64 req;
	__u64 count; /* grants that were unmapped */
};

struct raw_respond {
	struct raw_head head;
	struct raw_ring ring;
	__u64 id;
	__s32 status;
	__u32 op;
	__u8 slot[RAW_SLOT_MAX]; /* that was taken last */
};

struct raw_irq {
	struct raw_head head;
	__u32 irq;
	__u32 number; /* RAW_EOI: flags; RAW_PORT, RAW_BIND: port */
};

struct raw_device {
	struct raw_head head;
	__u32 domid;
	__s32 from, to; /* states */
	__u32 pad;
	char node[RAW_NODE_MAX];
};

struct raw_text {
	struct raw_head head;
	__s32 error; /* 0 or -errno */
	__u32 pad;
	char dir[RAW_DIR_MAX], node[RAW_NODE_MAX], value[RAW_VALUE_MAX];
};

struct raw_grants {
	struct raw_head head;
	__u32 count;
	__u32 gref[RAW_GREFS_MAX];
	__u32 pad;
	char node[RAW_NODE_MAX];
};

struct raw_status {
	struct raw_head head;
	__u32 devid;
	__u16 domid;
	__u16 queues;
	__u32 state;
	__u32 running; /* the first queue has a thread */
};

/* A ring of xen-blkfront, as it stood. */
struct raw_front {
	__u64 addr; /* of the kernel's struct; a name, no more */
	__u32 irq, port;
	__u32 entries, pages;
	__u16 queue;
	__u8 persistent; /* grants are kept; so it was agreed */
	__u8 pad[5];
	__u32 gref[RAW_GREFS_MAX];   /* of its pages */
	char otherend[RAW_NODE_MAX]; /* the backend's directory */
};

struct raw_on_front {
	struct raw_head head;
	struct raw_front ring;
};

struct raw_push {
	struct raw_head head;
	struct raw_front ring;
	__u64 id;
	__u32 idx;
	__u32 bytes;		  /* of the request's data */
	__u8 slot[RAW_SLOT_HEAD]; /* of the copy that blkfront keeps */
};

struct raw_publish {
	struct raw_head head;
	struct raw_front ring;
	__u32 idx;
	__u32 event_before, event_after; /* req_event */
	__u32 notified;
};

struct raw_complete {
	struct raw_head head;
	struct raw_front ring;
	__u64 id;
	__u32 idx;
	__s32 status;
};

struct raw_taken {
	struct raw_head head;
	struct raw_front ring;
	__u32 before, after; /* rsp_cons */
};

struct raw_grant {
	struct raw_head head;
	struct raw_front ring;
	__u64 frame;
	__u32 gref;
	__u8 readonly, busy, pad[2];
};

/* What the loader finds out and tells the programs. */
struct raw_settings {
	__u64 address[RAW_ADDRESSES]; /* that the driver names; or 0 */
	__u64 wake_bytes; /* so many in the ring buffer wake who reads it */
};

#endif
