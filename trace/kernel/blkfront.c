/* SPDX-License-Identifier: MIT */
/* Linux's xen-blkfront: what is looked at, and who makes events of it. */
#include "trace/kernel/driver.h"
#include "trace/kernel/state.h"

#define INTERRUPT "blkif_interrupt"

static const struct hook hooks[] = {
	HOOK_IN_MODULE(on_queue, blkif_queue_rq, EV_KIND_request_push,
		       EV_KIND_request_complete, EV_KIND_ring_produce,
		       EV_KIND_ring_notify, EV_KIND_evtchn_notify,
		       EV_KIND_grant_access),
	HOOK_IN_MODULE(on_place, get_id_from_freelist, EV_KIND_request_push,
		       EV_KIND_request_complete, EV_KIND_ring_produce,
		       EV_KIND_ring_notify, EV_KIND_evtchn_notify,
		       EV_KIND_grant_access),
	HOOK_IN_MODULE(on_queued, blkif_queue_rq, EV_KIND_request_push,
		       EV_KIND_request_complete, EV_KIND_ring_produce,
		       EV_KIND_ring_notify, EV_KIND_evtchn_notify),
	HOOK_IN_KERNEL(on_notify, notify_remote_via_irq, EV_KIND_ring_notify,
		       EV_KIND_evtchn_notify),
	HOOK_IN_MODULE(on_interrupt, blkif_interrupt, EV_KIND_evtchn_wakeup,
		       EV_KIND_request_complete, EV_KIND_ring_consume,
		       EV_KIND_evtchn_spurious, EV_KIND_grant_end),
	HOOK_IN_KERNEL(on_complete, blk_mq_complete_request,
		       EV_KIND_request_complete, EV_KIND_ring_consume),
	HOOK_IN_MODULE(on_taken, blkif_interrupt, EV_KIND_request_complete,
		       EV_KIND_ring_consume, EV_KIND_evtchn_spurious,
		       EV_KIND_grant_end),
	HOOK_IN_KERNEL(on_eoi, xen_irq_lateeoi, EV_KIND_evtchn_spurious),
	HOOK_IN_KERNEL(on_grant, gnttab_grant_foreign_access_ref,
		       EV_KIND_grant_access),
	HOOK_IN_KERNEL(on_grant_end_v1, gnttab_end_foreign_access_ref_v1,
		       EV_KIND_grant_end),
	HOOK_IN_KERNEL(on_grant_end_v2, gnttab_end_foreign_access_ref_v2,
		       EV_KIND_grant_end),
	HOOK_IN_KERNEL(on_state, xenbus_switch_state, EV_KIND_state_switch),
	HOOK_HELPER(on_state_inner, __xenbus_switch_state, NULL),
	HOOK_IN_MODULE(on_seen, blkback_changed, EV_KIND_state_seen),
	HOOK_IN_KERNEL(on_read, xs_single, EV_KIND_store_read),
	HOOK_IN_KERNEL(on_write, xenbus_write, EV_KIND_store_write,
		       EV_KIND_state_switch),
	{ .program = "on_bound",
	  .function = "bind_evtchn_to_irqhandler_lateeoi",
	  .address = INTERRUPT,
	  HOOK_KINDS(EV_KIND_ring_map, EV_KIND_evtchn_alloc) },
	/* What is taken back with the ring is seen where this is. */
	HOOK_IN_MODULE(on_free, blkif_free_ring, EV_KIND_grant_end),
	HOOK_IN_MODULE(on_freed, blkif_free_ring, EV_KIND_ring_unmap,
		       EV_KIND_evtchn_unbind),
};

static const struct kernel_step steps[RAW_WHAT_COUNT] = {
	[RAW_INTERRUPT] = { on_interrupt, sizeof(struct raw_on_front) },
	[RAW_PUSH] = { on_push, sizeof(struct raw_push) },
	[RAW_PUBLISH] = { on_publish, sizeof(struct raw_publish) },
	[RAW_COMPLETE] = { on_complete, sizeof(struct raw_complete) },
	[RAW_TAKEN] = { on_taken, sizeof(struct raw_taken) },
	[RAW_GRANT] = { on_grant, sizeof(struct raw_grant) },
	[RAW_GRANT_END] = { on_grant_end, sizeof(struct raw_grant) },
	[RAW_FRONT] = { on_front, sizeof(struct raw_on_front) },
	[RAW_GONE] = { on_gone, sizeof(struct raw_on_front) },
	[RAW_EOI] = { on_eoi, sizeof(struct raw_irq) },
	[RAW_STATE] = { on_front_xenbus, sizeof(struct raw_device) },
	[RAW_SEEN] = { on_front_xenbus, sizeof(struct raw_device) },
	[RAW_READ] = { on_front_xenbus, sizeof(struct raw_text) },
	[RAW_WRITE] = { on_front_xenbus, sizeof(struct raw_text) },
};

const struct kernel_driver kernel_blkfront = {
	.object = OBJECT_BLKFRONT,
	.name = "xen-blkfront",
	.module = "xen_blkfront",
	.where = "record in the guest that has the disks",
	.actor = EV_ACTOR_FRONTEND,
	.address = { INTERRUPT },
	.hook = hooks,
	.hooks = sizeof(hooks) / sizeof(hooks[0]),
	.step = steps,
};
