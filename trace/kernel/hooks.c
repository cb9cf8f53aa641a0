/* SPDX-License-Identifier: MIT */
#include "trace/kernel/hooks.h"

#define KIND(name) EV_KIND_##name

const struct hook hooks[] = {
	{ "on_wakeup",
	  "xen_blkif_be_int",
	  true,
	  false,
	  1,
	  { KIND(evtchn_wakeup) } },
	{ "on_map",
	  "xen_blkbk_map",
	  true,
	  false,
	  6,
	  { KIND(request_take), KIND(request_check), KIND(request_list),
	    KIND(ring_slot), KIND(grant_map), KIND(grant_reuse) } },
	{ "on_map_end",
	  "xen_blkbk_map",
	  true,
	  false,
	  2,
	  { KIND(grant_map), KIND(grant_reuse) } },
	{ "on_mapped",
	  "gnttab_map_refs",
	  false,
	  false,
	  2,
	  { KIND(grant_map), KIND(grant_reuse) } },
	{ "on_submit",
	  "submit_bio",
	  false,
	  false,
	  2,
	  { KIND(disk_submit), KIND(disk_done) } },
	{ "on_done", "end_block_io_op", true, false, 1, { KIND(disk_done) } },
	{ "on_discard", "blkdev_issue_discard", false, false, 0, { 0 } },
	{ "on_discarded", "blkdev_issue_discard", false, false, 0, { 0 } },
	{ "on_erase", "blkdev_issue_secure_erase", false, false, 0, { 0 } },
	{ "on_erased", "blkdev_issue_secure_erase", false, false, 0, { 0 } },
	{ "on_unmapped",
	  "xen_blkbk_unmap_and_respond_callback",
	  true,
	  false,
	  2,
	  { KIND(grant_unmap), KIND(request_respond) } },
	{ "on_respond",
	  "make_response",
	  true,
	  false,
	  4,
	  { KIND(request_respond), KIND(request_refuse), KIND(ring_produce),
	    KIND(ring_notify) } },
	{ "on_responded",
	  "make_response",
	  true,
	  false,
	  2,
	  { KIND(ring_produce), KIND(ring_notify) } },
	{ "on_notify",
	  "notify_remote_via_irq",
	  false,
	  false,
	  2,
	  { KIND(evtchn_notify), KIND(ring_notify) } },
	{ "on_eoi",
	  "xen_irq_lateeoi",
	  false,
	  false,
	  1,
	  { KIND(evtchn_spurious) } },
	{ "on_state",
	  "xenbus_switch_state",
	  false,
	  false,
	  1,
	  { KIND(state_switch) } },
	{ "on_seen", "frontend_changed", true, true, 1, { KIND(state_seen) } },
	{ "on_remove",
	  "xen_blkbk_remove",
	  true,
	  false,
	  1,
	  { KIND(device_destroy) } },
	{ "on_read", "xenbus_read", false, false, 1, { KIND(store_read) } },
	{ "on_write", "xenbus_write", false, false, 1, { KIND(store_write) } },
	{ "on_port", "bind_evtchn_to_irq_chip", false, false, 0, { 0 } },
	{ "on_bind",
	  "bind_interdomain_evtchn_to_irqhandler_lateeoi",
	  false,
	  false,
	  1,
	  { KIND(evtchn_bind) } },
	{ "on_grants",
	  "xenbus_map_ring_valloc",
	  false,
	  false,
	  1,
	  { KIND(ring_map) } },
	{ "on_ring",
	  "read_per_ring_refs",
	  true,
	  false,
	  3,
	  { KIND(ring_map), KIND(evtchn_bind), KIND(queue_start) } },
	{ "on_status",
	  "xen_update_blkif_status",
	  true,
	  false,
	  1,
	  { KIND(queue_start) } },
	{ "on_disconnect",
	  "xen_blkif_disconnect",
	  true,
	  false,
	  2,
	  { KIND(ring_unmap), KIND(evtchn_unbind) } },
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
