/* SPDX-License-Identifier: MIT */
#include "backend/vbd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/medium.h"
#include "backend/queue.h"
#include "backend/stats.h"
#include "base/clock.h"
#include "ring/shared.h"
#include "xenbus/handshake.h"

#define SCRIPT "block-ringside"
/* For the toolstack to see state 6 before the directory goes. */
#define REMOVE_DELAY_NS 1000000000ull
/* A handshake comes to rest after a handful, whatever the frontend does. */
#define ROUNDS_MAX 64u

/* ---- opening ------------------------------------------------------------ */

/* Ours if the toolstack named our script, or everything is ours. */
static bool vbd_is_ours(struct xenbus_device *d,
			const struct vbd_config *config)
{
	char *script = xenbus_own_read(d, 0, "script");
	const char *base;
	bool ours;

	if (!script)
		return config->all;
	base = strrchr(script, '/');
	ours = config->all || !strcmp(base ? base + 1 : script, SCRIPT);
	free(script);
	return ours;
}

/* Before each offer, so that a switch holds from the next connection on. */
static void vbd_offer_settle(struct vbd *v)
{
	v->features = v->config->features;
	features_read(&v->features, &v->dev, &v->limit);
	v->offer = v->able;
	features_apply(&v->features, &v->offer);
}

int vbd_open(struct vbd **out, struct xen_host *host, const char *path,
	     uint16_t domid, uint32_t devid, const struct vbd_config *config,
	     int fault_fd, struct why *why)
{
	struct vbd *v = calloc(1, sizeof(*v));
	int err;

	if (!v)
		return why_set(why, -ENOMEM, "no memory for a device");
	v->config = config;
	v->fault_fd = fault_fd;
	err = xenbus_device_open(&v->dev, host, path, domid, devid, why);
	if (!err && !vbd_is_ours(&v->dev, config))
		err = -ENOENT;
	if (err) {
		free(v);
		return err;
	}
	medium_open(v);
	vbd_offer_settle(v);
	/* State 2 may be another daemon's, which offered something else. */
	v->stale = true;
	v->dirty = true;
	*out = v;
	return 0;
}

/* ---- connecting --------------------------------------------------------- */

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

static void vbd_disconnect(struct vbd *v)
{
	unsigned i;

	stats_hide(v->stats);
	for (i = 0; i < v->nqueues; i++)
		queue_close(v->queues[i]);
	stats_close(v->stats);
	v->stats = NULL;
	v->nqueues = 0;
	v->connected = false;
	medium_settle(v);
}

void vbd_free(struct vbd *v)
{
	if (!v)
		return;
	vbd_disconnect(v);
	medium_close(v);
	free(v);
}

/* The connection cannot go on: say why once, and let it close. */
static void vbd_fault(struct vbd *v, const char *rule, const char *text)
{
	char error[600];

	if (v->faulted)
		return;
	v->faulted = true;
	ev_device_fault(&v->dev.ev, rule, text);
	if (log_limit_pass(&v->limit))
		log_error("domain %u device %u: closed%s%s: %s",
			  v->dev.ev.domid, v->dev.ev.devid,
			  *rule ? " by rule " : "", rule, text);
	snprintf(error, sizeof(error), "%s%s%s", rule, *rule ? ": " : "", text);
	xenbus_error_write(&v->dev, error);
}

void vbd_queues_poll(struct vbd *v)
{
	unsigned i;

	medium_poll(v);
	for (i = 0; i < v->nqueues && !v->faulted; i++) {
		const struct queue_fault *fault = queue_fault(v->queues[i]);

		if (!fault)
			continue;
		vbd_fault(v, fault->rule, fault->why.text);
		v->dirty = true;
	}
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
	if (!large || strcmp(large, "1") != 0)
		log_warn("domain %u device %u: sectors are counted in units "
			 "of %u bytes, and the frontend does not say that it "
			 "does (feature-large-sector-size)",
			 v->dev.ev.domid, v->dev.ev.devid,
			 v->facts.sector_bytes);
	free(large);
}

/*
 * HANDSHAKE_CONNECT.  Whatever the frontend did wrong becomes a fault and 0
 * is returned; -errno only if the store failed.
 */
static int vbd_connect(struct vbd *v)
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

/* ---- stepping ----------------------------------------------------------- */

static int vbd_close(struct vbd *v)
{
	if (v->connected)
		log_info("domain %u device %u: disconnected", v->dev.ev.domid,
			 v->dev.ev.devid);
	/* XB-19: nothing mapped and nothing bound before state 6. */
	vbd_disconnect(v);
	v->faulted = false;
	return xenbus_state_switch(&v->dev, 0, XENBUS_CLOSED);
}

static void vbd_destroy(struct vbd *v)
{
	vbd_disconnect(v);
	xenbus_error_clear(&v->dev);
	ev_device_destroy(&v->dev.ev, v->dev.path);
	log_info("domain %u device %u: removed", v->dev.ev.domid,
		 v->dev.ev.devid);
	v->dead = true;
}

/* The grace of a removal begins when it is first seen, and never again. */
static bool vbd_overdue(struct vbd *v, bool online)
{
	uint64_t now = clock_now_ns();

	if (online || v->dev.own == XENBUS_CLOSED) {
		v->overdue_ns = 0;
		return false;
	}
	if (!v->overdue_ns)
		v->overdue_ns = now + v->config->grace_ms * 1000000ull;
	return now >= v->overdue_ns;
}

/*
 * In a driver domain nobody but its backend removes the directory, which the
 * toolstack waits for; but only after it has read state 6 there.
 */
static bool vbd_removable(struct vbd *v)
{
	uint64_t now = clock_now_ns();

	if (!v->dev.host->domid || v->dev.online ||
	    v->dev.own != XENBUS_CLOSED) {
		v->remove_ns = 0;
		return false;
	}
	if (!v->remove_ns)
		v->remove_ns = now + REMOVE_DELAY_NS;
	return now >= v->remove_ns;
}

/* Nobody else may drive it. */
static void vbd_claim(struct vbd *v)
{
	struct xen_host *host = v->dev.host;
	struct why why;
	int got =
		host->ops->claim(host, v->dev.ev.domid, v->dev.ev.devid, &why);

	if (got > 0) {
		v->stale = true;
		log_info("domain %u device %u: taken over from xen-blkback",
			 v->dev.ev.domid, v->dev.ev.devid);
	}
	if (got >= 0)
		return;
	xenbus_own_write(&v->dev, 0, "hotplug-error", "%s", why.text);
	xenbus_own_write(&v->dev, 0, "hotplug-status", "error");
	vbd_fault(v, "", why.text);
}

static int vbd_act(struct vbd *v, enum handshake_action action)
{
	switch (action) {
	case HANDSHAKE_OFFER:
		v->faulted = v->stale = false;
		vbd_offer_settle(v);
		/* XB-04: it had nothing to read but a state before 2. */
		v->offer.unseen = v->dev.own == XENBUS_INITIALISING &&
				  (v->dev.peer == XENBUS_INITIALISED ||
				   v->dev.peer == XENBUS_CONNECTED);
		return negotiate_offer_write(&v->dev, &v->offer);
	case HANDSHAKE_CONNECT:
		return vbd_connect(v);
	case HANDSHAKE_CLOSING:
		return xenbus_state_switch(&v->dev, 0, XENBUS_CLOSING);
	case HANDSHAKE_CLOSE:
		return vbd_close(v);
	case HANDSHAKE_REMOVE:
		return xenbus_own_remove(&v->dev);
	case HANDSHAKE_DESTROY:
		vbd_destroy(v);
		return 0;
	case HANDSHAKE_WAIT:
		break;
	}
	return 0;
}

/* Either it goes round in circles, or a frontend is faster than we are. */
static int vbd_restless(struct vbd *v, enum handshake_action action)
{
	if (log_limit_pass(&v->limit))
		log_warn("domain %u device %u: the handshake does not come to "
			 "rest: own state %d, the frontend's %d, and still: %s",
			 v->dev.ev.domid, v->dev.ev.devid, (int)v->dev.own,
			 (int)v->dev.peer, handshake_action_name(action));
	return -ELOOP;
}

int vbd_step(struct vbd *v, bool stopping)
{
	unsigned rounds = 0;
	int err;

	v->dirty = false;
	if (!v->connected && !v->faulted)
		vbd_claim(v);
	for (;;) {
		struct handshake_view view;
		enum handshake_action action;

		err = xenbus_device_look(&v->dev);
		if (err)
			return err;
		view = (struct handshake_view){
			.own = v->dev.own,
			.peer = v->dev.peer,
			.online = v->dev.online && !stopping,
			.gone = v->dev.gone,
			.connected = v->connected,
			.faulted = v->faulted,
			.stale = v->stale,
			.removable = vbd_removable(v),
		};
		view.overdue = vbd_overdue(v, view.online);
		action = handshake_next(&view);
		if (action == HANDSHAKE_WAIT)
			return medium_step(v);
		if (++rounds > ROUNDS_MAX)
			return vbd_restless(v, action);
		err = vbd_act(v, action);
		if (err)
			return err;
		if (v->dead)
			return 0;
	}
}
