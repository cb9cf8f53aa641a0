/* SPDX-License-Identifier: MIT */
#include "backend/vbd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/connect.h"
#include "backend/medium.h"
#include "backend/queue.h"
#include "base/clock.h"
#include "xenbus/handshake.h"

#define SCRIPT "block-ringside"
/* A guest that connects again and again does not fill the log. */
#define LIFE_BURST 30
#define CLAIM_NS   1000000000ull
/* For the toolstack to see state 6 before the directory goes. */
#define REMOVE_DELAY_NS 1000000000ull
/* A handshake comes to rest after a handful, whatever the frontend does. */
#define ROUNDS_MAX 64u

/* ---- another backend ---------------------------------------------------- */

/*
 * Nobody else may drive it.  What xen-blkback keeps is its own in the store,
 * too: we say why we do not serve it, and write no state.
 */
static void vbd_claim(struct vbd *v)
{
	struct xen_host *host = v->dev.host;
	struct why why;
	int got =
		host->ops->claim(host, v->dev.ev.domid, v->dev.ev.devid, &why);
	bool was = v->unclaimed;

	v->unclaimed = got < 0;
	/* Nobody tells us when it lets go. */
	v->claim_ns = v->unclaimed ? clock_now_ns() + CLAIM_NS : 0;
	if (got > 0) {
		v->stale = true;
		log_info("domain %u device %u: taken over from xen-blkback",
			 v->dev.ev.domid, v->dev.ev.devid);
	}
	if (v->unclaimed == was)
		return;
	if (!v->unclaimed) {
		v->stale = true;
		xenbus_own_clear(&v->dev, 0, "hotplug-error");
		xenbus_error_clear(&v->dev);
		medium_tell(v);
		return;
	}
	ev_device_fault(&v->dev.ev, "", why.text);
	log_error("domain %u device %u: not served: %s", v->dev.ev.domid,
		  v->dev.ev.devid, why.text);
	xenbus_own_write(&v->dev, 0, "hotplug-error", "%s", why.text);
	xenbus_own_write(&v->dev, 0, "hotplug-status", "error");
	xenbus_error_write(&v->dev, why.text);
}

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
	unsigned i;
	int err;

	if (!v)
		return why_set(why, -ENOMEM, "no memory for a device");
	v->config = config;
	v->fault_fd = fault_fd;
	v->life.burst = LIFE_BURST;
	for (i = 0; i < NEGOTIATE_QUEUES_MAX; i++)
		v->queue_limit[i].burst = LIFE_BURST;
	err = xenbus_device_open(&v->dev, host, path, domid, devid, why);
	if (!err && !vbd_is_ours(&v->dev, config))
		err = -ENOENT;
	if (err) {
		free(v);
		return err;
	}
	medium_open(v);
	vbd_claim(v);
	if (!v->unclaimed)
		medium_tell(v);
	vbd_offer_settle(v);
	/* State 2 may be another daemon's, which offered something else. */
	v->stale = true;
	v->dirty = true;
	*out = v;
	return 0;
}

void vbd_free(struct vbd *v)
{
	if (!v)
		return;
	vbd_disconnect(v);
	medium_close(v);
	free(v);
}

/* ---- faults ------------------------------------------------------------- */

void vbd_fault(struct vbd *v, const char *rule, const char *text)
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

/* ---- stepping ----------------------------------------------------------- */

static int vbd_close(struct vbd *v)
{
	if (v->connected && log_limit_pass(&v->life))
		log_info("domain %u device %u: disconnected", v->dev.ev.domid,
			 v->dev.ev.devid);
	/* XB-19: nothing mapped and nothing bound before state 6. */
	vbd_disconnect(v);
	v->faulted = false;
	return xenbus_switch_with(&v->dev, NULL, NULL, XENBUS_CLOSED);
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

/*
 * Switches in the store that changed after the offer, while the frontend has
 * not begun with it: as of a guest that was made paused.
 */
static void vbd_switches_look(struct vbd *v)
{
	struct features now = v->config->features;

	if (v->connected || v->stale || v->dev.own != XENBUS_INIT_WAIT ||
	    v->dev.peer > XENBUS_INITIALISING)
		return;
	features_read(&now, &v->dev, &v->limit);
	v->stale = !features_same(&now, &v->features);
}

static int vbd_offer(struct vbd *v)
{
	int err;

	v->faulted = false;
	vbd_offer_settle(v);
	/* XB-04: it had nothing to read but a state before 2. */
	v->offer.unseen = v->dev.own == XENBUS_INITIALISING &&
			  (v->dev.peer == XENBUS_INITIALISED ||
			   v->dev.peer == XENBUS_CONNECTED);
	err = negotiate_offer_write(&v->dev, &v->offer);
	/* Not written, what stands there is not ours. */
	v->stale = err != 0;
	return err;
}

static int vbd_act(struct vbd *v, enum handshake_action action)
{
	switch (action) {
	case HANDSHAKE_OFFER:
		return vbd_offer(v);
	case HANDSHAKE_CONNECT:
		return vbd_connect(v);
	case HANDSHAKE_CLOSING:
		return xenbus_switch_with(&v->dev, NULL, NULL, XENBUS_CLOSING);
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

/*
 * Only the toolstack writes 1, and with it perhaps a whole new directory: then
 * the storage that we have may be another disk's.
 */
static bool vbd_is_anew(struct vbd *v, enum xenbus_state before)
{
	v->anew |= v->dev.own == XENBUS_INITIALISING &&
		   before > XENBUS_INITIALISING;
	return v->anew && !v->connected;
}

int vbd_step(struct vbd *v, bool stopping)
{
	unsigned rounds = 0;
	int err;

	v->dirty = false;
	v->claim_ns = 0;
	for (;;) {
		const enum xenbus_state before = v->dev.own;
		struct handshake_view view;
		enum handshake_action action;

		err = xenbus_device_look(&v->dev);
		if (err)
			return err;
		if (vbd_is_anew(v, before) && !v->dev.gone) {
			vbd_destroy(v);
			return 0;
		}
		if (!v->connected && !v->faulted && !v->dev.gone)
			vbd_claim(v);
		if (v->unclaimed && !v->dev.gone) {
			v->overdue_ns = v->remove_ns = 0;
			return 0;
		}
		vbd_switches_look(v);
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
		/* -ESTALE: somebody else wrote there, so look again. */
		if (err && err != -ESTALE)
			return err;
		if (v->dead)
			return 0;
	}
}
