/* SPDX-License-Identifier: MIT */
#include "trace/kernel/blkback.h"

#include <stdlib.h>

#include "trace/kernel/state.h"

static const struct {
	int (*on)(struct blkback *b, const void *raw);
	size_t len;
} steps[RAW_WHAT_COUNT] = {
	[RAW_WAKEUP] = { on_wakeup, sizeof(struct raw_on_ring) },
	[RAW_MAP] = { on_map, sizeof(struct raw_map) },
	[RAW_MAPPED] = { on_mapped, sizeof(struct raw_mapped) },
	[RAW_MAP_END] = { on_map_end, sizeof(struct raw_head) },
	[RAW_SUBMIT] = { on_submit, sizeof(struct raw_bio) },
	[RAW_DONE] = { on_done, sizeof(struct raw_bio) },
	[RAW_DISCARD] = { on_discard, sizeof(struct raw_discard) },
	[RAW_DISCARDED] = { on_discarded, sizeof(struct raw_discard) },
	[RAW_UNMAPPED] = { on_unmapped, sizeof(struct raw_unmapped) },
	[RAW_RESPOND] = { on_respond, sizeof(struct raw_respond) },
	[RAW_NOTIFY] = { on_notify, sizeof(struct raw_irq) },
	[RAW_RESPONDED] = { on_responded, sizeof(struct raw_on_ring) },
	[RAW_EOI] = { on_eoi, sizeof(struct raw_irq) },
	[RAW_STATE] = { on_state, sizeof(struct raw_device) },
	[RAW_SEEN] = { on_seen, sizeof(struct raw_device) },
	[RAW_REMOVE] = { on_remove, sizeof(struct raw_device) },
	[RAW_READ] = { on_read, sizeof(struct raw_text) },
	[RAW_WRITE] = { on_write, sizeof(struct raw_text) },
	[RAW_PORT] = { on_port, sizeof(struct raw_irq) },
	[RAW_BIND] = { on_bind, sizeof(struct raw_irq) },
	[RAW_GRANTS] = { on_grants, sizeof(struct raw_grants) },
	[RAW_RING] = { on_ring, sizeof(struct raw_on_ring) },
	[RAW_STATUS] = { on_status, sizeof(struct raw_status) },
	[RAW_DISCONNECT] = { on_disconnect, sizeof(struct raw_status) },
};

struct blkback *blkback_new(blkback_event_fn each, void *user)
{
	struct blkback *b = calloc(1, sizeof(*b));

	if (b) {
		b->each = each;
		b->user = user;
	}
	return b;
}

int blkback_take(struct blkback *b, const struct raw_head *raw, size_t len)
{
	if (raw->what >= RAW_WHAT_COUNT || len < steps[raw->what].len)
		return 0;
	return steps[raw->what].on(b, raw);
}

void blkback_lost(struct blkback *b)
{
	b->lossy = true;
	for (size_t i = 0; i < b->rings; i++)
		b->ring[i].indexed = false;
	for (size_t i = 0; i < b->cpus; i++)
		b->cpu[i]->reqs = b->cpu[i]->answers = 0;
}

void blkback_free(struct blkback *b)
{
	if (!b)
		return;
	state_free(b);
	free(b);
}
