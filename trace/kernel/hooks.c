/* SPDX-License-Identifier: MIT */
#include "trace/kernel/hooks.h"

#include <stddef.h>

#define KINDS(...)                                                             \
	.kinds = sizeof((enum ev_kind[]){ __VA_ARGS__ }) /                     \
		 sizeof(enum ev_kind),                                         \
	.kind = { __VA_ARGS__ }
#define IN_MODULE(name, of, ...)                                               \
	{                                                                      \
		.program = #name, .function = #of, .in_module = true,          \
		KINDS(__VA_ARGS__)                                             \
	}
#define IN_KERNEL(name, of, ...)                                               \
	{                                                                      \
		.program = #name, .function = #of, KINDS(__VA_ARGS__)          \
	}
#define IN_THREAD(name, of, ...)                                               \
	{                                                                      \
		.program = #name, .function = #of,                             \
		.address = "xen_blkif_schedule", KINDS(__VA_ARGS__)            \
	}
/* Helps the others, and gives nothing of its own. */
#define HELPER(name, of, needs)                                                \
	{                                                                      \
		.program = #name, .function = #of, .address = needs            \
	}

const struct hook hooks[] = {
	IN_MODULE(on_wakeup, xen_blkif_be_int, EV_KIND_evtchn_wakeup),
	IN_MODULE(on_map, xen_blkbk_map, EV_KIND_request_take,
		  EV_KIND_request_check, EV_KIND_request_list,
		  EV_KIND_ring_slot, EV_KIND_grant_map, EV_KIND_grant_reuse),
	IN_MODULE(on_map_end, xen_blkbk_map, EV_KIND_grant_map,
		  EV_KIND_grant_reuse),
	IN_KERNEL(on_mapped, gnttab_map_refs, EV_KIND_grant_map,
		  EV_KIND_grant_reuse),
	{ .program = "on_submit",
	  .function = "submit_bio",
	  .address = "end_block_io_op",
	  KINDS(EV_KIND_disk_submit, EV_KIND_disk_done) },
	IN_MODULE(on_done, end_block_io_op, EV_KIND_disk_done),
	HELPER(on_discard, blkdev_issue_discard, "xen_blkif_schedule"),
	HELPER(on_discarded, blkdev_issue_discard, "xen_blkif_schedule"),
	HELPER(on_erase, blkdev_issue_secure_erase, "xen_blkif_schedule"),
	HELPER(on_erased, blkdev_issue_secure_erase, "xen_blkif_schedule"),
	IN_MODULE(on_unmapped, xen_blkbk_unmap_and_respond_callback,
		  EV_KIND_grant_unmap, EV_KIND_request_respond),
	IN_MODULE(on_respond, make_response, EV_KIND_request_respond,
		  EV_KIND_request_refuse, EV_KIND_ring_produce,
		  EV_KIND_ring_notify),
	IN_MODULE(on_responded, make_response, EV_KIND_ring_produce,
		  EV_KIND_ring_notify),
	IN_KERNEL(on_notify, notify_remote_via_irq, EV_KIND_evtchn_notify,
		  EV_KIND_ring_notify),
	IN_THREAD(on_eoi, xen_irq_lateeoi, EV_KIND_evtchn_spurious),
	IN_KERNEL(on_state, xenbus_switch_state, EV_KIND_state_switch),
	{ .program = "on_seen",
	  .function = "frontend_changed",
	  .in_module = true,
	  .by_kprobe = true,
	  KINDS(EV_KIND_state_seen) },
	IN_MODULE(on_remove, xen_blkbk_remove, EV_KIND_device_destroy),
	IN_KERNEL(on_read, xs_single, EV_KIND_store_read),
	IN_KERNEL(on_write, xenbus_write, EV_KIND_store_write,
		  EV_KIND_state_switch),
	HELPER(on_port, bind_evtchn_to_irq_chip, NULL),
	IN_KERNEL(on_bind, bind_interdomain_evtchn_to_irqhandler_lateeoi,
		  EV_KIND_evtchn_bind),
	IN_KERNEL(on_grants, xenbus_map_ring_valloc, EV_KIND_ring_map),
	IN_MODULE(on_ring, read_per_ring_refs, EV_KIND_ring_map,
		  EV_KIND_evtchn_bind, EV_KIND_queue_start),
	IN_MODULE(on_status, xen_update_blkif_status, EV_KIND_queue_start),
	IN_MODULE(on_disconnect, xen_blkif_disconnect, EV_KIND_ring_unmap,
		  EV_KIND_evtchn_unbind),
};

const unsigned hooks_count = sizeof(hooks) / sizeof(hooks[0]);

static bool gives(const struct hook *hook, enum ev_kind kind)
{
	for (unsigned i = 0; i < hook->kinds; i++)
		if (hook->kind[i] == kind)
			return true;
	return false;
}

bool hooks_see(enum ev_kind kind, const bool *there)
{
	bool any = false;

	for (unsigned i = 0; i < hooks_count; i++) {
		if (!gives(&hooks[i], kind))
			continue;
		if (!there[i])
			return false;
		any = true;
	}
	return any;
}

/* What gives nothing of its own helps others, of requests or of handshakes. */
bool hook_wanted(const struct hook *hook, enum ev_level level)
{
	for (unsigned i = 0; i < hook->kinds; i++)
		if (ev_descs[hook->kind[i]].level <= level)
			return true;
	return !hook->kinds;
}
