/* SPDX-License-Identifier: MIT */
#include "backend/connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/medium.h"
#include "backend/queue.h"
#include "backend/stats.h"
#include "base/clock.h"
#include "ring/shared.h"

static enum ring_abi vbd_abi(const struct negotiate_result *got)
{
	return got->abi == NEGOTIATE_X86_64 ? RING_ABI_X86_64 : RING_ABI_X86_32;
}

static void vbd_stats_open(struct vbd *v, const struct negotiate_result *got)
{
	struct stats_header header = {
		.queues = got->queues,
		.domid = v->dev.ev.domid,
		.devid = v->dev.ev.devid,
		.since_ns = clock_now_ns(),
		.size_bytes = v->facts.size_bytes,
		.ring_entries =
			ring_entries(vbd_abi(got), 1u << got->ring_order),
	};
	struct why why;

	snprintf(header.target, sizeof(header.target), "%s", v->disk->target);
	v->stats = stats_open(v->config->stats_dir, &header, &why);
	if (!v->stats && log_limit_pass(&v->limit))
		log_warn("domain %u device %u: %s", v->dev.ev.domid,
			 v->dev.ev.devid, why.text);
}

void vbd_disconnect(struct vbd *v)
{
	/*
	 * Only where we stop, and guest and toolstack go on, are the answers
	 * of what has not begun of any use.
	 */
	bool abandon = v->faulted || v->dev.gone || !v->dev.online ||
		       v->dev.peer != XENBUS_CONNECTED;
	unsigned i;

	stats_hide(v->stats);
	for (i = 0; i < v->nqueues; i++)
		queue_stop(v->queues[i], abandon);
	for (i = 0; i < v->nqueues; i++)
		queue_close(v->queues[i]);
	stats_close(v->stats);
	v->stats = NULL;
	v->nqueues = 0;
	v->connected = false;
	medium_settle(v);
}

static int vbd_queue_open(struct vbd *v, const struct negotiate_result *got,
			  unsigned i, const char **rule, struct why *why)
{
	struct queue_setup setup = {
		.host = v->dev.host,
		.disk = v->disk,
		.domid = v->dev.ev.domid,
		.abi = vbd_abi(got),
		.ring_grefs = got->ring[i].gref,
		.ring_pages = 1u << got->ring_order,
		.evtchn_port = got->ring[i].evtchn_port,
		.limits =
			{
				.size_bytes = v->facts.size_bytes,
				.sector_bytes = v->facts.sector_bytes,
				.unit_shift = v->facts.unit_shift,
				.readonly = v->facts.readonly,
				.flush = v->offer.flush,
				.barrier = v->offer.barrier,
				.discard = v->offer.discard,
				.secure = v->offer.secure,
				.indirect_segs = v->offer.indirect_segs,
				.discard_granularity =
					v->offer.discard_granularity,
				.discard_alignment = v->offer.discard_alignment,
			},
		.grant_path = got->persistent ? GRANT_PATH_PERSIST
					      : v->features.path,
		.grant_keep_pages = v->config->grant_keep_pages,
		.grant_budget = v->config->grant_budget,
		.poll_us = v->config->poll_us,
		.stats = v->stats ? stats_queue(v->stats, i) : NULL,
		.limit = &v->queue_limit[i],
		.ev = v->dev.ev,
		.fault_fd = v->fault_fd,
	};
	int err;

	setup.ev.queue = (uint16_t)i;
	err = queue_open(&v->queues[i], &setup, rule, why);
	if (err)
		return err;
	v->nqueues = i + 1;
	return queue_start(v->queues[i], why);
}

/*
 * A frontend that counts in sector-size says so, by the headers that have it
 * count like that; but not all that do.
 */
static void vbd_units_warn(struct vbd *v)
{
	char *large;

	if (!v->facts.unit_shift)
		return;
	large = xenbus_peer_read(&v->dev, 0, "feature-large-sector-size");
	if ((!large || strcmp(large, "1") != 0) && log_limit_pass(&v->life))
		log_warn("domain %u device %u: sectors are counted in units "
			 "of %u bytes, and the frontend does not say that it "
			 "does (feature-large-sector-size)",
			 v->dev.ev.domid, v->dev.ev.devid,
			 v->facts.sector_bytes);
	free(large);
}

int vbd_connect(struct vbd *v)
{
	struct negotiate_result got;
	const char *rule = "";
	struct why why;
	unsigned i;
	int err;

	if (!v->disk) {
		vbd_fault(v, "", v->disk_why.text);
		return 0;
	}
	err = negotiate_read(&v->dev, &v->offer, &got, &rule, &why);
	if (err)
		goto fault;
	medium_measure(v);
	v->untold = false;
	vbd_stats_open(v, &got);
	for (i = 0; i < got.queues; i++) {
		err = vbd_queue_open(v, &got, i, &rule, &why); /* XB-05 */
		if (err)
			goto fault;
	}
	err = negotiate_connected_write(&v->dev, &v->facts);
	if (err) {
		vbd_disconnect(v);
		return err;
	}
	v->connected = true;
	vbd_units_warn(v);
	v->told_bytes = v->facts.size_bytes;
	xenbus_error_clear(&v->dev);
	if (!log_limit_pass(&v->life))
		return 0;
	log_info("domain %u device %u: connected, %u queue%s of %u page%s, "
		 "grants %s",
		 v->dev.ev.domid, v->dev.ev.devid, got.queues,
		 got.queues == 1 ? "" : "s", 1u << got.ring_order,
		 got.ring_order ? "s" : "",
		 got.persistent			       ? "kept"
		 : v->features.path == GRANT_PATH_COPY ? "copied"
						       : "mapped");
	return 0;
fault:
	vbd_disconnect(v);
	vbd_fault(v, rule, why.text);
	return 0;
}
